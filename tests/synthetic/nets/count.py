"""Counts what a graph computes: weights and multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import onnx

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)


def weights(model: onnx.ModelProto) -> int:
    """Values in the floating point initialisers."""
    return sum(prod(t.dims) for t in model.graph.initializer if t.data_type in _FLOATS)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run computes.

    Attributes:
        multiply_adds: Of the convolutions and matrix products.
        normalised: Values that a batch norm scaled before the export folded it away, told by the
            SiLU that follows. The published cost of RTMPose has two operations for each of them,
            that of RTMDet has none.
    """

    multiply_adds: int
    normalised: int


def cost(model: onnx.ModelProto, image: Sequence[int]) -> Cost:
    """What one run computes for an input of this shape.

    Args:
        model: With one input [batch, 3, H, W].
        image: Its shape.
    """
    graph, shapes = _with_shapes(model, image)
    total = normalised = 0
    for node in graph.node:
        if node.op_type == "Conv":
            total += prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])
        elif node.op_type == "MatMul":
            total += prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
        elif node.op_type == "Sigmoid" and len(shapes.get(node.input[0], ())) == 4:
            normalised += prod(shapes[node.input[0]])
    return Cost(total, normalised)


def _with_shapes(
    model: onnx.ModelProto, image: Sequence[int]
) -> tuple[onnx.GraphProto, dict[str, list[int]]]:
    """The graph for an input of this shape, and the shapes of its tensors."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    graph = fixed.graph
    axes = graph.input[0].type.tensor_type.shape.dim
    known = {axis.dim_param: n for axis, n in zip(axes, image, strict=True) if axis.dim_param}
    for value in (*graph.input, *graph.output, *graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param in known:
                axis.dim_value = known[axis.dim_param]
    graph = onnx.shape_inference.infer_shapes(fixed, data_prop=True).graph
    shapes = {
        value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.input, *graph.output)
    }
    return graph, shapes | {tensor.name: list(tensor.dims) for tensor in graph.initializer}
