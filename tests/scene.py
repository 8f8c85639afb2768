"""A made-up picture whose people walk on known paths, seen by models that err only as told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.pipeline import run_pipeline
from hpe_volleyball.records import Detections, Floats, Frame, FrameResult, Poses
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.skeleton import COCO17, Skeleton
from hpe_volleyball.tracking.tracker import PlayerTracker

Array = NDArray[np.float64]
Path = Callable[[int], Array | None]
"""The box of a person in a frame, None: not there."""

RATE = 50.0
WIDTH, HEIGHT = 640, 360

STANDING = np.array(
    [
        (0.50, 0.06), (0.46, 0.05), (0.54, 0.05), (0.42, 0.06), (0.58, 0.06),
        (0.30, 0.20), (0.70, 0.20), (0.20, 0.35), (0.80, 0.35), (0.15, 0.48), (0.85, 0.48),
        (0.38, 0.52), (0.62, 0.52), (0.37, 0.74), (0.63, 0.74), (0.36, 0.95), (0.64, 0.95),
    ]
)  # fmt: skip
"""COCO's joints of somebody standing, as parts of the box."""

NOISE = (0.02, 0.06, 0.10)
"""Keypoint scores of a box without a person, in turn."""


def shifted(box: Array, x: float, y: float = 0.0) -> Array:
    """A box some pixels further."""
    moved: Array = box + np.array([x, y, x, y])
    return moved


def joints_in(box: Array) -> Array:
    """The joints [17, 2] of a person who fills this box."""
    joints: Array = box[:2] + STANDING * (box[2:] - box[:2])
    return joints


def walker(
    x: float,
    step: float = 0.0,
    *,
    y: float = 200.0,
    size: tuple[float, float] = (40.0, 100.0),
    first: int = 0,
    end: int = 1_000_000,
) -> Path:
    """Somebody whose middle is at x + step * frame, in frames first..end-1."""

    def box(index: int) -> Array | None:
        if not first <= index < end:
            return None
        middle, half = np.array([x + step * index, y]), np.array(size) / 2
        return np.concatenate((middle - half, middle + half))

    return box


def frame(index: int, rate: float = RATE) -> Frame:
    """A black frame that takes no memory."""
    return Frame(index, index / rate, np.broadcast_to(np.uint8(0), (HEIGHT, WIDTH, 3)))


@dataclass
class Scene:
    """People on their paths, and what the models make of them."""

    paths: Sequence[Path]
    missed: set[tuple[int, int]] = field(default_factory=set)
    """(person, frame) that the detector does not see."""
    scores: dict[tuple[int, int], float] = field(default_factory=dict)
    """Detection scores other than 0.9, by (person, frame)."""
    false: dict[int, list[tuple[Array, float]]] = field(default_factory=dict)
    """Further boxes and scores, by frame."""
    hidden: set[tuple[int, int]] = field(default_factory=set)
    """(person, frame) whose joints the pose model does not see."""
    detected: list[int] = field(default_factory=list)
    """Frames in which the detector ran."""
    posed: list[list[tuple[int, int]]] = field(default_factory=list)
    """(frame, boxes) of each call of the pose model."""

    @property
    def skeleton(self) -> Skeleton:
        return COCO17

    def people(self, index: int) -> tuple[NDArray[np.int64], Array]:
        """Numbers [n] and boxes [n, 4] of those in a frame."""
        boxes = [path(index) for path in self.paths]
        here = [i for i, box in enumerate(boxes) if box is not None]
        found = [box for box in boxes if box is not None]
        return np.array(here, np.int64), np.array(found).reshape(-1, 4)

    def detect(self, frame: Frame) -> Detections:
        self.detected.append(frame.index)
        found = [
            (box, self.scores.get((int(i), frame.index), 0.9))
            for i, box in zip(*self.people(frame.index), strict=True)
            if (int(i), frame.index) not in self.missed
        ]
        found += self.false.get(frame.index, [])
        boxes = np.array([box for box, _ in found], np.float32).reshape(-1, 4)
        limits = np.array([WIDTH, HEIGHT] * 2, np.float32)
        return Detections(
            np.clip(boxes, 0, limits), np.array([score for _, score in found], np.float32)
        )

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        self.posed.append([(f.index, len(b)) for f, b in zip(frames, boxes, strict=True)])
        return [self._poses(f.index, b) for f, b in zip(frames, boxes, strict=True)]

    def _poses(self, index: int, boxes: Floats) -> Poses:
        """The pose of whoever overlaps each box most; noise where that is nobody."""
        people, places = self.people(index)
        overlap = box_iou(boxes, places)
        points = np.zeros((len(boxes), 17, 2), np.float32)
        scores = np.resize(np.array(NOISE, np.float32), (len(boxes), 17))
        for row, box in enumerate(boxes):
            points[row] = joints_in(box.astype(np.float64))
            if len(people) and overlap[row].max() > 0.3:
                best = int(overlap[row].argmax())
                points[row] = joints_in(places[best])
                scores[row] = 0.1 if (int(people[best]), index) in self.hidden else 0.9
        return Poses(points, scores)

    def run(
        self,
        count: int,
        interval: int = 4,
        *,
        lookahead: bool = True,
        start_score: float = 0.4,
        rate: float = RATE,
        pose_tracked: bool = True,
        pose_interval: int = 1,
    ) -> list[FrameResult]:
        """Track frames 0..count-1."""
        tracker = PlayerTracker(
            rate=rate,
            det_interval=interval,
            start_score=start_score,
            lookahead=lookahead,
            pose_tracked=pose_tracked,
            pose_interval=pose_interval,
        )
        frames: Iterable[Frame] = (frame(index, rate) for index in range(count))
        return list(run_pipeline(frames, detector=self, tracker=tracker, poser=self))


def followed(results: Sequence[FrameResult], path: Path) -> dict[int, int]:
    """The id of the track that shows a person, by frame; boxes of other people do not count."""
    ids = {}
    for result in results:
        box = path(result.frame.index)
        if box is not None and len(result.tracks.ids):
            overlap = box_iou(box[None], result.tracks.boxes)[0]
            if overlap.max() > 0.5:
                ids[result.frame.index] = int(result.tracks.ids[overlap.argmax()])
    return ids
