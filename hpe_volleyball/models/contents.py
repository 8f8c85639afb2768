"""What an ONNX file holds, read off its protobuf fields; importing onnx takes 0.1 s and 10 MB."""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final, NamedTuple

from hpe_volleyball.errors import ModelError

_PRECISIONS: Final = {1: "fp32", 10: "fp16"}
"""By TensorProto.DataType."""
_QUANTISED: Final = ("DequantizeLinear", "QLinear", "ConvInteger", "MatMulInteger")
"""How the names of operators begin that compute with whole numbers (ONNX's list of operators)."""

# Numbers of fields, from onnx.proto.
_MODEL_GRAPH, _MODEL_METADATA = 7, 14
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_OPERATOR = 4
_TENSOR_DIMS, _TENSOR_TYPE = 1, 2

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protobuf's encoding."""
_MOST_VARINT = 10
"""Bytes of the longest whole number."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What an ONNX file says about itself."""

    precision: str
    """What most of the weights are stored in: "fp32", "fp16", "int8", or "none"."""
    metadata: dict[str, str]


def read_contents(path: Path) -> Contents:
    """Read the precision and the metadata of a model; weights stay on the disk.

    Raises:
        ModelError: the file cannot be read, or is of another format, as ONNX Runtime's own.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _contents(data)
    except (ValueError, OSError) as error:
        raise ModelError(
            f"{path}: expected an ONNX file, found something else ({error}); name or make the "
            ".onnx file"
        ) from error


def is_quantised(operator: str) -> bool:
    """Whether an operator computes with whole numbers; a table of them alone does not."""
    return operator.startswith(_QUANTISED)


class _Field(NamedTuple):
    number: int
    value: int
    """Of a number; of bytes, where they begin."""
    end: int
    """Where the bytes end; 0 for a number."""


def _contents(data: mmap.mmap) -> Contents:
    sizes: Counter[str] = Counter()
    metadata = {}
    quantised = False
    for field in _fields(data, 0, len(data)):
        if field.number == _MODEL_METADATA:
            entry = {part.number: part for part in _inside(data, field)}
            metadata[_text(data, entry.get(_ENTRY_KEY))] = _text(data, entry.get(_ENTRY_VALUE))
        if field.number != _MODEL_GRAPH:
            continue
        for part in _inside(data, field):
            if part.number == _GRAPH_INITIALIZER:
                precision, size = _weight(data, part)
                sizes[precision] += size
            elif part.number == _GRAPH_NODE and not quantised:
                items = _inside(data, part)
                operator = next((item for item in items if item.number == _NODE_OPERATOR), None)
                quantised = is_quantised(_text(data, operator))
    del sizes[""]
    most = sizes.most_common(1)[0][0] if sizes else "none"
    return Contents("int8" if quantised else most, metadata)


def _weight(data: mmap.mmap, tensor: _Field) -> tuple[str, int]:
    """Precision of a tensor, "" for others than those named, and how many numbers it holds."""
    dims: list[int] = []
    precision = ""
    for field in _inside(data, tensor):
        if field.number == _TENSOR_DIMS and field.end:  # packed
            at = field.value
            while at < field.end:
                length, at = _varint(data, at, field.end)
                dims.append(length)
        elif field.number == _TENSOR_DIMS:
            dims.append(field.value)
        elif field.number == _TENSOR_TYPE:
            precision = _PRECISIONS.get(field.value, "")
    return precision, prod(dims)


def _text(data: mmap.mmap, field: _Field | None) -> str:
    return "" if field is None else data[field.value : field.end].decode(errors="replace")


def _inside(data: mmap.mmap, field: _Field) -> Iterator[_Field]:
    """The fields of a message inside another."""
    return _fields(data, field.value, field.end)


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[_Field]:
    """The fields between two places of the file; groups, which ONNX never had, are refused.

    Encoding: protobuf.dev/programming-guides/encoding.
    """
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at, end)
            yield _Field(number, value, 0)
        elif wire in {_FIXED64, _FIXED32}:
            at += 8 if wire == _FIXED64 else 4
        elif wire == _BYTES:
            length, at = _varint(data, at, end)
            if at + length > end:
                raise ValueError(f"a field of {length} bytes at {at} leads past {end}")
            yield _Field(number, at, at + length)
            at += length
        else:
            raise ValueError(f"no protobuf message: wire type {wire} at {at}")


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A whole number, seven bits a byte, and where it ends."""
    if at < end and data[at] < 0x80:  # nearly all of them
        return data[at], at + 1
    value = 0
    for position in range(at, min(end, at + _MOST_VARINT)):
        byte = data[position]
        value |= (byte & 0x7F) << 7 * (position - at)
        if byte < 0x80:
            return value, position + 1
    raise ValueError(f"no protobuf message: a number without an end at {at}")
