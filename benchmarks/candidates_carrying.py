"""Ways to carry boxes over skipped frames: velocity, flow, keypoints, camera motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from candidates_flow import Array, View, motion
from numpy.typing import NDArray

from hpe_volleyball.pipeline import PoseEstimator
from hpe_volleyball.records import Frame
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.skeleton import COCO_NAMES

_TORSO = [
    COCO_NAMES.index(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")
]
_MIN_SCORE, _MIN_JOINTS = 0.4, 5
_JUMP_SHARE, _JUMP_SHARE_PER_S = 0.05, 3.0
"""Evidence that is farther from the predicted place, in body lengths, belongs to somebody else."""
_GAIN, _FADE = 0.5, 0.9
"""How much of a new step goes into the velocity; what a frame without evidence leaves of it."""
_SAME_IOU = 0.7
"""Two people carried into boxes that overlap by this follow one person."""


@dataclass(slots=True, eq=False)
class Person:
    """Somebody who is carried."""

    id: int
    box: Array
    """float64 [4], x1 y1 x2 y2, px."""
    score: float
    found_s: float
    """Time of the last detection."""
    found_frame: int
    velocity: Array = field(default_factory=lambda: np.zeros(2))
    """Of the person against the background, px per frame."""
    seen: bool = True
    """The evidence has reached from the last detection up to here."""
    confirmed: bool = False
    """Has rows in the results."""
    pose: tuple[int, Array, Array] | None = None
    """The last pose looked at: number of its frame, keypoints [K, 2], scores [K]."""

    @property
    def length(self) -> float:
        """The longer side of the box, px."""
        return float((self.box[2:] - self.box[:2]).max())

    def found(self, box: Array, score: float, frame: Frame) -> None:
        """A detection shows this person in `frame`."""
        if not self.seen:
            # Nobody looked on the way: the velocity was off by what the box is off by now.
            miss = (box - self.box).reshape(2, 2).mean(axis=0)
            self.velocity = self.velocity + _GAIN * miss / (frame.index - self.found_frame)
        self.box, self.score, self.seen = box, score, True
        self.found_s, self.found_frame = frame.time_s, frame.index
        self.confirmed = True


class Carrier:
    """Moves people to the next frame by what it is told to look at, else by their velocity.

    Args:
        keypoints: Look at each person's own pose at the predicted place.
        flow: Look at optical flow inside the box; with keypoints, where these show nothing.
        camera: Take velocities against the background, whose motion optical flow measures.
        view: Reduces the picture of a frame for optical flow.
    """

    def __init__(
        self,
        *,
        keypoints: bool = False,
        flow: bool = False,
        camera: bool = False,
        view: Callable[[Frame], View],
    ) -> None:
        self._keypoints, self._flow, self._camera = keypoints, flow, camera
        self._view = view
        self._before: tuple[Frame, View] | None = None

    def carry(
        self, before: Frame, after: Frame, people: Sequence[Person], poser: PoseEstimator
    ) -> None:
        """Move everybody from one frame to the next."""
        steps, camera = self._watch(before, after, people)
        predicted = np.array([p.velocity for p in people]).reshape(-1, 2) + camera
        if self._keypoints:
            own = pose_steps(before, after, people, predicted, poser)
            steps = np.where(np.isnan(own), steps, own)
        limit = _JUMP_SHARE + _JUMP_SHARE_PER_S * (after.time_s - before.time_s)
        for person, step, guess in zip(people, steps, predicted, strict=True):
            if not np.hypot(*(step - guess)) < limit * person.length:
                step[:] = np.nan
        part_collapsed(people, steps, predicted)
        for person, step, guess in zip(people, steps, predicted, strict=True):
            move(person, step, guess, camera)

    def _watch(self, before: Frame, after: Frame, people: Sequence[Person]) -> tuple[Array, Array]:
        """Steps [n, 2] of the people and [2] of the camera, as optical flow shows them."""
        if not people or not (self._flow or self._camera):
            return np.full((len(people), 2), np.nan), np.zeros(2)
        known = self._before is not None and self._before[0] is before
        first = self._before[1] if known and self._before else self._view(before)
        second = self._view(after)
        self._before = after, second
        boxes = np.array([p.box for p in people]).reshape(-1, 4)
        return motion(first, second, boxes, people=self._flow, background=self._camera)


def pose_steps(
    before: Frame,
    after: Frame,
    people: Sequence[Person],
    predicted: Array,
    poser: PoseEstimator,
) -> Array:
    """How far each torso moved, float64 [n, 2], NaN where the poses do not show it."""
    new = [p for p in people if p.pose is None or p.pose[0] != before.index]
    look_at(before, new, np.array([p.box for p in new]).reshape(-1, 4), poser)
    old = [p.pose for p in people]
    boxes = np.array([p.box for p in people]).reshape(-1, 4) + np.tile(predicted, 2)
    look_at(after, people, boxes, poser)
    steps = np.full((len(people), 2), np.nan)
    for row, (person, past) in enumerate(zip(people, old, strict=True)):
        if past is None or person.pose is None:
            continue
        sure = (past[2] >= _MIN_SCORE) & (person.pose[2] >= _MIN_SCORE)
        if sure.sum() >= _MIN_JOINTS:
            moved = person.pose[1] - past[1]
            torso = [joint for joint in _TORSO if sure[joint]]
            steps[row] = np.median(moved[torso] if len(torso) > 1 else moved[sure], axis=0)
    return steps


def look_at(frame: Frame, people: Sequence[Person], boxes: Array, poser: PoseEstimator) -> None:
    """Estimate the poses of people in these boxes [n, 4] of a frame."""
    if people:
        [poses] = poser.estimate([frame], [boxes.astype(np.float32)])
        for person, points, scores in zip(people, poses.keypoints, poses.scores, strict=True):
            person.pose = frame.index, points.astype(np.float64), scores.astype(np.float64)


def part_collapsed(people: Sequence[Person], steps: Array, predicted: Array) -> None:
    """Of two people with evidence who land in one box, the more surprising one has none."""
    known: NDArray[np.bool_] = ~np.isnan(steps[:, 0])
    boxes = np.array([p.box for p in people]).reshape(-1, 4)
    landed = boxes + np.tile(np.where(known[:, None], steps, predicted), 2)
    same = (box_iou(landed, landed) > _SAME_IOU) & (box_iou(boxes, boxes) <= _SAME_IOU)
    surprise = np.hypot(*(steps - predicted).T)
    for a, b in np.argwhere(np.tril(same, -1)).tolist():
        if known[a] and known[b]:
            steps[a if surprise[a] > surprise[b] else b] = np.nan


def move(person: Person, step: Array, guess: Array, camera: Array) -> None:
    """Move a person by the evidence, or where `step` is NaN by the guess."""
    if np.isnan(step[0]):
        person.seen = False
        person.box = person.box + np.tile(guess, 2)
        person.velocity = _FADE * person.velocity
    else:
        person.box = person.box + np.tile(step, 2)
        person.velocity = person.velocity + _GAIN * (step - camera - person.velocity)
