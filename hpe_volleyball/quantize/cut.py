"""Cuts decode and NMS off a detector, found by structure; `models.rtmdet_decode` does them then.

In mmdeploy's graph the NMS fails at a batch above 1, keeps shapes dynamic and does not survive
float16. The boxes are as exact as the network's outputs when all of it is done outside in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from hpe_volleyball.models.rtmdet_decode import METADATA_KEY, DecodeSettings
from hpe_volleyball.quantize.graph import constants_of, producers_of, set_metadata, upstream

_Constants = Mapping[str, NDArray[Any]]
_Producers = Mapping[str, onnx.NodeProto]

_CHANNELS_LAST: Final = [0, 2, 3, 1]
_NO_LIMIT: Final = 1 << 30


class NotCuttable(Exception):  # noqa: N818 - it names the state of the graph
    """The graph's end is not the one that is known."""


@dataclass(frozen=True, slots=True)
class _Tail:
    scores: list[str]
    sides: list[str]
    settings: DecodeSettings


def cut_detector(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model up to the outputs of its head, with the settings of its NMS in the metadata.

    Args:
        model: Stays as it is.

    Raises:
        NotCuttable: decode and NMS are not found; the message says what is missing.
    """
    tail = _find_tail(model.graph)
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    graph = cut.graph
    names = {
        name: f"{kind}_{stride}"
        for kind, tensors in (("scores", tail.scores), ("sides", tail.sides))
        for name, stride in zip(tensors, tail.settings.strides, strict=True)
    }
    _keep_only(graph, set(names))
    # The sigmoid stays in the graph: another one would order boxes of nearly equal scores anew.
    for name in tail.scores:
        graph.node.append(
            helper.make_node("Sigmoid", [name], [names[name]], name=f"{names[name]}_sigmoid")
        )
    for name in tail.sides:
        for node in graph.node:
            node.output[:] = [names.get(name, name) if o == name else o for o in node.output]
    constants = constants_of(graph)
    producers = producers_of(graph)
    del graph.output[:], graph.value_info[:]
    for name in names.values():
        stride = name.rpartition("_")[2]
        channels = len(constants[_head_convolution(name, producers).input[1]])
        shape: list[str | int | None] = ["batch", channels, f"height_{stride}", f"width_{stride}"]
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    set_metadata(cut, {METADATA_KEY: tail.settings.to_json()})
    onnx.checker.check_model(cut)
    return cut


def _find_tail(graph: onnx.GraphProto) -> _Tail:
    suppressions = [node for node in graph.node if node.op_type == "NonMaxSuppression"]
    if len(suppressions) != 1:
        raise NotCuttable(f"found {len(suppressions)} NonMaxSuppression operators, expected one")
    [nms] = suppressions
    constants, producers = constants_of(graph), producers_of(graph)
    scores = sides = None
    for node in upstream(nms.input[1], producers):
        joined = producers.get(node.input[0]) if node.op_type == "Sigmoid" else None
        if joined is not None and (scores := _maps(joined, producers)):
            break
    for node in upstream(nms.input[0], producers):
        found = _maps(node, producers)
        if found and found != scores:
            sides = found
            break
    if not scores or not sides or len(scores) != len(sides):
        raise NotCuttable("found no class and box maps that are joined before the NMS")
    strides = [_stride(name, constants, producers) for name in sides]
    for name in (*scores, *sides):
        _head_convolution(name, producers)
    limits = [float(constants[name].reshape(-1)[0]) for name in nms.input[2:5]]
    first, last = _limits(graph, nms, constants, producers)
    return _Tail(
        scores,
        sides,
        DecodeSettings(tuple(strides), limits[2], limits[1], int(limits[0]), first, last),
    )


def _maps(node: onnx.NodeProto, producers: _Producers) -> list[str]:
    """The maps [batch, channels, h, w] that a Concat joins point by point; [] if it is not that."""
    if node.op_type != "Concat":
        return []
    found = []
    for name in node.input:
        flat = producers.get(name)
        moved = producers.get(flat.input[0]) if flat and flat.op_type == "Reshape" else None
        if moved is None or moved.op_type != "Transpose":
            return []
        if list(moved.attribute[0].ints) != _CHANNELS_LAST:
            return []
        found.append(moved.input[0])
    return found


def _stride(name: str, constants: _Constants, producers: _Producers) -> int:
    """The factor by which a level's distances become pixels."""
    node = producers[name]
    factors = [constants[i] for i in node.input if i in constants and constants[i].size == 1]
    if node.op_type != "Mul" or not factors:
        raise NotCuttable("found box distances that are not multiplied with a stride")
    return int(factors[0].reshape(-1)[0])


def _head_convolution(name: str, producers: _Producers) -> onnx.NodeProto:
    """The convolution that makes a map, before exponential and stride."""
    node = producers[name]
    while node.op_type in {"Mul", "Exp", "Sigmoid"}:
        node = next(producers[i] for i in node.input if i in producers)
    if node.op_type != "Conv":
        raise NotCuttable(f"found a head that ends with {node.op_type}, expected a convolution")
    return node


def _limits(
    graph: onnx.GraphProto, nms: onnx.NodeProto, constants: _Constants, producers: _Producers
) -> tuple[int, int]:
    """Most points before and most boxes after the NMS, from the two TopK around it."""
    before = {node.output[0] for name in nms.input[:2] for node in upstream(name, producers)}
    limits = {True: _NO_LIMIT, False: _NO_LIMIT}
    for node in graph.node:
        if node.op_type != "TopK":
            continue
        for source in upstream(node.input[1], producers):
            if source.op_type == "Where":
                values = [constants[i] for i in source.input[1:] if i in constants]
                if values:
                    limits[node.output[0] in before] = int(values[0].reshape(-1)[0])
                break
    return limits[True], limits[False]


def _keep_only(graph: onnx.GraphProto, outputs: set[str]) -> None:
    """Drop all nodes and initialisers that the outputs do not need."""
    producers = producers_of(graph)
    needed = {node.output[0] for name in outputs for node in upstream(name, producers)}
    nodes = [node for node in graph.node if node.output[0] in needed]
    used = {name for node in nodes for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
