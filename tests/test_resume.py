"""A run that goes on where an earlier one was stopped, from Python."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpe_volleyball import FrameResult, InferOptions, infer_video
from hpe_volleyball.errors import OutputError, ResultError, SourceError
from hpe_volleyball.files import kept_path, partial_path
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.video import probe
from hpe_volleyball.output import earlier as earlier_run
from hpe_volleyball.output.data_file import DataFile
from hpe_volleyball.output.earlier import Earlier
from hpe_volleyball.output.results import Results, read_results
from hpe_volleyball.output.run_files import DATA, RunFiles
from hpe_volleyball.output.summary import RunSummary
from hpe_volleyball.resume import Resumption, find_resumption
from hpe_volleyball.timing import StageClocks
from hpe_volleyball.tracking.seam import SeamIds
from tests.clips import fixed_rate, variable_rate
from tests.rows import HEADER, result
from tests.runs import Models, names, sound_packets, stamps

FRAMES = 260
COLUMNS = (
    *("frame_index", "time_s", "keyframe", "person_frame", "track_id", "bbox", "bbox_score"),
    *("detected", "keypoints", "keypoint_scores"),
)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fixed_rate(tmp_path_factory.mktemp("clip") / "match.mp4", FRAMES, audio="aac")


@pytest.fixture(scope="session")
def whole(
    clip: Path, constant_models: Models, tmp_path_factory: pytest.TempPathFactory
) -> RunSummary:
    """The run without interruption."""
    return infer_video(clip, asked(constant_models, tmp_path_factory.mktemp("whole")))


@pytest.fixture
def options(constant_models: Models, tmp_path: Path) -> InferOptions:
    return asked(constant_models, tmp_path / "out")


def asked(models: Models, folder: Path, **changes: Any) -> InferOptions:
    return InferOptions(
        det=models.det, pose=models.pose, output_dir=folder, device="cpu", **changes
    )


def stopped(clip: Path, options: InferOptions, frame: int) -> RunSummary:
    """A run that is stopped once this frame is settled."""

    def stop(result: FrameResult) -> None:
        if result.frame.index == frame:
            raise KeyboardInterrupt

    summary = infer_video(clip, options, on_frame=stop)
    assert not summary.complete
    return summary


def resumed(clip: Path, options: InferOptions) -> RunSummary:
    return infer_video(clip, replace(options, resume=True))


def table(summary: RunSummary) -> Results:
    return read_results(Path(summary.outputs["data"]))


def assert_same_rows(summary: RunSummary, whole: RunSummary) -> None:
    for name in COLUMNS:
        one, other = getattr(table(summary), name), getattr(table(whole), name)
        np.testing.assert_array_equal(one, other, err_msg=name)


def assert_same(summary: RunSummary, whole: RunSummary) -> None:
    """All rows, stamps and sound packets are those of the run without interruption."""
    assert_same_rows(summary, whole)
    overlay, reference = Path(summary.outputs["overlay"]), Path(whole.outputs["overlay"])
    assert stamps(overlay) == stamps(reference)
    assert sound_packets(overlay) == sound_packets(reference)


@pytest.mark.parametrize("frame", [0, 5, 131, 200, FRAMES - 1])
def test_one_output_in_the_end(
    clip: Path, options: InferOptions, whole: RunSummary, frame: int
) -> None:
    first = stopped(clip, options, frame)
    summary = resumed(clip, options)
    assert summary.complete
    assert_same(summary, whole)
    assert table(summary).attributes["resumed_at"] == (first.frames,)
    assert names(options.output_dir) == [
        "match.overlay.mp4",
        "match.poses.h5",
        "match.run.json",
    ]
    fields = ("frames", "keyframes", "people", "ids")
    assert [getattr(summary, f) for f in fields] == [getattr(whole, f) for f in fields]
    seam = summary.seam
    assert seam is not None
    assert (seam.frame, seam.broken) == (first.frames, 0)
    assert seam.across == (2 if first.frames < FRAMES else 0)
    assert summary.frames_handled == FRAMES - seam.frame + seam.run_up
    assert summary.fps == pytest.approx((FRAMES - seam.frame) / summary.wall_s)
    written = json.loads(Path(summary.outputs["run"]).read_text(encoding="utf-8"))
    assert written["summary"]["seam"]["frame"] == first.frames


def test_again_and_again(clip: Path, options: InferOptions, whole: RunSummary) -> None:
    stops = [stopped(clip, options, 40).frames]
    stops += [stopped(clip, replace(options, resume=True), frame).frames for frame in (90, 170)]
    summary = resumed(clip, options)
    assert_same(summary, whole)
    assert table(summary).attributes["resumed_at"] == tuple(stops)


@pytest.mark.parametrize(
    "changes",
    [
        {"lookahead": False},
        {"det_interval": 1},
        {"det_interval": 7},
        {"start_s": 1.0, "end_s": 7.5},
        {"start_s": 0.5, "max_frames": 180},
        {"video": False},
        {"video_height": 32},
    ],
)
def test_every_kind_of_run_goes_on(
    clip: Path, options: InferOptions, tmp_path: Path, changes: dict[str, Any]
) -> None:
    options = replace(options, **changes)
    reference = infer_video(clip, replace(options, output_dir=tmp_path / "whole"))
    stopped(clip, options, 150)
    same = assert_same if options.video else assert_same_rows
    same(resumed(clip, options), reference)


def test_variable_rates_and_stamps_that_start_anew(
    tmp_path: Path, options: InferOptions, constant_models: Models
) -> None:
    joined = tmp_path / "joined.ts"
    parts = [fixed_rate(tmp_path / f"{n}.ts", n).read_bytes() for n in (150, 90)]
    joined.write_bytes(b"".join(parts))
    for clip in (variable_rate(tmp_path / "variable.mp4", 200), joined):
        reference = infer_video(clip, asked(constant_models, tmp_path / "whole"))
        stopped(clip, options, 180)
        summary = resumed(clip, options)
        assert_same_rows(summary, reference)
        ours, theirs = (Path(run.outputs["overlay"]) for run in (summary, reference))
        assert stamps(ours) == stamps(theirs)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"det_interval": 8}, "det_interval was 4, is 8"),
        ({"lookahead": False}, "lookahead was True, is False"),
        ({"end_s": 3.0}, "end_s was None, is 3.0"),
    ],
)
def test_other_settings_are_refused(
    clip: Path, options: InferOptions, changes: dict[str, Any], words: str
) -> None:
    stopped(clip, options, 50)
    before = names(options.output_dir)
    with pytest.raises(OutputError, match=words):
        resumed(clip, replace(options, **changes))
    assert names(options.output_dir) == before
    assert resumed(clip, options).complete


def test_another_source_or_model_is_refused(
    clip: Path, options: InferOptions, tmp_path: Path, real_pose: Path
) -> None:
    same_name = tmp_path / "match.mp4"
    same_name.write_bytes(clip.read_bytes())
    stopped(same_name, options, 50)
    same_name.write_bytes(clip.read_bytes()[:-1])
    size = clip.stat().st_size
    with pytest.raises(OutputError, match=rf"source was {size} bytes.*is {size - 1} bytes"):
        resumed(same_name, options)
    same_name.write_bytes(clip.read_bytes())
    with pytest.raises(OutputError, match=r"pose model \(sha256\) was \w+, is \w+"):
        resumed(same_name, replace(options, pose=real_pose))


def test_without_an_interrupted_run_it_begins(clip: Path, options: InferOptions) -> None:
    summary = resumed(clip, options)
    assert summary.complete
    assert summary.seam is None
    with pytest.raises(OutputError, match="already there from an earlier run"):
        resumed(clip, options)


def test_there_must_be_data(clip: Path, options: InferOptions) -> None:
    with pytest.raises(OutputError, match="leave --no-data out"):
        resumed(clip, replace(options, data=False))


def test_killed_before_the_first_rows(clip: Path, options: InferOptions) -> None:
    options.output_dir.mkdir()
    (options.output_dir / "match.poses.partial.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (options.output_dir / "match.overlay.partial.mp4").write_bytes(b"")
    summary = resumed(clip, options)
    assert summary.complete
    assert summary.seam is None


def test_damaged_data_is_not_thrown_away(clip: Path, options: InferOptions) -> None:
    options.output_dir.mkdir()
    data = options.output_dir / "match.poses.partial.h5"
    data.write_bytes(bytes(10**6))
    with pytest.raises(ResultError, match=r"match\.poses\.partial\.h5 cannot be opened as HDF5"):
        resumed(clip, options)
    assert data.stat().st_size == 10**6


def test_killed_between_the_last_steps(
    clip: Path, options: InferOptions, whole: RunSummary
) -> None:
    """The overlay video got its final name, the data file did not; or only the record lacks."""
    done = infer_video(clip, options)
    data, overlay = Path(done.outputs["data"]), Path(done.outputs["overlay"])
    Path(done.outputs["run"]).unlink()
    assert_same(resumed(clip, options), whole)
    Path(done.outputs["run"]).unlink()
    data.rename(partial_path(data))
    assert_same(resumed(clip, options), whole)
    assert stamps(overlay) == stamps(Path(whole.outputs["overlay"]))


def test_killed_while_it_resumed(clip: Path, options: InferOptions, whole: RunSummary) -> None:
    """The kept pictures are there, copied in part or not at all."""
    first = stopped(clip, options, 170)
    overlay = options.output_dir / "match.overlay.mp4"
    partial = partial_path(overlay)
    content = partial.read_bytes()
    partial.rename(kept_path(overlay))
    partial.write_bytes(content[: len(content) // 3])
    (options.output_dir / "match.overlay.mp4.finishing").write_bytes(b"begun")
    summary = resumed(clip, options)
    assert_same(summary, whole)
    assert summary.seam is not None
    assert summary.seam.frame == first.frames
    assert len(names(options.output_dir)) == 3


@pytest.mark.parametrize("left", [0.5, None])
def test_rows_are_not_thrown_away_for_want_of_pictures(
    clip: Path,
    options: InferOptions,
    whole: RunSummary,
    monkeypatch: pytest.MonkeyPatch,
    left: float | None,
) -> None:
    """The overlay was removed to make room, or had failed long before the stop."""
    first = stopped(clip, options, 170)
    partial = options.output_dir / "match.overlay.partial.mp4"
    if left is None:
        partial.unlink()
    else:
        partial.write_bytes(partial.read_bytes()[: int(left * partial.stat().st_size)])
        monkeypatch.setattr(earlier_run, "_EXPLAINED_S", 1.0)
    before = names(options.output_dir)
    with pytest.raises(OutputError, match=rf"holds {first.frames} frames, .* \d+ pictures: found"):
        resumed(clip, options)
    assert names(options.output_dir) == before
    summary = resumed(clip, replace(options, video=False))
    assert summary.seam is not None
    assert summary.seam.frame == first.frames
    assert_same_rows(summary, whole)


def test_without_pictures_and_with_overwrite_it_begins_anew(
    clip: Path, options: InferOptions, whole: RunSummary
) -> None:
    stopped(clip, options, 170)
    (options.output_dir / "match.overlay.partial.mp4").unlink()
    summary = resumed(clip, replace(options, overwrite=True))
    assert summary.seam is None
    assert_same(summary, whole)


def test_the_part_that_both_files_have(
    clip: Path, options: InferOptions, whole: RunSummary
) -> None:
    stopped(clip, options, 170)
    partial = options.output_dir / "match.overlay.partial.mp4"
    content = partial.read_bytes()
    partial.write_bytes(content[: len(content) // 2])
    summary = resumed(clip, options)
    assert_same(summary, whole)
    assert summary.seam is not None
    assert 0 < summary.seam.frame < 120


def test_a_source_that_reads_otherwise(clip: Path, options: InferOptions) -> None:
    """The frames of the run-up must be at the times that the earlier run saw."""
    with read_frames(clip) as reader:
        times = np.array([frame.time_s for frame in reader])
    times[150] += 0.001
    data = options.output_dir / "match.poses.partial.h5"
    keyframe = np.arange(170) % 4 == 0
    earlier = Earlier(170, times[:170], keyframe, 0, frozenset(), data, None)
    nobody = (np.zeros(0, np.int32), np.zeros((0, 4), np.float32))
    ids = SeamIds({120: nobody, 169: nobody}, frozenset())
    resumption = Resumption(earlier, None, 120, ids)
    with resumption.source(probe(clip), options, StageClocks()) as source:
        assert [next(source).index for _ in range(30)] == list(range(120, 150))
        with pytest.raises(SourceError, match=r"frame 150 is at 5\.005 s, was at 5\.006 s"):
            next(source)


@pytest.mark.parametrize(("lookahead", "first"), [(True, 96), (False, 98)])
def test_the_run_up_begins_where_the_intervals_of_the_earlier_run_do(
    clip: Path, options: InferOptions, *, lookahead: bool, first: int
) -> None:
    """Twice the 2 s for which ids are kept before the end, at a keyframe or shortly before."""
    options = replace(options, video=False, lookahead=lookahead, resume=True)
    settings = options.settings()
    header = replace(HEADER, models=({"role": "det", "sha256": "ab"},), settings=settings)
    keyframes = {*range(0, 199, 4), 98, 101, 198}  # more detections in the middle of windows
    options.output_dir.mkdir()
    with RunFiles(clip, options) as files:
        file = DataFile(files[DATA], header)
        for number in range(199):  # at 25 frames/s, the last one at 7.92 s
            file.write(replace(result(number), keyframe=number in keyframes))
        file.close(complete=False)
    with RunFiles(clip, options) as files:
        found = find_resumption(files, header, probe(clip), options)
    assert found is not None
    assert (found.earlier.frames, found.first) == (199, first)


def test_other_settings_with_overwrite_begin_anew(clip: Path, options: InferOptions) -> None:
    stopped(clip, options, 50)
    summary = resumed(clip, replace(options, det_interval=8, overwrite=True))
    assert summary.complete
    assert summary.seam is None
    assert table(summary).attributes["det_interval"] == 8
