"""INT8: static quantisation with QuantizeLinear and DequantizeLinear, weights per channel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, version_converter
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from hpe_volleyball.quantize.float16 import kept_by_rule
from hpe_volleyball.quantize.graph import node_name, opset_of, put_in_order
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.records import Floats

QUANTISED: Final = (
    *("Conv", "MatMul", "Gemm", "Add", "Mul", "Sigmoid", "Concat", "MaxPool", "Resize"),
    "GlobalAveragePool",
)
"""Operators that are quantised."""

_OPSET: Final = 17
"""Scales per channel need opset 13; 17 is what the other models of this program have."""

_PERCENTILE: Final = 99.99
"""Share of a tensor's values in one picture that its range holds; the few beyond are clipped."""

_STRIDE: Final = 3
"""Every third value is looked at for the percentile."""

Ranges = dict[str, tuple[np.float32, np.float32]]


def with_new_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model in an opset that knows scales per channel."""
    if opset_of(model) >= _OPSET:
        return model
    names = [node.name for node in model.graph.node]
    raised: onnx.ModelProto = version_converter.convert_version(model, _OPSET)
    for number, node in enumerate(raised.graph.node):
        node.name = node.name or node_name(number, node)
    if len(names) == len(raised.graph.node):
        for node, name in zip(raised.graph.node, names, strict=True):
            node.name = name
    return raised


def quantisable(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that can be quantised, in order; those of the outputs stay float."""
    last = kept_by_rule(model)
    return [n.name for n in model.graph.node if n.op_type in QUANTISED and n.name not in last]


def ranges_of(model: onnx.ModelProto, inputs: Sequence[Floats], place: Path) -> Ranges:
    """The range of every activation over some inputs.

    Args:
        model: Stays as it is.
        inputs: Batches for the model's one input.
        place: File in a temporary folder.
    """
    watched = onnx.shape_inference.infer_shapes(model)
    graph = watched.graph
    outputs = {value.name for value in graph.output}
    floats = [
        value.name
        for value in graph.value_info
        if value.type.tensor_type.elem_type == TensorProto.FLOAT and value.name not in outputs
    ]
    for name in floats:
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = open_model(watched, place, optimised=False)
    names = [graph.input[0].name, *(value.name for value in session.outputs)]
    found: dict[str, list[tuple[float, float]]] = {}
    for batch in inputs:
        values = [batch, *session.run({graph.input[0].name: batch})]
        for name, value in zip(names, values, strict=True):
            if value.dtype == np.float32 and value.size:
                found.setdefault(name, []).append(_extent(value))
    return {
        name: (np.float32(min(low for low, _ in pairs)), np.float32(max(high for _, high in pairs)))
        for name, pairs in found.items()
    }


def _extent(value: NDArray[Any]) -> tuple[float, float]:
    sample = value.reshape(-1)
    if sample.size > 10_000:
        sample = sample[::_STRIDE]
        low, high = np.percentile(sample, [100 - _PERCENTILE, _PERCENTILE])
        return float(low), float(high)
    return float(sample.min()), float(sample.max())


def to_int8(model: onnx.ModelProto, ranges: Ranges, keep: Collection[str]) -> onnx.ModelProto:
    """The quantised model; inputs and outputs stay float32.

    Args:
        model: Stays as it is; in an opset from 13 on.
        ranges: From `ranges_of`.
        keep: Names of the nodes that stay in float32.
    """
    copy = onnx.shape_inference.infer_shapes(model)
    chosen = [name for name in quantisable(model) if name not in keep]
    quantizer = QDQQuantizer(
        copy,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, ranges),
        nodes_to_quantize=chosen,
        nodes_to_exclude=[],
        op_types_to_quantize=list(QUANTISED),
        extra_options={},
    )
    if chosen:
        quantizer.quantize_model()
    quantised: onnx.ModelProto = quantizer.model.model
    put_in_order(quantised.graph)
    onnx.checker.check_model(quantised)
    return quantised
