"""What an imperfect small pose model would say about a rally: seeded errors added to the truth.

Every answer is a function of the seed and the frame's index alone, whatever was asked before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.models.preprocess import BOX_PADDING
from hpe_volleyball.records import Floats, Frame, Poses
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.skeleton import COCO17
from hpe_volleyball.synthetic.rally import Rally, Truth

_Array = NDArray[np.float64]

_POSE = 23
"""Keeps its random stream apart from those of the detector with the same seed."""

_POOR_IOU = 0.3
_CROP_ASPECT = 192 / 256, 256 / 192
"""The crop of RTMPose is the box, enlarged and widened to 3:4."""


@dataclass(frozen=True, slots=True)
class PoseErrors:
    """How often and how far a pose model errs.

    The defaults are assumed, not measured: no clip at hand has true joints.
    """

    jitter: float = 0.008
    """Standard deviation of visible joints, as part of the box's longer side."""
    hidden_jitter: float = 0.05
    """The same for hidden joints."""
    swapped: float = 0.35
    """Chance that a hidden joint jumps to an overlapping neighbour's; full from a box IoU of
    0.5 up, less below."""
    score: float = 0.88
    """Mean score of visible joints."""
    hidden_score: float = 0.28
    """Mean score of hidden joints."""
    score_spread: float = 0.07
    """Standard deviation of scores."""
    blur_speed: float = 6.0
    """Body heights per second at which motion blur halves the score of a joint."""


class NoisyPose:
    """A pose model that knows the truth and errs as told.

    Args:
        rally: Whose people it sees.
        errors: How it errs.
        seed: Another one errs elsewhere.
        remembered: Frames whose people are kept for the next call; None for all.
    """

    skeleton = COCO17

    def __init__(
        self,
        rally: Rally,
        errors: PoseErrors | None = None,
        seed: int = 0,
        *,
        remembered: int | None = 4,
    ) -> None:
        self._rally = rally
        self._errors = errors or PoseErrors()
        self._seed = seed
        self._people = lru_cache(maxsize=remembered)(self._estimate_people)

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        """The pose of the person whose true box overlaps each box most.

        Boxes that overlap nobody by an IoU of 0.3 get joints anywhere in them with low scores.

        Raises:
            IndexError: the rally has no such frame.
        """
        return [self._of_frame(f.index, b) for f, b in zip(frames, boxes, strict=True)]

    def _of_frame(self, index: int, boxes: Floats) -> Poses:
        truth, keypoints, scores = self._people(index)
        points = np.zeros((len(boxes), len(self.skeleton.names), 2), np.float32)
        trust = np.zeros(points.shape[:2], np.float32)
        overlaps = box_iou(boxes, truth.boxes)
        for row, box in enumerate(boxes):
            person = int(overlaps[row].argmax()) if len(truth.ids) else -1
            if person < 0 or overlaps[row, person] < _POOR_IOU:
                rng = np.random.default_rng((self._seed, _POSE, index, row))
                points[row] = rng.uniform(box[:2], box[2:], points.shape[1:])
                trust[row] = rng.uniform(0.02, 0.2, points.shape[1])
                continue
            points[row], inside = _within_crop(keypoints[person], box)
            trust[row] = np.where(inside, scores[person], 0.3 * scores[person])
        return Poses(points, trust)

    def _estimate_people(self, index: int) -> tuple[Truth, _Array, _Array]:
        """The truth of a frame, and the joints and scores that this model gives its people."""
        truth, errors = self._rally.truth(index), self._errors
        rng = np.random.default_rng((self._seed, _POSE, index))
        normal = rng.standard_normal((self._rally.n_people, truth.visible.shape[1], 3))
        chance = rng.random(normal.shape[:2])
        normal, chance = normal[truth.ids - 1], chance[truth.ids - 1]
        size = (truth.boxes[:, 2:] - truth.boxes[:, :2]).max(axis=1)[:, None]
        sigma = np.where(truth.visible, errors.jitter, errors.hidden_jitter) * size
        keypoints = truth.keypoints + sigma[..., None] * normal[..., :2]
        scores = np.where(truth.visible, errors.score, errors.hidden_score)
        scores = scores / (1 + self._speed(index, truth) / errors.blur_speed)
        scores = np.clip(scores + errors.score_spread * normal[..., 2], 0.01, 0.99)
        overlaps = box_iou(truth.boxes, truth.boxes)
        np.fill_diagonal(overlaps, 0)
        for row in range(len(truth.ids)):
            other = int(overlaps[row].argmax())
            limit = errors.swapped * min(1.0, overlaps[row, other] / 0.5)
            swapped = ~truth.visible[row] & truth.visible[other] & (chance[row] < limit)
            shift = keypoints[row, swapped] - truth.keypoints[row, swapped]
            keypoints[row, swapped] = truth.keypoints[other, swapped] + 0.2 * shift
            scores[row, swapped] = 0.75 * errors.score
        return truth, keypoints, scores

    def _speed(self, index: int, truth: Truth) -> _Array:
        """Speed [n, 17] of joints in the picture in box sides per second."""
        near = index - 1 if index else min(1, self._rally.n_frames - 1)
        before = self._rally.truth(near)
        speed = np.zeros(truth.visible.shape)
        for row, person in enumerate(truth.ids):
            match = np.flatnonzero(before.ids == person)
            if len(match):
                way = truth.keypoints[row] - before.keypoints[match[0]]
                side = float((truth.boxes[row, 2:] - truth.boxes[row, :2]).max())
                speed[row] = np.hypot(*way.T) * float(self._rally.config.fps) / side
        return speed


def _within_crop(points: _Array, box: Floats) -> tuple[_Array, NDArray[np.bool_]]:
    """Points held within the crop of a box, and which of them lay inside."""
    middle, half = (box[:2] + box[2:]) / 2, 0.5 * BOX_PADDING * (box[2:] - box[:2])
    half = np.maximum(half, half[::-1] * np.array(_CROP_ASPECT))
    held = np.clip(points, middle - half, middle + half)
    return held, (held == points).all(axis=-1)
