"""Lets a model take pictures as they are: colour order, mean and spread go into the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hpe_volleyball.models.preprocess import Normalisation
from hpe_volleyball.models.tensors import BGR_BYTES, INPUT_KEY
from hpe_volleyball.quantize.graph import set_metadata

_TO_PLANES = [0, 3, 1, 2]


def with_byte_input(model: onnx.ModelProto, normalisation: Normalisation) -> onnx.ModelProto:
    """The model with an input of uint8 [batch, H, W, 3], the colours in OpenCV's order.

    Args:
        model: With one input, float32 [batch, 3, H, W]; stays as it is.
        normalisation: What this input expects.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    constants = {tensor.name for tensor in graph.initializer}  # old exports list them as inputs
    [planes] = [value for value in graph.input if value.name not in constants]
    name = f"{planes.name}_bytes"
    batch, _, height, width = planes.type.tensor_type.shape.dim
    shape = [axis.dim_param or axis.dim_value or None for axis in (batch, height, width)]
    steps = _steps(normalisation)
    nodes: list[onnx.NodeProto] = []
    for number, (kind, constant, attributes) in enumerate(steps):
        result = planes.name if number == len(steps) - 1 else f"{name}_{number}"
        inputs = [nodes[-1].output[0] if nodes else name]
        if constant is not None:
            inputs.append(f"{result}_constant")
            graph.initializer.append(numpy_helper.from_array(constant, inputs[-1]))
        nodes.append(helper.make_node(kind, inputs, [result], f"{name}_{kind}", **attributes))
    nodes += graph.node
    del graph.input[:], graph.node[:]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.UINT8, [*shape, 3]))
    graph.node.extend(nodes)
    set_metadata(changed, {INPUT_KEY: BGR_BYTES})
    onnx.checker.check_model(changed)
    return changed


def _steps(normalisation: Normalisation) -> list[tuple[str, NDArray[Any] | None, dict[str, Any]]]:
    """Operators from bytes to planes, each with a constant and attributes.

    The cast is the first: TensorRT takes bytes for no other operator (TensorRT issue 3985).
    """
    std = np.array(normalisation.std)
    shift = -np.array(normalisation.mean) / std
    order = normalisation.channels
    return [
        ("Cast", None, {"to": TensorProto.FLOAT}),
        ("Transpose", None, {"perm": _TO_PLANES}),
        *([] if order == (0, 1, 2) else [("Gather", np.array(order), {"axis": 1})]),
        ("Mul", (1 / std).astype(np.float32)[:, None, None], {}),
        ("Add", shift.astype(np.float32)[:, None, None], {}),
    ]
