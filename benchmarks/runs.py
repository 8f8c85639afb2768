"""Runs a tracker over frames, counts what it asks for and collects the people it finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from bytetrack import ByteTrack

from hpe_volleyball.evaluation.people import People
from hpe_volleyball.pipeline import Detector, PoseEstimator, run_pipeline
from hpe_volleyball.records import Detections, Floats, Frame, FrameResult, Poses
from hpe_volleyball.skeleton import Skeleton
from hpe_volleyball.timing import StageClocks
from hpe_volleyball.tracking.reasons import KEYFRAME
from hpe_volleyball.tracking.tracker import PlayerTracker

START_SCORE = 0.4
"""Detection score from which an unknown person may get an id; the program's default."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to track, and how often it detects."""

    name: str
    interval: int
    lookahead: bool = True
    bytetrack: bool = False

    def tracker(self, rate: float) -> PlayerTracker | ByteTrack:
        """A new tracker for frames at this rate."""
        if self.bytetrack:
            return ByteTrack(rate=rate, det_interval=self.interval)
        return PlayerTracker(
            rate=rate,
            det_interval=self.interval,
            start_score=START_SCORE,
            lookahead=self.lookahead,
        )


@dataclass(frozen=True, slots=True)
class Run:
    """What a method found, and what it took."""

    people: People
    detected: np.ndarray
    """bool [R]: the row is a detection."""
    scores: Floats
    """float32 [R], of the boxes."""
    frames: int
    detector_calls: int
    extra_calls: dict[str, int]
    """Those beyond the interval, by reason."""
    crops: int
    """Boxes whose pose was estimated."""
    track_s: float
    """Time of the tracking stage."""


def run(
    method: Method,
    frames: Iterable[Frame],
    rate: float,
    detector: Detector,
    poser: PoseEstimator,
) -> Run:
    """Track all frames; only one of them and those of a window are held in memory."""
    tracker, clocks = method.tracker(rate), StageClocks()
    counting = _CountingDetector(detector), _CountingPoser(poser)
    results = [
        _without_picture(result)
        for result in run_pipeline(
            frames, detector=counting[0], tracker=tracker, poser=counting[1], clocks=clocks
        )
    ]
    reasons = tracker.detector_calls if isinstance(tracker, PlayerTracker) else {}
    return Run(
        people=_people(results),
        detected=np.concatenate([r.tracks.detected for r in results]),
        scores=np.concatenate([r.tracks.scores for r in results]),
        frames=len(results),
        detector_calls=counting[0].calls,
        extra_calls={why: calls for why, calls in reasons.items() if why != KEYFRAME},
        crops=counting[1].crops,
        track_s=next(stage.total_s for stage in clocks.summary() if stage.stage == "track"),
    )


_BLANK = np.zeros((1, 1, 3), np.uint8)


def _without_picture(result: FrameResult) -> FrameResult:
    frame = Frame(result.frame.index, result.frame.time_s, _BLANK)
    return FrameResult(frame, result.tracks, result.poses, result.keyframe)


def _people(results: Sequence[FrameResult]) -> People:
    counts = [len(result.tracks.ids) for result in results]
    return People(
        frame=np.repeat(np.arange(len(results)), counts),
        ids=np.concatenate([result.tracks.ids for result in results]),
        boxes=np.concatenate([result.tracks.boxes for result in results]),
        keypoints=np.concatenate([result.poses.keypoints for result in results]),
        keypoint_scores=np.concatenate([result.poses.scores for result in results]),
    )


class _CountingDetector:
    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.calls = 0

    def detect(self, frame: Frame) -> Detections:
        self.calls += 1
        return self._detector.detect(frame)


class _CountingPoser:
    def __init__(self, poser: PoseEstimator) -> None:
        self._poser = poser
        self.crops = 0

    @property
    def skeleton(self) -> Skeleton:
        return self._poser.skeleton

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        self.crops += sum(map(len, boxes))
        return self._poser.estimate(frames, boxes)
