"""The loop: what the tracker is given, the order of results, and where the source breaks off."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest

from hpe_volleyball.errors import ModelError, SourceDamaged
from hpe_volleyball.pipeline import Detector, PoseEstimator, Tracker, run_pipeline
from hpe_volleyball.records import Detections, Floats, Frame, FrameResult, Poses, Tracks
from hpe_volleyball.skeleton import COCO17, Skeleton
from hpe_volleyball.timing import StageClocks
from hpe_volleyball.tracking.tracker import PlayerTracker
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


class Poser:
    """Puts all keypoints into the corner of the box."""

    @property
    def skeleton(self) -> Skeleton:
        return COCO17

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        assert len(frames) == len(boxes)
        corners = [np.repeat(people[:, None, :2], 17, axis=1) for people in boxes]
        return [Poses(corner, np.ones(corner.shape[:2], np.float32)) for corner in corners]


class Follower:
    """One track where the detector says; holds back the last `hold` frames."""

    def __init__(self, hold: int = 0) -> None:
        self._hold = hold
        self._held: list[FrameResult] = []

    @property
    def detects_next(self) -> bool:
        return True

    def push(self, frame: Frame, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        found = detector.detect(frame)
        one = np.ones(1, np.int32)
        tracks = Tracks(one, found.boxes, found.scores, np.array([True]))
        [poses] = poser.estimate([frame], [found.boxes])
        self._held.append(FrameResult(frame, tracks, poses, keyframe=True))
        settled = self._held[: max(0, len(self._held) - self._hold)]
        del self._held[: len(settled)]
        return settled

    def finish(self, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        assert detector.detect(blank(index=999)).boxes[0, 0] == 999
        assert len(poser.skeleton.names) == 17
        return self._held


def run(
    source: Iterator[Frame],
    tracker: Tracker,
    clocks: StageClocks | None = None,
    *,
    beside: bool = False,
) -> Iterator[FrameResult]:
    return run_pipeline(
        source,
        detector=CountingDetector(),
        tracker=tracker,
        poser=Poser(),
        clocks=clocks,
        beside=beside,
    )


@pytest.mark.parametrize("hold", [0, 1, 5, 50])
def test_every_frame_once_and_in_order(hold: int) -> None:
    results = list(run(frames(11), Follower(hold)))
    assert [r.frame.index for r in results] == list(range(11))
    for result in results:
        assert result.tracks.boxes[0, 0] == result.frame.index
        np.testing.assert_array_equal(result.poses.keypoints[0, 3], result.tracks.boxes[0, :2])


def test_no_frames_give_no_results() -> None:
    assert list(run(frames(0), Follower())) == []


@pytest.mark.parametrize("hold", [0, 3, 50])
def test_results_before_the_damage_come_first(hold: int) -> None:
    results = run(frames(7, torn=True), Follower(hold))
    seen: list[int] = []
    with pytest.raises(SourceDamaged, match="breaks off"):
        seen.extend(result.frame.index for result in results)
    # extend() keeps what came before the error.
    assert seen == list(range(7))


def test_nothing_is_read_ahead_of_the_tracker() -> None:
    read = []

    def source() -> Iterator[Frame]:
        for frame in frames(100):
            read.append(frame.index)
            yield frame

    results = run(source(), Follower(hold=3))
    assert [next(results).frame.index for _ in range(2)] == [0, 1]
    assert read == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("beside", [False, True])
def test_each_stage_has_its_own_time(*, beside: bool) -> None:
    clocks = StageClocks()
    list(run(frames(9), Follower(hold=2), clocks, beside=beside))
    assert {s.stage for s in clocks.summary() if s.overlaps} == ({"detect"} if beside else set())
    calls = {stage.stage: stage.calls for stage in clocks.summary()}
    assert calls["track"] == 9
    # finish() asks the detector once more.
    assert (calls["detect"], calls["pose"]) == (10, 9)


class EarlyPoser(Poser):
    """Looks for poses in a thread of its own, and remembers in what order it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []
        self._thread = ThreadPoolExecutor(1)

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        return [poses.result() for poses in self.begin(frames, boxes)]

    def begin(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Future[Poses]]:
        self.asked.append(tuple(frame.index for frame in frames))
        return [self._thread.submit(self.look, *one) for one in zip(frames, boxes, strict=True)]

    def look(self, frame: Frame, boxes: Floats) -> Poses:
        [poses] = Poser().estimate([frame], [boxes])
        return poses


class Meeting(EarlyPoser):
    """A detector and a poser, each of which waits until the other is at the same keyframe."""

    def __init__(self) -> None:
        super().__init__()
        self.met = Barrier(2, timeout=10)

    def detect(self, frame: Frame) -> Detections:
        if frame.index:  # in the first frame nobody is known yet
            self.met.wait()
        return Detections(np.array([[8, 8, 24, 24]], np.float32), np.ones(1, np.float32))

    def look(self, frame: Frame, boxes: Floats) -> Poses:
        if frame.index and frame.index % 4 == 0:
            self.met.wait()
        return super().look(frame, boxes)


def test_the_detector_runs_beside_the_poses_of_its_frame() -> None:
    meeting, tracker = Meeting(), PlayerTracker(rate=25, det_interval=4, start_score=0.3)
    results = run_pipeline(frames(9), detector=meeting, tracker=tracker, poser=meeting, beside=True)
    assert [r.frame.index for r in results if r.keyframe] == [0, 4, 8]


