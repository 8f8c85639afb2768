"""What an interrupted run left: only what both of its files hold counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.files import partial_path
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.video import VideoInfo, probe
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.data_file import DataFile, DataHeader
from hpe_volleyball.output.earlier import Earlier, find_earlier
from hpe_volleyball.output.run_files import DATA, OVERLAY, RunFiles
from hpe_volleyball.output.summary import RunTally
from hpe_volleyball.records import FrameResult
from tests.clips import fixed_rate
from tests.rows import HEADER, result

PICTURES, ROWS, FIRST = 10, 20, 5


@pytest.fixture
def info(tmp_path: Path) -> VideoInfo:
    return probe(fixed_rate(tmp_path / "match.mp4", 30, HEADER.fps))


def frame(number: int, times: list[float]) -> FrameResult:
    """Frame n with two people: number 3, and one whose number is 100 + n."""
    made = result(number, people=2)
    ids = np.array([3, 100 + number], np.int32)
    return replace(
        made,
        frame=replace(made.frame, time_s=times[number]),
        tracks=replace(made.tracks, ids=ids),
    )


@pytest.fixture
def files(info: VideoInfo, tmp_path: Path) -> RunFiles:
    """Of a run from frame `FIRST` on that was killed: more rows than pictures."""
    files = RunFiles(info.path, InferOptions(output_dir=tmp_path / "out", resume=True))
    files[DATA].parent.mkdir()
    with read_frames(info.path) as reader:
        times = [frame.time_s for frame in reader][FIRST:]
    file = DataFile(files[DATA], header())
    for number in range(ROWS):
        file.write(frame(number, times))
    file.close(complete=False)
    fixed_rate(partial_path(files[OVERLAY]), PICTURES)
    return files


def header() -> DataHeader:
    models = ({"role": "det", "sha256": "ab"},)
    return replace(HEADER, models=models, settings=InferOptions().settings())


def found(files: RunFiles) -> Earlier:
    earlier = find_earlier(files, header())
    assert earlier is not None
    return earlier


def test_rows_without_pictures_are_as_if_they_had_never_been(files: RunFiles) -> None:
    """Their people get new ids, and are not counted."""
    earlier = found(files)
    assert (earlier.frames, earlier.people) == (PICTURES, 2 * PICTURES)
    assert earlier.ids == {3, *range(100, 100 + PICTURES)}
    assert len(earlier.time_s) == PICTURES
    assert earlier.keyframe.tolist() == [number % 3 == 0 for number in range(PICTURES)]
    assert RunTally(earlier).frames == PICTURES


def test_kept_pictures_begin_where_the_run_did(files: RunFiles, info: VideoInfo) -> None:
    with read_frames(info.path) as reader:
        stamps = [frame.pts for frame in reader]
    kept = found(files).cut(files, info)
    assert kept is not None
    assert (kept.frames, kept.first_pts) == (PICTURES, stamps[FIRST])
