"""START HERE: what the stages promise each other, and the loop detect -> track -> pose.

The detector runs on *keyframes* only. The tracker leads: it asks for detections on keyframes and
where it is in doubt, and for poses in every frame, since a person's own pose is what carries the
box over the frames in between. With look-ahead it holds the frames of a *window*, from one
keyframe to the next, until it knows both ends, and begins with the poses of the next frame while
it works on this one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from time import perf_counter
from typing import Any, Protocol, TypeGuard, runtime_checkable

from hpe_volleyball.errors import SourceDamaged
from hpe_volleyball.futures import finished
from hpe_volleyball.records import Detections, Floats, Frame, FrameResult, Poses
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


class PendingPoses(Protocol):
    """The poses of a frame that are being looked for: what is needed here of a Future."""

    def result(self) -> Poses:
        """Wait for them."""

    def add_done_callback(self, call: Callable[[Any], None], /) -> None:
        """Call this when they are found, in any thread."""


class EarlyPoseEstimator(PoseEstimator, Protocol):
    """A pose estimator that works while its caller goes on."""

    def begin(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> Sequence[PendingPoses]:
        """Begin with what `estimate` would do: for each frame, what will be its poses."""


class Tracker(Protocol):
    """Gives people ids that last."""

    @property
    def detects_next(self) -> bool:
        """Whether the detector will run on the next frame; False where that is not known yet."""

    def push(self, frame: Frame, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """Take the next frame; the results that are settled now, in order of time."""

    def finish(self, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """The results held back; no frame follows."""


@runtime_checkable
class ForeseeingTracker(Tracker, Protocol):
    """A tracker that asks for poses of a frame while it works on the one before."""

    @property
    def looks_ahead(self) -> bool:
        """Whether it wants to; the frame behind is then read before results are given."""

    def foresee(self, frame: Frame) -> None:
        """Take the frame behind the one that `push` will be given."""


def begin(
    poser: PoseEstimator, frames: Sequence[Frame], boxes: Sequence[Floats]
) -> Sequence[PendingPoses]:
    """Begin to look for poses; an estimator that cannot do so beside its caller is waited for."""
    if _is_early(poser):
        return poser.begin(frames, boxes)
    return [finished(poses) for poses in poser.estimate(frames, boxes)]


def _is_early(poser: PoseEstimator) -> TypeGuard[EarlyPoseEstimator]:
    """It can begin; `isinstance` looks at every member of a protocol, and this is asked often."""
    return hasattr(poser, "begin")


def run_pipeline(
    frames: Iterable[Frame],
    *,
    detector: Detector,
    tracker: Tracker,
    poser: PoseEstimator,
    clocks: StageClocks | None = None,
    beside: bool = False,
) -> Generator[FrameResult]:
    """The results of all frames, in order.

    Args:
        frames: Frames in order of time.
        detector: Runs where the tracker asks for it.
        tracker: Keeps ids, and sets the boxes of all frames.
        poser: Runs on the tracked boxes of every frame.
        clocks: Times the stages "detect", "track" and "pose", each without the others.
        beside: Run the detector beside the poses of its frame, in a thread of its own. Poses run
            beside the tracker if `poser` can and `tracker` looks ahead.

    Raises:
        HpeError: from a stage or from `frames`. Where the source breaks off (SourceDamaged), the
            results of all frames before are given first.
    """
    clocks = clocks or StageClocks()
    early = _EarlyDetector(detector, clocks) if beside else None
    timed = early or _TimedDetector(detector, clocks), _TimedPoser(poser, clocks)
    foreseeing = tracker if isinstance(tracker, ForeseeingTracker) and tracker.looks_ahead else None
    if foreseeing is not None:
        frames = _announced(frames, foreseeing.foresee)
        if beside:
            clocks.mark_overlapping("pose")
    try:
        for frame in frames:
            if early is not None and tracker.detects_next:
                early.begin(frame)
            with clocks.time("track"):
                settled = tracker.push(frame, *timed)
            if all(result.frame is not frame for result in settled):
                frame.let_go()
            yield from settled
    except SourceDamaged:
        yield from tracker.finish(*timed)
        raise
    else:
        yield from tracker.finish(*timed)
    finally:
        if early is not None:
            early.close()


def _announced(frames: Iterable[Frame], announce: Callable[[Frame], None]) -> Iterator[Frame]:
    """The frames, each announced before the one in front of it is given."""
    source = iter(frames)
    frame, broken = next(source, None), None
    while frame is not None:
        try:
            following = next(source, None)
        except SourceDamaged as error:
            following, broken = None, error
        if following is not None:
            announce(following)
        yield frame
        if broken is not None:
            raise broken
        frame = following


class _TimedDetector:
    """A detector whose calls are timed; the clocks take them out of the tracker's time."""

    def __init__(self, detector: Detector, clocks: StageClocks) -> None:
        self._detector = detector
        self._clocks = clocks

    def detect(self, frame: Frame) -> Detections:
        with self._clocks.time("detect"):
            return self._detector.detect(frame)


class _EarlyDetector:
    """A detector in a thread of its own, which can begin with a frame before it is asked for it."""

    def __init__(self, detector: Detector, clocks: StageClocks) -> None:
        self._timed = _TimedDetector(detector, clocks)
        self._clocks = clocks
        self._thread = ThreadPoolExecutor(1, "detect")
        self._begun: dict[int, Future[Detections]] = {}
        clocks.mark_overlapping("detect")

    def close(self) -> None:
        """Wait for what was begun: the detector may be another run's behind this one."""
        self._thread.shutdown(cancel_futures=True)

    def begin(self, frame: Frame) -> None:
        """Look into a frame, for when `detect` is called with it."""
        self._begun = {frame.index: self._thread.submit(self._timed.detect, frame)}

    def detect(self, frame: Frame) -> Detections:
        with self._clocks.time(None):
            if frame.index not in self._begun:
                self.begin(frame)
            return self._begun.pop(frame.index).result()


class _TimedPoser:
    """A pose estimator whose calls are timed; the clocks take them out of the tracker's time."""

    def __init__(self, poser: PoseEstimator, clocks: StageClocks) -> None:
        self._poser = poser
        self._clocks = clocks
        self._ended = 0.0
        self._ending = Lock()

    @property
    def skeleton(self) -> Skeleton:
        return self._poser.skeleton

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        return [poses.result() for poses in self.begin(frames, boxes)]

    def begin(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[PendingPoses]:
        started = perf_counter()

        def note(_: object) -> None:
            with self._ending:
                now = perf_counter()
                self._clocks.add("pose", now - max(started, self._ended))
                self._ended = now

        with self._clocks.time(None):
            pending = begin(self._poser, frames, boxes)
        for last in pending[-1:]:
            last.add_done_callback(note)
        return [_TimedPoses(poses, self._clocks) for poses in pending]


@dataclass(frozen=True, slots=True)
class _TimedPoses:
    """Poses that are being looked for; the clocks take the wait for them out of other stages."""

    poses: PendingPoses
    clocks: StageClocks

    def result(self) -> Poses:
        with self.clocks.time(None):
            return self.poses.result()

    def add_done_callback(self, call: Callable[[Any], None], /) -> None:
        self.poses.add_done_callback(call)
