"""What a model file says of itself, against the package onnx."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.contents import read_contents


def save(
    path: Path, weights: dict[str, np.ndarray], operators: tuple[str, ...] = ("Identity",)
) -> Path:
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], [f"y{i}"]) for i, op in enumerate(operators)],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y0", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, {"one": "1", "größe": "§", "nothing": ""})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("weights", "operators", "expected"),
    [
        ({"a": np.ones((300, 2), np.float32), "b": np.ones(3, np.float16)}, ("Conv",), "fp32"),
        ({"a": np.ones((3, 2), np.float32), "b": np.ones(300, np.float16)}, ("Conv",), "fp16"),
        ({"a": np.ones(400, np.int8), "b": np.ones(3, np.float32)}, ("Conv",), "fp32"),
        ({"a": np.ones(400, np.float32)}, ("Conv", "QLinearConv"), "int8"),
        ({"a": np.ones(400, np.int64)}, ("Conv",), "none"),
        ({}, ("Conv",), "none"),
    ],
)
def test_precision_is_that_of_most_weights(
    weights: dict[str, np.ndarray], operators: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    assert read_contents(save(tmp_path / "m.onnx", weights, operators)).precision == expected


def test_metadata_is_read(tmp_path: Path) -> None:
    contents = read_contents(save(tmp_path / "m.onnx", {}))
    assert contents.metadata == {"one": "1", "größe": "§", "nothing": ""}


def test_packed_sizes_are_understood(tmp_path: Path) -> None:
    # As a writer that packs `dims` would store it: field 1 as bytes, 300 is the varint ac 02.
    tensor = b"\x0a\x03\xac\x02\x02" + b"\x10\x0a"
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    other = b"\x08\x05\x10\x01"
    graph += b"\x2a" + bytes([len(other)]) + other
    (tmp_path / "m.onnx").write_bytes(b"\x3a" + bytes([len(graph)]) + graph)
    assert read_contents(tmp_path / "m.onnx").precision == "fp16"


@pytest.mark.parametrize("content", [b"", b"\x0b", b"\x3a\x7fabc", b"\xff" * 20, b"\x3a"])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"no protobuf|empty|leads past"):
        read_contents(tmp_path / "m.onnx")


def test_a_model_in_onnx_runtimes_own_format_is_refused(tmp_path: Path) -> None:
    """ONNX Runtime runs it; what it holds cannot be told."""
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "m.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    model = onnx.load(save(tmp_path / "m.onnx", {}))
    model.ir_version, model.opset_import[0].version = 9, 17
    ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    with pytest.raises(ModelError, match=r"m\.ort: expected an ONNX file"):
        read_contents(tmp_path / "m.ort")
