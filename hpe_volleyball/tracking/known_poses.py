"""Remembers the poses of the frames at hand: almost the same box is not looked into again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.pipeline import PoseEstimator
from hpe_volleyball.records import Floats, Frame, Poses
from hpe_volleyball.skeleton import Skeleton
from hpe_volleyball.tracking.similarity import box_iou

_SAME_CROP = 0.85
"""Boxes that overlap by this give almost the same crop. On the synthetic rallies ids and joints
are then as good as with every pose looked for; from 0.78 down ids are exchanged more often."""


class KnownPoses:
    """Where the pose model has looked, frame by frame, and what it found there.

    A person is looked at where the pose before led, where a detection lies, and once more where a
    window is gone through again; mostly that is one crop.
    """

    def __init__(self) -> None:
        self._looks: dict[int, _Looks] = {}

    def before(self, poser: PoseEstimator) -> PoseEstimator:
        """An estimator that asks `poser` only where it has not looked yet."""
        return _Remembering(poser, self._looks)

    def forget(self, frames: Iterable[Frame]) -> None:
        """Nobody asks for these frames any more."""
        for frame in frames:
            self._looks.pop(frame.index, None)


@dataclass(slots=True)
class _Looks:
    """What is known of one frame."""

    boxes: Floats
    """float32 [n, 4], those looked into."""
    keypoints: Floats
    """float32 [n, K, 2]."""
    scores: Floats
    """float32 [n, K]."""

    def find(self, boxes: Floats) -> NDArray[np.intp]:
        """The row of each box [m, 4], or for a new one the row that it has once it is added."""
        overlap = np.concatenate([np.zeros((len(boxes), 1)), box_iou(boxes, self.boxes)], axis=1)
        new = overlap.max(axis=1) < _SAME_CROP
        rows: NDArray[np.intp] = np.where(
            new, len(self.boxes) + new.cumsum() - 1, overlap.argmax(axis=1) - 1
        )
        return rows

    def add(self, boxes: Floats, poses: Poses) -> None:
        """These boxes were looked into."""
        self.boxes = np.concatenate([self.boxes, boxes])
        self.keypoints = np.concatenate([self.keypoints, poses.keypoints])
        self.scores = np.concatenate([self.scores, poses.scores])


class _Remembering:
    """Asks the pose model, in one call, for what is not known."""

    def __init__(self, poser: PoseEstimator, looks: dict[int, _Looks]) -> None:
        self._poser = poser
        self._looks = looks

    @property
    def skeleton(self) -> Skeleton:
        return self._poser.skeleton

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        looks = [self._looks.setdefault(frame.index, self._nothing()) for frame in frames]
        rows = [known.find(here) for known, here in zip(looks, boxes, strict=True)]
        new = [
            here[row >= len(known.boxes)]
            for known, here, row in zip(looks, boxes, rows, strict=True)
        ]
        if any(map(len, new)):
            found = self._poser.estimate(frames, new)
            for known, here, poses in zip(looks, new, found, strict=True):
                known.add(here, poses)
        return [
            Poses(known.keypoints[row], known.scores[row])
            for known, row in zip(looks, rows, strict=True)
        ]

    def _nothing(self) -> _Looks:
        joints = len(self.skeleton.names)
        return _Looks(
            np.zeros((0, 4), np.float32),
            np.zeros((0, joints, 2), np.float32),
            np.zeros((0, joints), np.float32),
        )