class OnePerson:
    """Sees somebody who stands still."""

    def detect(self, _: Frame) -> Detections:
        return Detections(np.array([[8, 8, 24, 24]], np.float32), np.ones(1, np.float32))


@pytest.mark.parametrize("pose_interval", [1, 2])
def test_poses_of_a_frame_begin_while_the_one_before_is_worked_on(pose_interval: int) -> None:
    poser = EarlyPoser()
    tracker = PlayerTracker(rate=25, det_interval=4, start_score=0.3, pose_interval=pose_interval)
    results = list(
        run_pipeline(frames(13), detector=OnePerson(), tracker=tracker, poser=poser, beside=True)
    )
    assert [len(r.tracks.ids) for r in results] == [1] * 13
    # Somebody new is foreseen from the second frame on.
    first = [(0,), (1,), (2, 3), (4,)] if pose_interval == 1 else [(0,), (2,), (4,), (6,)]
    assert poser.asked[:4] == first
    # Each frame is looked into once.
    asked = [index for call in poser.asked for index in call]
    assert asked == sorted(set(asked))


def test_one_frame_is_read_ahead_where_poses_begin_early() -> None:
    read: list[int] = []

    def source() -> Iterator[Frame]:
        for frame in frames(20):
            read.append(frame.index)
            yield frame

    tracker = PlayerTracker(rate=25, det_interval=1, start_score=0.3)
    results = run_pipeline(source(), detector=OnePerson(), tracker=tracker, poser=Poser())
    assert next(results).frame.index == 0
    assert read == [0, 1, 2]
    live = PlayerTracker(rate=25, det_interval=1, start_score=0.3, lookahead=False)
    read.clear()
    next(run_pipeline(source(), detector=OnePerson(), tracker=live, poser=Poser()))
    assert read == [0]


def test_a_source_that_breaks_off_gives_all_before_to_a_tracker_that_looks_ahead() -> None:
    tracker = PlayerTracker(rate=25, det_interval=4, start_score=0.3)
    results = run_pipeline(
        frames(7, torn=True), detector=OnePerson(), tracker=tracker, poser=Poser()
    )
    seen: list[int] = []
    with pytest.raises(SourceDamaged, match="breaks off"):
        seen.extend(result.frame.index for result in results)
    assert seen == list(range(7))


class FailingPoser(EarlyPoser):
    """Fails at frame 4."""

    def look(self, frame: Frame, boxes: Floats) -> Poses:
        if frame.index == 4:
            raise ModelError("the device is gone")
        return super().look(frame, boxes)


def test_poses_that_fail_ahead_end_the_run() -> None:
    tracker = PlayerTracker(rate=25, det_interval=1, start_score=0.3)
    results = run_pipeline(
        frames(9), detector=OnePerson(), tracker=tracker, poser=FailingPoser(), beside=True
    )
    with pytest.raises(ModelError, match="the device is gone"):
        list(results)


class FailingDetector:
    """Fails at frame 4."""

    def detect(self, frame: Frame) -> Detections:
        if frame.index == 4:
            raise ModelError("the device is gone")
        return CountingDetector().detect(frame)


def test_what_fails_beside_the_loop_ends_it() -> None:
    results = run_pipeline(
        frames(9), detector=FailingDetector(), tracker=Follower(), poser=Poser(), beside=True
    )
    assert [next(results).frame.index for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ModelError, match="the device is gone"):
        next(results)


class SlowDetector(OnePerson):
    """Begins with a frame that nobody will ask for any more."""

    def __init__(self) -> None:
        self.busy, self.ended = Event(), 0

    def detect(self, frame: Frame) -> Detections:
        if frame.index == 4:
            self.busy.set()
            time.sleep(0.2)
            self.ended += 1
        return super().detect(frame)


def test_nothing_is_at_work_behind_a_run_that_failed() -> None:
    """The detector may be another run's next."""
    detector = SlowDetector()

    class FailingMeanwhile(Follower):
        def push(self, frame: Frame, given: Detector, poser: PoseEstimator) -> list[FrameResult]:
            if frame.index == 4:
                assert detector.busy.wait(5)
                raise ModelError("the device is gone")
            return super().push(frame, given, poser)

    results = run_pipeline(
        frames(9), detector=detector, tracker=FailingMeanwhile(), poser=Poser(), beside=True
    )
    with pytest.raises(ModelError, match="the device is gone"):
        list(results)
    assert detector.ended == 1


def test_pictures_that_wait_are_let_go_and_others_are_not() -> None:
    """Those of a window wait for its end; without look-ahead none does."""
    for lookahead, waiting in ((True, list(range(9))), (False, [])):
        let_go: list[int] = []

        class Watched(Frame):
            def let_go(self) -> None:
                let_go.append(self.index)  # noqa: B023 - used within the round

        source = (Watched(f.index, f.time_s, f.image) for f in frames(9))
        tracker = PlayerTracker(rate=25, det_interval=4, start_score=0.3, lookahead=lookahead)
        list(run_pipeline(source, detector=OnePerson(), tracker=tracker, poser=Poser()))
        assert let_go == waiting
