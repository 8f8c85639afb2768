"""Half precision: what comes out loads, runs at any batch and agrees within the rounding."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.session import Session
from hpe_volleyball.quantize.cut import NotCuttable, cut_detector
from hpe_volleyball.quantize.float16 import emulated, kept_by_rule, to_float16
from hpe_volleyball.quantize.graph import read_source
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.quantize.simplify import simplified
from hpe_volleyball.records import Floats
from hpe_volleyball.synthetic.nets import NETS, build_graph

TENTH = np.float32(0.1)
HALF_TENTH = np.float32(np.float16(0.1))
assert HALF_TENTH != TENTH


def sum_and_product() -> onnx.ModelProto:
    """y = (x + 0.1) * 0.1, in two nodes."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
    nodes = [
        helper.make_node("Add", ["x", "w"], ["s"], name="add"),
        helper.make_node("Mul", ["s", "w"], ["y"], name="mul"),
    ]
    weights = [numpy_helper.from_array(np.array([TENTH]), "w")]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, place: Path, x: Floats) -> Floats:
    session = open_model(model, place, optimised=False)
    y: Floats = session.run({session.inputs[0].name: x})[0]
    return y


def test_emulation_rounds_inputs_weights_and_every_result(tmp_path: Path) -> None:
    x = np.array([0.3, 1000.2], np.float32)
    half = np.float16
    expected = (half(half(x) + half(TENTH)) * half(TENTH)).astype(np.float32)
    found = run(emulated(sum_and_product(), ()), tmp_path / "m.onnx", x)
    np.testing.assert_array_equal(found, expected)
    assert (found != (x + TENTH) * TENTH).all()


def test_what_is_kept_is_not_rounded(tmp_path: Path) -> None:
    x = np.array([0.3, 1000.2], np.float32)
    model, place = sum_and_product(), tmp_path / "m.onnx"
    np.testing.assert_array_equal(
        run(emulated(model, ("add", "mul")), place, x), (x + TENTH) * TENTH
    )
    half = run(emulated(model, ("mul",)), place, x)
    rounded = (np.float16(x) + np.float16(TENTH)).astype(np.float32)
    np.testing.assert_array_equal(half, rounded * HALF_TENTH)


def test_overflow_shows(tmp_path: Path) -> None:
    found = run(emulated(sum_and_product(), ()), tmp_path / "m.onnx", np.array([7e4], np.float32))
    assert np.isinf(found).all()


def test_sums_of_squares_and_last_layers_stay_float32(small_pose: Path) -> None:
    model = simplified(read_source(small_pose), "pose")
    kept = kept_by_rule(model)
    kinds = [node.op_type for node in model.graph.node if node.name in kept]
    assert sorted(kinds) == ["MatMul", "MatMul", "ReduceL2", "ReduceL2"]


def prepared(path: Path) -> onnx.ModelProto:
    model = read_source(path)
    with contextlib.suppress(NotCuttable):
        model = cut_detector(model)
    return simplified(model, path.name)


def check_agreement(path: Path, folder: Path, batches: tuple[int, ...], side: int = 0) -> None:
    """Outputs in half precision, true and emulated, within the rounding of the original's."""
    base = prepared(path)
    kept = kept_by_rule(base)
    one = open_model(base, folder / "base.onnx")
    others = [
        open_model(to_float16(base, kept), folder / "half.onnx"),
        open_model(emulated(base, kept), folder / "emulated.onnx", optimised=False),
    ]
    for other in others:
        assert other.inputs == one.inputs
        assert [out.name for out in other.outputs] == [out.name for out in one.outputs]
        assert {out.dtype for out in other.outputs} == {"tensor(float)"}
    assert others[0].precision == "fp16"
    # Random layers and an exponential at the end of a detector enlarge what was rounded.
    limit = 0.1 if side else 0.02
    for batch in batches:
        images = pictures(one, batch, side)
        expected = one.run({"input": images})
        for other in others:
            for ours, theirs in zip(other.run({"input": images}), expected, strict=True):
                error = np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(theirs**2))
                assert error < limit, (path.name, batch, error)


def pictures(session: Session, batch: int, side: int) -> Floats:
    height, width = (x if isinstance(x, int) else side for x in session.inputs[0].shape[2:])
    coarse = np.random.default_rng(3).standard_normal(
        (batch, 3, height // 16, width // 16), np.float32
    )
    images: Floats = coarse.repeat(16, axis=2).repeat(16, axis=3)
    return images


def test_small_nets_agree_within_the_rounding(
    small_detector: Path, small_pose: Path, tmp_path: Path
) -> None:
    check_agreement(small_detector, tmp_path, (1, 4), 160)
    check_agreement(small_pose, tmp_path, (1, 16))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("role", "most", "side"), [("det", 8, 320), ("det", 8, 640), ("pose", 16, 0)]
)
def test_real_models_give_the_same_at_any_batch_and_size(
    real_detector: Path, real_pose: Path, tmp_path: Path, role: str, most: int, side: int
) -> None:
    base = prepared(real_detector if role == "det" else real_pose)
    half = open_model(to_float16(base, kept_by_rule(base)), tmp_path / "half.onnx")
    images = pictures(half, most, side)
    alone = [half.run({"input": image[None]}) for image in images]
    for batch in range(1, most + 1):
        for number, output in enumerate(half.run({"input": images[:batch]})):
            expected = np.concatenate([each[number] for each in alone[:batch]])
            assert output.shape == expected.shape
            error = np.sqrt(np.mean((output - expected) ** 2) / np.mean(expected**2))
            assert error < 0.005, (batch, number, error)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_every_network_agrees_within_the_rounding(name: str, tmp_path: Path) -> None:
    path = build_graph(name, tmp_path / f"{name}.onnx")
    check_agreement(path, tmp_path, (1, 3), 320 if NETS[name].head else 0)


def test_a_whole_detector_with_its_nms_loads_too(small_detector: Path, tmp_path: Path) -> None:
    """Where the tail is not the known one, all of the graph is converted."""
    model = simplified(read_source(small_detector), "det")
    half = open_model(to_float16(model, ()), tmp_path / "half.onnx")
    whole = open_session(small_detector, "cpu")
    images = pictures(whole, 1, 160)
    shapes = [[part.shape for part in each.run({"input": images})] for each in (whole, half)]
    assert shapes[0][0][2:] == shapes[1][0][2:] == (5,)
