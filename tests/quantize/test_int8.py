"""INT8: the ranges of values are as measured, and what shall stay in float32 does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hpe_volleyball.quantize.int8 import quantisable, ranges_of, to_int8
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.records import Floats

LAYERS = "abc"
WEIGHTS: dict[str, Floats] = {
    name: np.random.default_rng(number).standard_normal((4, 4), np.float32)
    for number, name in enumerate(LAYERS)
}


def three_layers() -> onnx.ModelProto:
    """y = x A B C, in three nodes."""
    tensors = ["x", "xa", "xab", "y"]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in "xy")
    nodes = [
        helper.make_node("MatMul", [tensors[i], f"w{name}"], [tensors[i + 1]], name=name)
        for i, name in enumerate(LAYERS)
    ]
    weights = [numpy_helper.from_array(value, f"w{name}") for name, value in WEIGHTS.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def batches() -> list[Floats]:
    """Four, of which the first has the largest values and the last the smallest."""
    random = np.random.default_rng(5)
    return [random.standard_normal((6, 4), np.float32) + shift for shift in (3, 0, 1, -3)]


def test_a_range_holds_the_values_of_all_inputs(tmp_path: Path) -> None:
    found = ranges_of(three_layers(), batches(), tmp_path / "m.onnx")
    x = np.concatenate(batches())
    xa = x @ WEIGHTS["a"]
    values = {"x": x, "xa": xa, "xab": xa @ WEIGHTS["b"], "y": xa @ WEIGHTS["b"] @ WEIGHTS["c"]}
    assert found.keys() == values.keys()
    for name, value in values.items():
        assert found[name] == pytest.approx((value.min(), value.max()), rel=1e-5)


def test_few_values_far_from_all_others_are_not_in_the_range(tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 40_000, dtype=np.float32)
    x[[0, -1]] = -50, 50
    low, high = ranges_of(three_layers(), [x.reshape(-1, 4)], tmp_path / "m.onnx")["x"]
    assert (low, high) == pytest.approx((-1, 1), abs=0.001)


def test_the_last_layer_and_what_is_kept_stay_float(tmp_path: Path) -> None:
    model = three_layers()
    ranges = ranges_of(model, batches(), tmp_path / "m.onnx")
    assert quantisable(model) == ["a", "b"]
    for keep, floats in (((), {"wc"}), (("a",), {"wa", "wc"}), (("a", "b"), {"wa", "wb", "wc"})):
        int8 = to_int8(model, ranges, keep)
        weights = {tensor.name: tensor.data_type for tensor in int8.graph.initializer}
        assert {f"w{name}" for name in LAYERS if f"w{name}" in weights} == floats
        x = batches()[0]
        expected = x @ WEIGHTS["a"] @ WEIGHTS["b"] @ WEIGHTS["c"]
        [y] = open_model(int8, tmp_path / "int8.onnx").run({"x": x})
        error = np.abs(y - expected).max() / np.ptp(expected)
        assert (error < 1e-6) == (len(floats) == 3)
        assert error < 0.05
