"""Rows that are really run: equal results where only speed may change, and what is counted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpe_volleyball.bench.measure import LEAST, MOST, Bench, fitting_frames
from hpe_volleyball.bench.prepare import prepare
from hpe_volleyball.bench.result import Agreement, BenchResult
from hpe_volleyball.bench.rows import Row, candidate_rows, coarser_rows, cumulative_rows
from hpe_volleyball.bench.scene import RallyScene, VideoScene
from hpe_volleyball.errors import SourceError
from hpe_volleyball.loaded import Models as LoadedModels
from hpe_volleyball.loaded import load_models
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.results import Results, read_results
from hpe_volleyball.output.summary import RunSummary
from hpe_volleyball.synthetic.nets import build_graph
from tests.runs import Models

FRAMES, INTERVAL = 6, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def options(demo_models: Models) -> InferOptions:
    return InferOptions(
        det=demo_models.det,
        pose=demo_models.pose,
        device="cpu",
        det_interval=INTERVAL,
        det_size=640,
        precision="fp32",
    )


@pytest.fixture(scope="module")
def result(folder: Path, options: InferOptions, rally_clip: Path) -> BenchResult:
    rows = cumulative_rows(options) + coarser_rows(options) + candidate_rows(options)
    bench = Bench(rows, VideoScene(rally_clip), folder, remarks=["said"])
    return bench.measure(FRAMES, 2)


def data_of(folder: Path, key: str) -> Results:
    return read_results(folder / key / "match.poses.h5")


SAME_RESULTS = [
    ("baseline", "graph"),
    ("tracked", "batch"),
    ("interval", "overlap"),
    ("overlap", "no_batch"),
    ("overlap", "no_overlap"),
    ("overlap", "few"),
]
"""Rows between which only speed may change."""


@pytest.mark.parametrize(("one", "other"), SAME_RESULTS)
def test_rows_that_change_speed_alone_give_equal_results(
    result: BenchResult, folder: Path, one: str, other: str
) -> None:
    reference, found = data_of(folder, one), data_of(folder, other)
    assert len(reference.person_frame) >= 3 * FRAMES
    np.testing.assert_array_equal(found.person_frame, reference.person_frame)
    np.testing.assert_array_equal(found.track_id, reference.track_id)
    # Sums in another order round differently, which can move a peak to the bin beside it.
    np.testing.assert_allclose(found.bbox, reference.bbox, atol=0.5)
    sure = reference.keypoint_scores > 0.5
    shift = np.linalg.norm(found.keypoints - reference.keypoints, axis=2)[sure]
    assert np.quantile(shift, 0.99) < 1
    agreed = [result.row(key).agreement for key in (one, other)]
    assert agreed[0].idf1 == agreed[1].idf1
    assert agreed[0].switches == agreed[1].switches == 0


def test_the_first_row_agrees_with_itself(result: BenchResult) -> None:
    assert result.row("baseline").agreement == Agreement(1.0, 0, 1.0, 0.0)
    for row in result.rows:
        assert row.agreement.idf1 is not None
        assert row.agreement.idf1 > 0.9  # of the few people in these frames one may come later
        assert row.agreement.oks is not None
        # 25 poses of people of 70 pixels: another crop moves joints by one, and where half of
        # somebody is detected as well, one row takes the whole box and another the half.
        assert row.agreement.oks > 0.87


def test_the_row_with_fewer_poses_is_shown_and_never_called_fastest(
    result: BenchResult, folder: Path
) -> None:
    assert result.row("pose_interval") in result.listed
    assert result.fastest != "pose_interval"
    estimated = data_of(folder, "pose_interval").pose_estimated
    assert 0 < estimated.sum() < len(estimated)


def test_every_row_is_measured_in_every_round(result: BenchResult) -> None:
    assert (result.frames, result.rounds, result.remarks[0]) == (FRAMES, 2, "said")
    for row in result.rows:
        assert len(row.total_ms) == 2
        assert set(row.stage_ms) == {"capture", "detect", "track", "pose", "draw", "write"}
        for number in range(2):
            inside = [ms[number] for s, ms in row.stage_ms.items() if s not in row.overlapping]
            assert 0 < sum(inside) < row.total_ms[number]


def test_rows_say_what_was_on(result: BenchResult) -> None:
    calls = {row.key: row.detector_calls for row in result.rows}
    assert calls["baseline"] == calls["batch"] == FRAMES
    assert calls["interval"] == calls["overlap"] == calls["few"] == 3
    beside = {row.key: bool(row.overlapping) for row in result.rows[:-1]}
    assert [key for key, overlaps in beside.items() if overlaps] == [
        *("overlap", "pose_interval", "no_batch", "few")
    ]
    assert result.row("overlap").overlapping == ["capture", "detect", "pose", "draw", "write"]
    assert result.row("baseline").settings == {
        "det_interval": 1,
        "pose_interval": 1,
        "pose_batch": 1,
        "graph_optimisation": False,
        "fitted_input": False,
        "pose_tracked": False,
        "overlap": False,
        "precision": "fp32",
    }


@dataclass
class Loading:
    """A video that remembers with which options models were loaded for it."""

    clip: Path
    truth: None = None
    loaded: list[InferOptions] = field(default_factory=list)

    def describe(self) -> tuple[str, str]:
        return self.clip.name, ""

    def load(self, options: InferOptions) -> LoadedModels:
        self.loaded.append(options)
        return load_models(options)


def test_rows_share_models_only_where_these_are_loaded_alike(
    tmp_path: Path, options: InferOptions, rally_clip: Path
) -> None:
    rows = cumulative_rows(options) + candidate_rows(options)
    scene = Loading(rally_clip)
    Bench(rows, scene, tmp_path).measure(1, 1)
    alike = [wanted_of_models(loaded) for loaded in scene.loaded]
    assert len(alike) == len(set(alike))
    for row in rows:
        assert wanted_of_models(row.options) in alike, row.name


def wanted_of_models(options: InferOptions) -> tuple[object, ...]:
    """The options that the models depend on, among those that the rows change."""
    tuning = replace(options.tuning, pose_tracked=True)
    return options.pose_batch, tuning, options.det_size, options.precision


def test_rows_take_turns_and_a_coarser_one_is_never_the_fastest(
    tmp_path: Path, options: InferOptions, rally_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forwards and backwards: what gets slower with time does so for all alike."""
    order, run = [], Bench._run
    seconds = {"a": 3.0, "b": 1.0, "c": 2.0}

    def timed(bench: Bench, row: Row, *rest: Any) -> RunSummary:
        order.append(row.key)
        return replace(run(bench, row, *rest), wall_s=seconds[row.key])

    monkeypatch.setattr(Bench, "_run", timed)
    rows = [Row(key, key, options, coarser=key == "b") for key in seconds]
    found = Bench(rows, VideoScene(rally_clip), tmp_path).measure(1, 3)
    assert "".join(order) == "abccbaabc"
    assert found.fastest == "c"
    assert [row.total_ms[0] for row in found.rows] == [3000, 1000, 2000, 2000]


