"""Half precision: the conversion, and a model of its rounding that runs anywhere."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from hpe_volleyball.quantize.graph import producers_of, put_in_order

_WIDE: Final = frozenset(
    {"ReduceL2", "ReduceSumSquare", "ReduceSum", "ReduceMean", "Pow", "Exp", "Softmax"}
)
"""Operators whose sums or powers can leave the range of float16 although their result does not."""

_WEIGHTED: Final = frozenset({"Conv", "MatMul", "Gemm", "ConvTranspose"})

_EXACT: Final = frozenset(
    {"Reshape", "Transpose", "Concat", "Split", "Squeeze", "Unsqueeze", "Flatten", "Identity"}
    | {"MaxPool", "Relu", "Slice", "Gather", "Expand", "Tile", "Cast"}
)
"""Operators that only move or choose values: rounded ones stay as they are."""

_LARGEST: Final = 65504.0


def kept_by_rule(model: onnx.ModelProto) -> set[str]:
    """Names of the nodes that stay in float32 whatever the measurements say.

    These are sums of squares and the like, which an emulation of rounding cannot see overflow, and
    the last layer of each output, which costs little: box distances above 512 px would have steps
    of half a pixel.
    """
    kept = {node.name for node in model.graph.node if node.op_type in _WIDE}
    producers = producers_of(model.graph)
    for value in model.graph.output:
        node = producers.get(value.name)
        while node is not None:
            kept.add(node.name)
            if node.op_type in _WEIGHTED:
                break
            node = next((producers[name] for name in node.input if name in producers), None)
    return kept


def to_float16(model: onnx.ModelProto, keep: Collection[str]) -> onnx.ModelProto:
    """The model in float16; inputs and outputs stay float32.

    Args:
        model: Stays as it is.
        keep: Names of the nodes that stay in float32.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    converted: onnx.ModelProto = convert_float_to_float16(
        half, keep_io_types=True, node_block_list=sorted(keep)
    )
    put_in_order(converted.graph)
    onnx.checker.check_model(converted)
    return converted


def emulated(model: onnx.ModelProto, keep: Collection[str]) -> onnx.ModelProto:
    """A float32 model that rounds as float16 arithmetic does: weights, and after every operator.

    On a CPU ONNX Runtime computes float16 models in float32, which hides what a GPU would do. Must
    run without graph optimisations, which would remove the rounding.

    Args:
        model: Stays as it is.
        keep: Names of the nodes that stay in float32.
    """
    rounded = onnx.shape_inference.infer_shapes(model)
    graph = rounded.graph
    floats = {
        value.name
        for value in (*graph.value_info, *graph.input)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    half_inputs = {name for node in graph.node if node.name not in keep for name in node.input}
    _round_weights(graph, half_inputs)
    outputs = {value.name for value in graph.output}
    nodes: list[onnx.NodeProto] = []
    for_half: dict[str, str] = {}
    for_all: dict[str, str] = {}
    for value in graph.input:
        if value.name in half_inputs:
            for_half[value.name] = _round(value.name, nodes)
    for node in graph.node:
        half = node.name not in keep
        renamed = for_half | for_all if half else for_all
        node.input[:] = [renamed.get(name, name) for name in node.input]
        nodes.append(node)
        if half:
            _round_outputs(node, outputs, nodes)
        for name in floats.intersection(node.output):
            if half and node.op_type in _EXACT:
                continue
            if half:
                for_all[name] = _round(name, nodes)
            elif name in half_inputs:
                for_half[name] = _round(name, nodes)
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    return rounded


def _round_weights(graph: onnx.GraphProto, names: Collection[str]) -> None:
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name in names:
            values = np.clip(numpy_helper.to_array(tensor), -_LARGEST, _LARGEST)
            values = values.astype(np.float16).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _round_outputs(
    node: onnx.NodeProto, outputs: Collection[str], nodes: list[onnx.NodeProto]
) -> None:
    """Let a node that makes outputs of the model give them rounded."""
    for i, name in enumerate(node.output):
        if name in outputs:
            node.output[i] = f"{name}__exact"
            nodes.append(helper.make_node("Identity", [_round(node.output[i], nodes)], [name]))


def _round(name: str, nodes: list[onnx.NodeProto]) -> str:
    """Add the way to float16 and back; gives the name of the result."""
    half, result = f"{name}__half", f"{name}__rounded"
    nodes.append(helper.make_node("Cast", [name], [half], to=TensorProto.FLOAT16))
    nodes.append(helper.make_node("Cast", [half], [result], to=TensorProto.FLOAT))
    return result
