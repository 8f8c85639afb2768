"""The loop: windows, the order of results, what happens where the source breaks off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from hpe_volleyball.errors import SourceDamaged
from hpe_volleyball.pipeline import Detector, TrackedFrame, run_pipeline, windows
from hpe_volleyball.records import Detections, Floats, Frame, FrameResult, Poses, Tracks
from hpe_volleyball.skeleton import COCO17, Skeleton
from hpe_volleyball.timing import StageClocks
from tests.frames import blank


def frames(count: int, *, torn: bool = False) -> Iterator[Frame]:
    """Frames 0..count-1; `torn`: then the file breaks off."""
    for index in range(count):
        yield blank(index=index)
    if torn:
        raise SourceDamaged("breaks off")


class CountingDetector:
    """Sees one person, whose box says which frame it was."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def detect(self, frame: Frame) -> Detections:
        self.seen.append(frame.index)
        box = np.array([[frame.index, 0, frame.index + 1, 1]], np.float32)
        return Detections(box, np.ones(1, np.float32))


class Follower:
    """One track, with the box of the window's last frame; holds back the last `hold` frames."""

    def __init__(self, hold: int = 0) -> None:
        self._hold = hold
        self._held: list[TrackedFrame] = []

    def push(self, window: Sequence[Frame], detector: Detector) -> list[TrackedFrame]:
        found = detector.detect(window[-1])
        one = np.ones(1, np.int32)
        for frame in window:
            last = frame is window[-1]
            tracks = Tracks(one, found.boxes, found.scores, np.array([last]))
            self._held.append(TrackedFrame(frame, tracks, keyframe=last))
        settled = self._held[: len(self._held) - self._hold]
        del self._held[: len(settled)]
        return settled

    def finish(self) -> list[TrackedFrame]:
        return self._held


class Poser:
    """Puts all keypoints into the corner of the box."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    @property
    def skeleton(self) -> Skeleton:
        return COCO17

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        self.batches.append([frame.index for frame in frames])
        corners = [np.repeat(people[:, None, :2], 17, axis=1) for people in boxes]
        return [Poses(corner, np.ones(corner.shape[:2], np.float32)) for corner in corners]


def run(source: Iterator[Frame], interval: int, hold: int = 0) -> Iterator[FrameResult]:
    return run_pipeline(
        source,
        detector=CountingDetector(),
        tracker=Follower(hold),
        poser=Poser(),
        det_interval=interval,
    )


@pytest.mark.parametrize(
    ("count", "size", "wanted"),
    [
        (0, 4, []),
        (1, 4, [[0]]),
        (9, 4, [[0], [1, 2, 3, 4], [5, 6, 7, 8]]),
        (7, 4, [[0], [1, 2, 3, 4], [5, 6]]),
        (3, 1, [[0], [1], [2]]),
    ],
)
def test_windows_end_on_keyframes(count: int, size: int, wanted: list[list[int]]) -> None:
    found = [[frame.index for frame in window] for window in windows(frames(count), size)]
    assert found == wanted


def test_windows_give_what_came_before_the_damage() -> None:
    found = windows(frames(3, torn=True), 4)
    assert [len(next(found)), len(next(found))] == [1, 2]
    with pytest.raises(SourceDamaged):
        next(found)


@pytest.mark.parametrize("hold", [0, 1, 5])
def test_every_frame_once_and_in_order(hold: int) -> None:
    results = list(run(frames(11), 4, hold))
    assert [r.frame.index for r in results] == list(range(11))
    assert [r.frame.index for r in results if r.keyframe] == [0, 4, 8, 10]


def test_poses_belong_to_their_boxes() -> None:
    for result in run(frames(6), 2):
        np.testing.assert_array_equal(result.poses.keypoints[0, 3], result.tracks.boxes[0, :2])


def test_a_window_is_posed_at_once() -> None:
    poser = Poser()
    list(
        run_pipeline(
            frames(9),
            detector=CountingDetector(),
            tracker=Follower(),
            poser=poser,
            det_interval=4,
        )
    )
    assert [batch for batch in poser.batches if batch] == [[0], [1, 2, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize("hold", [0, 3])
def test_results_before_the_damage_come_first(hold: int) -> None:
    results = run(frames(7, torn=True), 4, hold)
    seen: list[int] = []
    with pytest.raises(SourceDamaged, match="breaks off"):
        seen.extend(result.frame.index for result in results)
    # extend() keeps what came before the error.
    assert seen == list(range(7))


def test_nothing_is_read_far_ahead_of_the_results() -> None:
    read = []

    def source() -> Iterator[Frame]:
        for frame in frames(100):
            read.append(frame.index)
            yield frame

    results = run(source(), 4)
    for _ in range(2):
        next(results)
    assert read == [0, 1, 2, 3, 4]


def test_detection_is_not_counted_as_tracking() -> None:
    clocks = StageClocks()
    list(
        run_pipeline(
            frames(9),
            detector=CountingDetector(),
            tracker=Follower(),
            poser=Poser(),
            det_interval=4,
            clocks=clocks,
        )
    )
    calls = {stage.stage: stage.calls for stage in clocks.summary()}
    assert calls["detect"] == calls["track"] == 3