def test_the_fastest_row_comes_last(result: BenchResult) -> None:
    fair = [row for row in result.rows[:-1] if row.key != "pose_interval"]
    best = min(fair, key=lambda row: row.total.median)
    assert result.fastest == best.key
    assert result.rows[-1].total_ms == best.total_ms
    assert result.listed[-1].key == "fastest"


def test_nets_with_random_weights_run_and_the_truth_answers(tmp_path: Path) -> None:
    scene = RallyScene(tmp_path, 4, stand_ins=True, size=(320, 180), team_size=2)
    options = InferOptions(
        det=build_graph("rtmdet-nano", tmp_path / "d.onnx"),
        pose=build_graph("rtmpose-t", tmp_path / "p.onnx"),
        device="cpu",
        det_size=64,
    )
    models = scene.load(options)
    assert "random weights" in scene.describe()[1]
    assert scene.truth is not None
    with read_frames(scene.clip) as frames:
        frame = next(frames)
    found = models.detector.detect(frame)
    truth = scene.truth.boxes[scene.truth.frame == 0]
    assert len(truth) == 4
    # The detector of the stand-ins misses some people, and gives the others within its jitter.
    side = (truth[:, 2:] - truth[:, :2]).max()
    near = np.abs(found.boxes[:, None] - truth).max(axis=2).min(axis=1) < 0.15 * side
    assert near.sum() >= 2
    [poses] = models.poser.estimate([frame], [truth])
    assert scene.truth.keypoints is not None
    assert scene.truth.keypoint_scores is not None
    seen = scene.truth.keypoint_scores[:4] > 0
    shift = np.linalg.norm(poses.keypoints - scene.truth.keypoints[:4], axis=2)
    assert np.median(shift[seen]) < 0.03 * side


def test_the_number_of_frames_fits_the_time() -> None:
    assert fitting_frames(1.0, 2, None, budget_s=100) == 50
    assert fitting_frames(1.0, 2, 20, budget_s=100) == 20
    assert fitting_frames(100.0, 3, None, budget_s=100) == LEAST
    assert fitting_frames(0.001, 3, None, budget_s=100) == MOST


def test_random_nets_and_a_video_do_not_go_together(rally_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="random weights find nobody"):
        prepare(rally_clip, InferOptions(device="cpu"), "random", tmp_path)
