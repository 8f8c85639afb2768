"""Keeps the poses of the frames at hand: almost the same box is not looked into again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.pipeline import PendingPoses, PoseEstimator, begin
from hpe_volleyball.records import Floats, Frame, Poses
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.skeleton import Skeleton

_SAME_CROP = 0.85
"""Boxes that overlap by this give almost the same crop. On the synthetic rallies ids and joints
are then as good as with every pose looked for; from 0.78 down ids are exchanged more often."""


class PoseCache:
    """Where the pose model has looked, frame by frame, and what it found there.

    A person is looked at where the pose before led, where a detection lies, and once more where a
    window is gone through again; mostly that is one crop. While a frame is worked on, the next one
    is already looked into, where people are expected.
    """

    def __init__(self) -> None:
        self._frames: dict[int, _FrameCache] = {}

    def before(self, poser: PoseEstimator) -> CachingEstimator:
        """An estimator that asks `poser` only where it has not looked yet."""
        return CachingEstimator(poser, self._frames)

    def forget(self, frames: Iterable[Frame]) -> None:
        """Nobody asks for these frames any more."""
        for frame in frames:
            self._frames.pop(frame.index, None)


class _FrameCache:
    """What is known of one frame, and what will be.

    Attributes:
        boxes: float32 [n, 4], those looked into or being looked into.
    """

    def __init__(self, joints: int) -> None:
        self.boxes: Floats = np.zeros((0, 4), np.float32)
        self._keypoints: Floats = np.zeros((0, joints, 2), np.float32)
        self._scores: Floats = np.zeros((0, joints), np.float32)
        self._pending: list[PendingPoses] = []

    def find(self, boxes: Floats) -> NDArray[np.intp]:
        """The row of each box [m, 4], or for a new one the row that it has once it is added."""
        if not len(self.boxes):
            return np.arange(len(boxes))
        overlap = box_iou(boxes, self.boxes)
        new = overlap.max(axis=1) < _SAME_CROP
        added = len(self.boxes) + new.cumsum() - 1
        return np.asarray(np.where(new, added, overlap.argmax(axis=1)))

    def add(self, boxes: Floats, poses: PendingPoses) -> None:
        """These boxes are being looked into."""
        self.boxes = np.concatenate([self.boxes, boxes])
        self._pending.append(poses)

    def poses(self, rows: NDArray[np.intp]) -> Poses:
        """The poses of some rows, when all that was begun is there."""
        for poses in [pending.result() for pending in self._pending]:
            self._keypoints = np.concatenate([self._keypoints, poses.keypoints])
            self._scores = np.concatenate([self._scores, poses.scores])
        self._pending.clear()
        return Poses(self._keypoints[rows], self._scores[rows])


class CachingEstimator:
    """Asks the pose model, in one call, for what is not known."""

    def __init__(self, poser: PoseEstimator, frames: dict[int, _FrameCache]) -> None:
        self._poser = poser
        self._frames = frames

    @property
    def skeleton(self) -> Skeleton:
        """Of the pose model."""
        return self._poser.skeleton

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        """Poses of all boxes ([n, 4] for each frame), frame by frame, box by box."""
        rows = self._begin(frames, boxes)
        return [
            self._frames[frame.index].poses(row) for frame, row in zip(frames, rows, strict=True)
        ]

    def expect(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> None:
        """Begin with what `estimate` will soon be asked for."""
        self._begin(frames, boxes)

    def _begin(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[NDArray[np.intp]]:
        """Have the pose model look where it has not; the row of each box among those known."""
        joints = len(self.skeleton.names)
        caches = [self._frames.setdefault(frame.index, _FrameCache(joints)) for frame in frames]
        rows = [known.find(here) for known, here in zip(caches, boxes, strict=True)]
        new = [
            here[row >= len(known.boxes)]
            for known, here, row in zip(caches, boxes, rows, strict=True)
        ]
        asked = [k for k, here in enumerate(new) if len(here)]
        if asked:
            found = begin(self._poser, [frames[k] for k in asked], [new[k] for k in asked])
            for k, poses in zip(asked, found, strict=True):
                caches[k].add(new[k], poses)
        return rows
