"""Files that cannot be converted get a message that says what was found and what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hpe_volleyball.errors import ModelError, OutputError
from hpe_volleyball.quantize.float16 import to_float16
from hpe_volleyball.quantize.graph import put_in_order, read_source, set_metadata, write_model
from tests.runs import names


def small(path: Path, *, opset: int = 17, domain: str = "", external: bool = False) -> Path:
    """One matrix product."""
    weights = numpy_helper.from_array(np.ones((64, 64), np.float32), "w")
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 64]) for name in ("x", "y")
    ]
    op = "MatMul" if not domain else "Own"
    node = helper.make_node(op, ["x", "w"], ["y"], domain=domain)
    graph = helper.make_graph([node], "g", values[:1], values[1:], [weights])
    opsets = [helper.make_opsetid("", opset)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.save(model, str(path), save_as_external_data=external, location="w.bin", size_threshold=0)
    return path


def test_a_plain_model_is_read_and_its_nodes_have_names(tmp_path: Path) -> None:
    model = read_source(small(tmp_path / "m.onnx"))
    assert [node.name for node in model.graph.node] == ["0000_MatMul"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"opset": 9}, r"found opset 9, expected 11 or newer; export"),
        ({"domain": "mmdeploy"}, r"operators outside of ONNX \(mmdeploy\.Own\)"),
        ({"external": True}, r"weights in a second file \(1 tensors\).* as one file"),
    ],
)
def test_what_cannot_be_converted_is_named(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    path = small(tmp_path / "m.onnx", **arguments)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=message) as error:
        read_source(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_that_is_fp16_already_is_named(tmp_path: Path) -> None:
    half = to_float16(read_source(small(tmp_path / "m.onnx")), set())
    write_model(half, tmp_path / "half.onnx")
    with pytest.raises(ModelError, match=r"FP16 already, expected the FP32 original"):
        read_source(tmp_path / "half.onnx")


def test_a_model_that_says_it_was_converted_is_named(tmp_path: Path) -> None:
    """Whatever its weights are."""
    model = read_source(small(tmp_path / "one.onnx"))
    set_metadata(model, {"hpe_volleyball.precision": "fp16"})
    write_model(model, tmp_path / "fp16.onnx")
    with pytest.raises(ModelError, match="FP16 already"):
        read_source(tmp_path / "fp16.onnx")


def test_a_model_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    model = onnx.load(small(tmp_path / "m.onnx"))
    (tmp_path / "taken.onnx").mkdir()
    for path in (tmp_path / "taken.onnx", tmp_path / "m.onnx" / "m.fp16.onnx"):
        with pytest.raises(OutputError, match="choose another --output-dir"):
            write_model(model, path)
    assert names(tmp_path) == ["m.onnx", "taken.onnx"]


def test_a_graph_that_goes_in_a_circle_ends_the_sorting(tmp_path: Path) -> None:
    model = read_source(small(tmp_path / "one.onnx"))
    [node] = model.graph.node
    node.input[0] = "back"
    model.graph.node.append(helper.make_node("Relu", ["y"], ["back"]))
    with pytest.raises(ModelError, match="in a circle at 0000_MatMul"):
        put_in_order(model.graph)


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="expected an ONNX model"):
        read_source(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="found nothing"):
        read_source(tmp_path / "missing.onnx")
