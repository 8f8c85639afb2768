"""START HERE: what the stages promise each other, and the loop detect -> track -> pose.

A video is handled in *windows*: the frames behind one keyframe up to and including the next.
The tracker sees a whole window at once, so the boxes between two keyframes can be set with both
ends known; the poses of a window are estimated together, in as few model calls as possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from hpe_volleyball.errors import SourceDamaged
from hpe_volleyball.records import Detections, Floats, Frame, FrameResult, Poses, Tracks
from hpe_volleyball.skeleton import Skeleton
from hpe_volleyball.timing import StageClocks


class Detector(Protocol):
    """Finds people in one frame."""

    def detect(self, frame: Frame) -> Detections:
        """Boxes of all people, with scores from 0.1 up, in pixels of the frame."""


class PoseEstimator(Protocol):
    """Finds the keypoints of people whose boxes are known."""

    @property
    def skeleton(self) -> Skeleton:
        """Names of the keypoints, and the limbs between them."""

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        """Poses of all boxes ([n, 4] for each frame), frame by frame, box by box."""


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """A frame whose people are settled."""

    frame: Frame
    tracks: Tracks
    keyframe: bool
    """The detector ran on this frame."""


class Tracker(Protocol):
    """Gives people ids that last."""

    def push(self, window: Sequence[Frame], detector: Detector) -> list[TrackedFrame]:
        """Take the next window and return the frames that are settled now, in order of time.

        The tracker calls `detector` itself: on the window's last frame always, elsewhere where
        it must. It may hold frames back to learn from the next window.
        """

    def finish(self) -> list[TrackedFrame]:
        """Return the frames held back; no window follows."""


def run_pipeline(
    frames: Iterable[Frame],
    *,
    detector: Detector,
    tracker: Tracker,
    poser: PoseEstimator,
    det_interval: int,
    clocks: StageClocks | None = None,
) -> Iterator[FrameResult]:
    """The results of all frames, in order.

    Args:
        frames: Frames in order of time.
        detector: Runs on every `det_interval`-th frame, on the last one, and where the tracker
            asks for more.
        tracker: Keeps ids, and sets the boxes of the frames between keyframes.
        poser: Runs on the tracked boxes of every frame.
        det_interval: Frames from one keyframe to the next, 1 or more.
        clocks: Times the stages "detect", "track" and "pose".

    Raises:
        HpeError: from a stage or from `frames`. Where the source breaks off (SourceDamaged), the
            results of all frames before are given first.
    """
    clocks = clocks or StageClocks()
    timed = _TimedDetector(detector, clocks)

    def posed(settled: Sequence[TrackedFrame]) -> Iterator[FrameResult]:
        with clocks.time("pose"):
            poses = poser.estimate([s.frame for s in settled], [s.tracks.boxes for s in settled])
        for people, pose in zip(settled, poses, strict=True):
            yield FrameResult(people.frame, people.tracks, pose, people.keyframe)

    try:
        for window in windows(frames, det_interval):
            with clocks.time("track"):
                settled = tracker.push(window, timed)
            yield from posed(settled)
    except SourceDamaged:
        yield from posed(tracker.finish())
        raise
    yield from posed(tracker.finish())


def windows(frames: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    """The first frame alone, then `size` frames at a time; the last window may be shorter.

    Where the source breaks off, the frames before the damage are given before the error is raised.
    """
    window: list[Frame] = []
    want = 1
    try:
        for frame in frames:
            window.append(frame)
            if len(window) == want:
                yield window
                window, want = [], size
    except SourceDamaged:
        if window:
            yield window
        raise
    if window:
        yield window


class _TimedDetector:
    """A detector whose calls are timed; the clocks take them out of the tracker's own time."""

    def __init__(self, detector: Detector, clocks: StageClocks) -> None:
        self._detector = detector
        self._clocks = clocks

    def detect(self, frame: Frame) -> Detections:
        with self._clocks.time("detect"):
            return self._detector.detect(frame)
