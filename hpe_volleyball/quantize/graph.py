"""ONNX files for conversion: read with all checks, given metadata, written whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hpe_volleyball.errors import ModelError, OutputError
from hpe_volleyball.files import is_file, replacing
from hpe_volleyball.models.contents import is_quantised

OLDEST_OPSET = 11
"""The official exports have it; operators before it have other forms."""

_STANDARD = ("", "ai.onnx")
_REDUCED: dict[int, str] = {
    onnx.TensorProto.FLOAT16: "FP16",
    onnx.TensorProto.BFLOAT16: "BF16",
}


def read_source(path: Path) -> onnx.ModelProto:
    """A model that can be converted, every node with a name of its own.

    Raises:
        ModelError: the file cannot be read, or is a model that cannot be converted.
    """
    if not is_file(path):
        raise ModelError(f"{path}: expected an ONNX model file, found nothing to read")
    try:
        model = onnx.load(str(path), load_external_data=False)
        onnx.checker.check_model(_without_weights(model))
    except (DecodeError, onnx.checker.ValidationError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: expected an ONNX model, cannot read it: {reason}") from error
    _check_convertible(path, model)
    for number, node in enumerate(model.graph.node):
        node.name = node_name(number, node)
    return model


def node_name(number: int, node: onnx.NodeProto) -> str:
    """A name of its own for the node at this place of a graph."""
    return f"{number:04d}_{node.op_type}"


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same with weights inside, so that checking looks at no other file."""
    shallow = onnx.ModelProto()
    shallow.CopyFrom(model)
    for tensor in shallow.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            shape, kind = list(tensor.dims), helper.tensor_dtype_to_np_dtype(tensor.data_type)
            tensor.CopyFrom(numpy_helper.from_array(np.zeros(shape, kind), tensor.name))
    return shallow


def _check_convertible(path: Path, model: onnx.ModelProto) -> None:
    external = [t.name for t in model.graph.initializer if t.data_location == t.EXTERNAL]
    if external:
        raise ModelError(
            f"{path}: found weights in a second file ({len(external)} tensors), expected them "
            "inside; load the model with onnx.load and save it again as one file"
        )
    opset = opset_of(model)
    if opset < OLDEST_OPSET:
        raise ModelError(
            f"{path}: found opset {opset}, expected {OLDEST_OPSET} or newer; export the model "
            "again with a newer opset"
        )
    custom = sorted({f"{n.domain}.{n.op_type}" for n in model.graph.node if n.domain != ""})
    if custom:
        raise ModelError(
            f"{path}: found operators outside of ONNX ({', '.join(custom[:4])}), which cannot be "
            "converted; export the model without them, or take the original if it is an "
            "optimised or quantised file"
        )
    sizes: Counter[int] = Counter()
    for tensor in model.graph.initializer:
        sizes[tensor.data_type] += prod(tensor.dims)
    kind = (
        "INT8"
        if any(is_quantised(node.op_type) for node in model.graph.node)
        else _REDUCED.get(sizes.most_common(1)[0][0] if sizes else 0)
    )
    kind = metadata_of(model).get("hpe_volleyball.precision", kind or "").upper() or None
    if kind is not None:
        raise ModelError(
            f"{path}: found a model that is {kind} already, expected the FP32 original; name that "
            "one instead"
        )


def opset_of(model: onnx.ModelProto) -> int:
    """Version of the standard operators."""
    return max((o.version for o in model.opset_import if o.domain in _STANDARD), default=1)


def constants_of(graph: onnx.GraphProto) -> dict[str, NDArray[Any]]:
    """Values that do not depend on the input, by name: initialisers and constants."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    found[node.output[0]] = numpy_helper.to_array(attribute.t)
    for node in graph.node:  # exports alias constants
        if node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def producers_of(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """The node that makes each tensor."""
    return {name: node for node in graph.node for name in node.output}


def upstream(name: str, producers: Mapping[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """All nodes that a tensor depends on, nearest first."""
    queue, seen = [name], set()
    while queue:
        node = producers.get(queue.pop(0))
        if node is None or node.output[0] in seen:
            continue
        seen.add(node.output[0])
        yield node
        queue.extend(node.input)


def put_in_order(graph: onnx.GraphProto) -> None:
    """Move every node behind those that it needs, which converters do not see to.

    Of several nodes that make one tensor the first stays: converters add a cast for each reader.
    """
    producers: dict[str, onnx.NodeProto] = {}
    for node in graph.node:
        for name in node.output:
            producers.setdefault(name, node)
    ordered: list[onnx.NodeProto] = []
    done: set[str] = set()
    for last in graph.node:
        stack, begun = [last], set[str]()
        while stack:
            node = stack[-1]
            waiting = [
                producers[name] for name in node.input if name in producers and name not in done
            ]
            if waiting:
                if node.output[0] in begun:
                    raise ModelError(
                        f"the graph goes in a circle at {node.name or node.output[0]}, expected "
                        "one that does not; convert the model as it was exported"
                    )
                begun.add(node.output[0])
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            if node.output[0] not in done:
                ordered.append(node)
                done.update(node.output)
    del graph.node[:]
    graph.node.extend(ordered)


def metadata_of(model: onnx.ModelProto) -> dict[str, str]:
    """The entries of a model's metadata."""
    return {entry.key: entry.value for entry in model.metadata_props}


def set_metadata(model: onnx.ModelProto, entries: Mapping[str, str]) -> None:
    """Add or replace entries; the order does not depend on anything but the names."""
    merged = metadata_of(model) | dict(entries)
    del model.metadata_props[:]
    helper.set_model_props(model, {key: merged[key] for key in sorted(merged)})


def write_model(model: onnx.ModelProto, path: Path) -> None:
    """Write a model under its name when it is complete.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as fresh:
            fresh.write_bytes(model.SerializeToString(deterministic=True))
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}); choose another --output-dir"
        ) from error
