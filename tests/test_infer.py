"""One run from Python: results as they come, and the summary of what was written."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import hpe_volleyball
from hpe_volleyball import FrameResult, HpeError, InferOptions, infer_video, iter_results
from hpe_volleyball.errors import ModelError, SourceError
from hpe_volleyball.loaded import load_models
from hpe_volleyball.output.results import read_results
from hpe_volleyball.records import Image
from hpe_volleyball.source import expected_frames
from tests.clips import NTSC, fixed_rate, variable_rate
from tests.rows import assert_holds
from tests.runs import Models, names


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fixed_rate(tmp_path_factory.mktemp("clip") / "match.mp4", 30)


@pytest.fixture
def options(constant_models: Models, tmp_path: Path) -> InferOptions:
    return InferOptions(
        det=constant_models.det, pose=constant_models.pose, output_dir=tmp_path / "out"
    )


def test_what_is_promised_can_be_imported() -> None:
    for name in hpe_volleyball.__all__:
        value = getattr(hpe_volleyball, name)
        assert callable(value), f"{name} is a {type(value)}"
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = hpe_volleyball.nothing_like_it  # type: ignore[attr-defined]  # mypy knows it too


def test_a_console_offers_what_is_not_loaded_yet() -> None:
    code = "import hpe_volleyball as h; print({*h.__all__} <= {*dir(h)}, 'load_results' in vars(h))"
    told = subprocess.check_output([sys.executable, "-c", code], text=True)  # noqa: S603
    assert told.split() == ["True", "False"]


def test_results_come_frame_by_frame(clip: Path, options: InferOptions) -> None:
    results = list(iter_results(clip, options))
    assert [r.frame.index for r in results] == list(range(30))
    assert {0, *range(4, 29, 4), 29} <= {r.frame.index for r in results if r.keyframe}
    last = results[-1]
    boxes = np.array([[6, 9, 36, 57], [51, 9, 81, 57]], np.float32)
    order = np.argsort(last.tracks.boxes[:, 0])
    np.testing.assert_allclose(last.tracks.boxes[order], boxes, atol=1e-3)
    np.testing.assert_allclose(last.tracks.scores[order], [0.9, 0.8], atol=1e-6)
    assert last.tracks.detected.all()
    assert last.poses.keypoints.shape == (2, 17, 2)
    np.testing.assert_allclose(last.poses.scores, 0.8, atol=1e-6)
    assert names(options.output_dir) == []


def test_a_run_writes_the_results_that_it_gives(clip: Path, options: InferOptions) -> None:
    seen: list[FrameResult] = []
    summary = infer_video(str(clip), options, on_frame=seen.append)
    assert_holds(read_results(Path(summary.outputs["data"])), seen)


@pytest.mark.parametrize("height", [None, 48])
def test_what_the_caller_writes_into_results_is_in_no_file(
    clip: Path, options: InferOptions, height: int | None
) -> None:
    def spoil(result: FrameResult) -> None:
        for array in (result.frame.image, result.tracks.boxes, result.poses.keypoints):
            array[...] = 0
        held.append(result.frame.image)

    held: list[Image] = []
    options = replace(options, video_height=height)
    clean = infer_video(clip, options)
    read, pixels = read_results(Path(clean.outputs["data"])), decoded(clean.outputs["overlay"])
    spoiled = infer_video(clip, replace(options, overwrite=True), on_frame=spoil)
    again = read_results(Path(spoiled.outputs["data"]))
    np.testing.assert_array_equal(again.bbox, read.bbox)
    np.testing.assert_array_equal(again.keypoints, read.keypoints)
    np.testing.assert_array_equal(decoded(spoiled.outputs["overlay"]), pixels)


def decoded(video: str) -> NDArray[np.uint8]:
    """All pictures of a video."""
    with av.open(video) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])


def test_what_is_drawn_on_a_result_stays(clip: Path, options: InferOptions) -> None:
    for result in iter_results(clip, options):
        result.frame.image[:5] = 77
        assert (result.frame.image[:5] == 77).all()


def test_the_summary_counts_what_happened(clip: Path, options: InferOptions) -> None:
    summary = infer_video(clip, options)
    results = read_results(Path(summary.outputs["data"]))
    assert summary.complete
    assert summary.frames == len(results.frame_index) == 30
    assert summary.keyframes == int(results.keyframe.sum())
    assert summary.people == len(results.track_id)
    assert summary.ids == len(set(results.track_id.tolist())) == 2
    calls = {stage.stage: stage.calls for stage in summary.stages}
    assert summary.detector_calls == calls["detect"] >= summary.keyframes
    assert calls["draw"] == calls["write"] == 30
    overlapping = {stage.stage for stage in summary.stages if stage.overlaps}
    assert overlapping == {"capture", "detect", "pose", "draw", "write"}
    assert summary.fps == pytest.approx(30 / summary.wall_s)
    assert summary.realtime_factor == pytest.approx(30 / NTSC / summary.wall_s, rel=1e-3)
    assert sum(s.total_s for s in summary.stages if not s.overlaps) <= summary.wall_s
    written = json.loads(Path(summary.outputs["run"]).read_text(encoding="utf-8"))
    assert written["summary"] == json.loads(json.dumps(asdict(summary)))


def test_models_are_loaded_once_for_several_runs(clip: Path, options: InferOptions) -> None:
    models = load_models(options)
    elsewhere = replace(options, det=Path("gone.onnx"), pose=Path("gone.onnx"))
    first = infer_video(clip, elsewhere, models=models)
    second = infer_video(clip, replace(elsewhere, overwrite=True), models=models)
    assert first.people == second.people > 0
    assert len(list(iter_results(clip, elsewhere, models=models))) == 30


@pytest.mark.parametrize(
    ("span", "frames"),
    [
        ({}, 30),
        ({"max_frames": 7}, 7),
        ({"start_s": 0.5}, 15),
        ({"start_s": 0.2, "end_s": 0.4}, 6),
        ({"end_s": 100.0}, 30),
        ({"start_s": 0.5, "max_frames": 100}, 15),
    ],
)
def test_the_span_that_is_asked_for(
    clip: Path, options: InferOptions, span: dict[str, Any], frames: int
) -> None:
    asked = replace(options, video=False, **span)
    summary = infer_video(clip, asked)
    assert summary.frames == frames
    assert expected_frames(clip, asked) == frames
    times = read_results(Path(summary.outputs["data"])).time_s
    first = np.ceil(span.get("start_s", 0) * NTSC)
    np.testing.assert_allclose(times, (first + np.arange(frames)) / float(NTSC), atol=1e-3)


def test_a_span_without_frames_is_an_error(clip: Path, options: InferOptions) -> None:
    assert expected_frames(clip, replace(options, start_s=9.0)) == 0
    with pytest.raises(SourceError, match=r"no frames from 9 s to the end.*change --start"):
        infer_video(clip, replace(options, start_s=9.0))
    assert names(options.output_dir) == []
    assert infer_video(clip, options).frames == 30


def test_variable_rates_are_estimated(tmp_path: Path, options: InferOptions) -> None:
    expected = expected_frames(variable_rate(tmp_path / "vfr.mp4", 30), options)
    assert expected == pytest.approx(30, abs=1)


def test_an_interrupted_run_returns_what_was_done(clip: Path, options: InferOptions) -> None:
    def stop(result: FrameResult) -> None:
        if result.frame.index == 9:
            raise KeyboardInterrupt

    summary = infer_video(clip, options, on_frame=stop)
    assert (summary.complete, summary.frames) == (False, 10)
    assert names(options.output_dir) == [
        "match.overlay.partial.mp4",
        "match.poses.partial.h5",
        "match.run.partial.json",
    ]
    data = read_results(Path(summary.outputs["data"]))
    assert not data.complete
    assert len(data.frame_index) == 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_wait_for_the_end_of_a_window(
    clip: Path, options: InferOptions, number: signal.Signals
) -> None:
    def press(result: FrameResult) -> None:
        if result.frame.index == 9:
            signal.raise_signal(number)

    summary = infer_video(clip, options, on_frame=press)
    assert (summary.complete, summary.frames) == (False, 13)
    assert len(read_results(Path(summary.outputs["data"])).frame_index) == 13
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_an_interrupt_before_the_first_frame_leaves_nothing(
    clip: Path, options: InferOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hpe_volleyball.run.process", interrupted)
    with pytest.raises(KeyboardInterrupt):
        infer_video(clip, options)
    assert names(options.output_dir) == []


def test_errors_have_one_base(clip: Path, options: InferOptions) -> None:
    with pytest.raises(HpeError):
        next(iter_results(clip.with_name("none.mp4"), options))
    with pytest.raises(ModelError, match="expected an ONNX model file, found nothing"):
        infer_video(clip, replace(options, pose=Path("none.onnx")))
