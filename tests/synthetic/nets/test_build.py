"""Random-weight networks have the operators, shapes, parameters and cost of the real ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.catalogue import BY_NAME, MODES
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.records import Floats
from hpe_volleyball.synthetic.nets import NETS, build_graph, build_model
from tests.runs import names
from tests.synthetic.nets.count import cost, weights

EXPORT_LEFTOVERS = {"Identity", "Constant"}
"""Operators without a purpose, of which the real export has many and the built one none."""

# Built once in each run of the tests; the large ones take seconds.
QUICK = ("rtmdet-nano", "rtmpose-t", "rtmpose-s-halpe26")


def test_the_models_of_every_mode_can_be_built() -> None:
    assert {name for pair in MODES.values() for name in pair} <= set(NETS)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in NETS]
)
def test_parameters_and_cost_are_the_published_ones(name: str) -> None:
    published = BY_NAME[name]
    model = build_model(name)
    counted = {entry.key: entry.value for entry in model.metadata_props}
    if published.params_m is not None:
        assert int(counted["parameters"]) / 1e6 == pytest.approx(published.params_m, abs=0.0051)
    width, height = published.input_size
    found = cost(model, (1, 3, height, width))
    norms = 0 if published.role == "det" else 2 * found.normalised
    assert (found.multiply_adds + norms) / 1e9 == pytest.approx(published.gflops, rel=0.01)


@pytest.mark.shared
def test_nano_is_the_real_export_but_for_its_weights(real_detector: Path) -> None:
    real = onnx.load(real_detector)
    built = build_model("rtmdet-nano")
    kinds = [Counter(node.op_type for node in model.graph.node) for model in (real, built)]
    for counter in kinds:
        for op in EXPORT_LEFTOVERS:
            del counter[op]
    assert kinds[0] == kinds[1]
    shapes = [
        Counter(tuple(t.dims) for t in model.graph.initializer if len(t.dims) == 4)
        for model in (real, built)
    ]
    assert shapes[0] == shapes[1]
    image = (1, 3, 320, 320)
    assert cost(real, image).multiply_adds == cost(built, image).multiply_adds
    assert weights(built) == pytest.approx(weights(real), abs=20)  # scalars of the tail


@pytest.mark.parametrize("side", [320, 640])
def test_a_detector_finds_a_realistic_crowd_in_noise(tmp_path: Path, side: int) -> None:
    """The real nano keeps 20 to 70 boxes above 0.05 on the clips, nearly all weak."""
    session = open_session(build_graph("rtmdet-nano", tmp_path / "nano.onnx"), "cpu")
    image = _smooth_noise(side, side)
    dets, labels = session.run({"input": image})
    assert labels.shape == dets.shape[:2]
    assert not labels.any()
    scores = dets[0, :, 4]
    assert 5 <= (scores > 0.05).sum() <= 100
    assert (np.diff(scores) <= 0).all()
    sides = dets[0, scores > 0.05, 2:4] - dets[0, scores > 0.05, :2]
    assert np.isfinite(sides).all()


def test_pose_nets_take_any_batch_and_give_finite_peaks(tmp_path: Path) -> None:
    session = open_session(build_graph("rtmpose-t-halpe26", tmp_path / "t.onnx"), "cpu")
    assert session.inputs[0].shape == ("batch", 3, 256, 192)
    crops = np.concatenate([_smooth_noise(256, 192, seed) for seed in range(3)])
    simcc_x, simcc_y = session.run({"input": crops})
    assert simcc_x.shape == (3, 26, 384)
    assert simcc_y.shape == (3, 26, 512)
    assert 0.2 < np.median(simcc_x.max(axis=2)) < 2
    assert np.abs(simcc_x[0] - simcc_x[1]).max() > 0.01


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = build_graph("rtmpose-t", tmp_path / "a.onnx")
    second = build_graph("rtmpose-t", tmp_path / "b.onnx")
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.onnx"]


def test_a_net_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(OSError, match="directory"):
        build_graph("rtmpose-t", tmp_path / "net.onnx")
    assert names(tmp_path) == ["net.onnx"]


def test_an_unknown_name_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(ModelError, match=r"rtmdet-x: no such network.*rtmdet-nano"):
        build_model("rtmdet-x")


def _smooth_noise(height: int, width: int, seed: int = 0) -> Floats:
    random = np.random.default_rng(seed)
    coarse = random.standard_normal((1, 3, height // 16, width // 16), np.float32)
    image: Floats = coarse.repeat(16, axis=2).repeat(16, axis=3)
    return image
