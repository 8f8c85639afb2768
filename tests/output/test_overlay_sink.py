from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.errors import OutputError
from hpe_volleyball.files import partial_path
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.video import VideoInfo, probe
from hpe_volleyball.output.overlay_sink import OverlaySink, SpareSink
from hpe_volleyball.records import Frame, FrameResult, Image, Poses, Tracks
from hpe_volleyball.timing import StageClocks
from tests.clips import fixed_rate, number_of, picture


@pytest.fixture
def info(tmp_path: Path) -> VideoInfo:
    return probe(fixed_rate(tmp_path / "a.mp4"))


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def result(number: int) -> FrameResult:
    frame = Frame(number, number / 30, picture(number), 1001 * number)
    poses = Poses(np.zeros((0, 17, 2), np.float32), np.zeros((0, 17), np.float32))
    return FrameResult(frame, Tracks.empty(), poses, keyframe=True)


def doubled(shown: FrameResult) -> Image:
    """A drawing whose number is twice that of the frame."""
    return picture(2 * shown.frame.index)


def shown(path: Path) -> list[int]:
    with read_frames(path) as frames:
        return [number_of(frame.image) for frame in frames]


def test_draws_and_writes_every_result_in_its_own_thread(tmp_path: Path, info: VideoInfo) -> None:
    clocks = StageClocks()
    threads: set[str] = set()

    def draw(drawn: FrameResult) -> Image:
        threads.add(threading.current_thread().name)
        return doubled(drawn)

    with OverlaySink(tmp_path / "m.overlay.mp4", info, draw, clocks) as sink:
        for number in range(20):
            sink.write(result(number))
    assert sink.close(complete=True) == tmp_path / "m.overlay.mp4"
    assert shown(tmp_path / "m.overlay.mp4") == [2 * number for number in range(20)]
    assert threads == {"overlay"}
    assert {(s.stage, s.calls, s.overlaps) for s in clocks.summary()} == {
        ("draw", 20, True),
        ("write", 20, True),
    }
    assert sink.warning is None


def test_interrupted_run_keeps_all_that_was_handed_over(tmp_path: Path, info: VideoInfo) -> None:
    def run() -> None:
        with OverlaySink(tmp_path / "m.mp4", info, doubled, StageClocks()) as sink:
            for number in range(9):
                sink.write(result(number))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert shown(tmp_path / "m.partial.mp4") == [2 * number for number in range(9)]
    assert not (tmp_path / "m.mp4").exists()


def test_error_while_drawing_reaches_the_caller_and_keeps_the_rest(
    tmp_path: Path, info: VideoInfo
) -> None:
    def draw(drawn: FrameResult) -> Image:
        if drawn.frame.index == 5:
            raise OutputError("no more ink")
        return doubled(drawn)

    def run() -> None:
        with OverlaySink(tmp_path / "m.mp4", info, draw, StageClocks()) as sink:
            for number in range(100):
                sink.write(result(number))

    with pytest.raises(OutputError, match="no more ink"):
        run()
    assert shown(tmp_path / "m.partial.mp4") == [0, 2, 4, 6, 8]
    assert not (tmp_path / "m.mp4").exists()


def test_error_in_the_last_result_is_told_by_close(tmp_path: Path, info: VideoInfo) -> None:
    def draw(drawn: FrameResult) -> Image:
        if drawn.frame.index == 2:
            raise OutputError("no more ink")
        return doubled(drawn)

    sink = OverlaySink(tmp_path / "m.mp4", info, draw, StageClocks())
    for number in range(3):
        sink.write(result(number))
    with pytest.raises(OutputError, match="no more ink"):
        sink.close(complete=True)
    assert shown(tmp_path / "m.partial.mp4") == [0, 2]


def test_without_a_thread_a_result_is_drawn_and_encoded_at_once(
    tmp_path: Path, info: VideoInfo
) -> None:
    clocks = StageClocks()
    threads: list[str] = []

    def draw(drawn: FrameResult) -> Image:
        threads.append(threading.current_thread().name)
        return doubled(drawn)

    with OverlaySink(tmp_path / "m.overlay.mp4", info, draw, clocks, behind=False) as sink:
        for number in range(5):
            sink.write(result(number))
            assert len(threads) == number + 1
    assert set(threads) == {threading.current_thread().name}
    assert shown(tmp_path / "m.overlay.mp4") == [0, 2, 4, 6, 8]
    assert not any(stage.overlaps for stage in clocks.summary())


def test_without_a_thread_an_error_is_met_by_the_result_that_caused_it(
    tmp_path: Path, info: VideoInfo
) -> None:
    def draw(drawn: FrameResult) -> Image:
        if drawn.frame.index == 2:
            raise OutputError("no paint")
        return doubled(drawn)

    path = tmp_path / "m.overlay.mp4"
    sink = OverlaySink(path, info, draw, StageClocks(), behind=False)
    sink.write(result(0))
    sink.write(result(1))
    with pytest.raises(OutputError, match="no paint"):
        sink.write(result(2))
    kept = sink.close(complete=False)
    assert not path.exists()
    assert shown(kept) == [0, 2]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("spare", [True, False])
def test_a_pipe_that_is_closed(tmp_path: Path, info: VideoInfo, spare: bool) -> None:
    """The reader of the video goes away: a spare video is left out, another one ends the run."""
    pipe = partial_path(tmp_path / "v.mp4")
    os.mkfifo(pipe)

    def read_a_little() -> None:
        with pipe.open("rb") as reader:
            reader.read(2000)

    reading = threading.Thread(target=read_a_little)
    reading.start()
    overlay = OverlaySink(tmp_path / "v.mp4", info, doubled, StageClocks())
    sink = SpareSink(overlay) if spare else overlay

    def run() -> None:
        with sink:
            for number in range(200):
                sink.write(result(number))

    if spare:
        run()
    else:
        with pytest.raises(OutputError, match=r"v\.mp4 cannot be written \(Broken pipe\)"):
            run()
    reading.join()
    if isinstance(sink, SpareSink):
        assert sink.error is not None
        assert "Broken pipe" in sink.error
    assert not (tmp_path / "v.mp4").exists()
