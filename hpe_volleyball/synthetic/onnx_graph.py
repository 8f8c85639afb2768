"""Builds an ONNX graph node by node, with the few operations that the demo models share."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_OPSET: Final = 17
_IR: Final = 8


class Graph:
    """Collects nodes and constants of a model; each method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: NDArray[np.generic]) -> str:
        """An initialiser."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def floats(self, *values: float) -> str:
        """A float32 constant [n]."""
        return self.constant(np.array(values, np.float32))

    def node(self, op: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        """One operator with one output, called `to` if given."""
        name = to or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def ints(self, *values: int) -> str:
        """An int64 constant [n]."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        """A float32 constant without axes."""
        return self.constant(np.array(value, np.float32))

    def planes(self, values: NDArray[np.number[Any]]) -> str:
        """A float32 constant [1, n, 1, 1], one value per channel."""
        return self.constant(values.astype(np.float32)[None, :, None, None])

    def cast(self, source: str, dtype: type[np.generic]) -> str:
        """The source with another element type."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node("Cast", [source], [name], to=kind))
        return name

    def conv(self, source: str, weights: NDArray[np.float64], bias: NDArray[np.float64]) -> str:
        """A 1x1 convolution, weights [out, in]."""
        kernel = self.constant(weights.astype(np.float32)[:, :, None, None])
        return self.node("Conv", source, kernel, self.constant(bias.astype(np.float32)))

    def model(
        self,
        inputs: list[onnx.ValueInfoProto],
        outputs: list[onnx.ValueInfoProto],
        name: str,
        note: str,
    ) -> onnx.ModelProto:
        """The checked model."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR,
            producer_name="hpe-volleyball",
        )
        helper.set_model_props(model, {"demo": "true", "description": note})
        onnx.checker.check_model(model, full_check=True)
        return model


def average(graph: Graph, source: str, size: int, stride: int = 1) -> str:
    """Mean over a square, first along rows, then along columns."""
    half = size // 2
    row = graph.node(
        *("AveragePool", source),
        kernel_shape=[1, size],
        pads=[0, half, 0, half],
        strides=[1, stride],
        count_include_pad=1,
    )
    return graph.node(
        *("AveragePool", row),
        kernel_shape=[size, 1],
        pads=[half, 0, half, 0],
        strides=[stride, 1],
        count_include_pad=1,
    )
