"""Where people are: as they were found, and as they moved on where no pose tells it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.skeleton import BODY

Array = NDArray[np.float64]

MIN_SCORE = 0.4
"""Joints below this score are no evidence."""

_VELOCITY_FADE_S = 0.2
"""Somebody who is not seen slows down: after this time 0.37 of the velocity is left."""
_LOST_S = 0.25
"""Without evidence for this long a person is lost. On the synthetic rallies hardly anybody's pose
is found where they are thought to be then, and at N = 1 and 4 nobody's whose id that would save."""
_EDGES = np.array([0, 1, 0, 1])
"""Which of x and y each edge of a box is."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A box and its pose from which to carry on: a detection, or the carried place it confirmed."""

    box: Array
    """float64 [4], x1 y1 x2 y2, px."""
    keypoints: Array
    """float64 [K, 2], px."""
    scores: Array
    """float64 [K]."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person is in one frame."""

    box: Array
    """float64 [4], x1 y1 x2 y2, px."""
    velocity: Array
    """float64 [2], px per second."""
    keypoints: Array
    """float64 [K, 2], px, the pose as it was found."""
    scores: Array
    """float64 [K], of the pose."""
    joints: Array
    """float64 [K, 2], px: the pose, joints that jumped to somebody else left where they belong."""
    blind_s: float
    """For how long there has been no evidence, since a pose was first looked for in vain; 0: the
    last one is theirs."""
    unlooked_s: float = 0.0
    """Time since a pose was looked for; 0: in this frame."""

    @property
    def seen(self) -> bool:
        """The pose was found in this frame."""
        return not (self.blind_s or self.unlooked_s)

    @property
    def body_score(self) -> float:
        """Mean score of the body's joints."""
        return float(self.scores[BODY].mean())

    @property
    def lost(self) -> bool:
        """There is no point in looking for the pose any more; a detection may still be theirs."""
        return self.blind_s >= _LOST_S

    def box_after(self, step_s: float) -> Array:
        """Where the box will be after this time if nothing changes."""
        return np.asarray(self.box + step_s * self.velocity[_EDGES])

    def as_anchor(self) -> Anchor:
        """What a detection here would say."""
        return Anchor(self.box, self.keypoints, self.scores)


@dataclass(frozen=True, slots=True)
class Carried:
    """One person as carried to the frame of the candidates."""

    place: Place
    last: Anchor
    """That of the last keyframe at which the person was found."""
    undetected_s: float
    """Time since the last detection."""
    confirmed: bool


def expected_boxes(places: Sequence[Place], time_s: float) -> Array:
    """Where everybody is expected after this time, float64 [n, 4]."""
    boxes = np.array([place.box for place in places]).reshape(-1, 4)
    velocities = np.array([place.velocity for place in places]).reshape(-1, 2)
    return np.asarray(boxes + time_s * velocities[:, _EDGES])


def drift(place: Place, step_s: float) -> Place:
    """Move an unseen person to the next frame by velocity alone."""
    return Place(
        box=place.box_after(step_s),
        velocity=math.exp(-step_s / _VELOCITY_FADE_S) * place.velocity,
        keypoints=place.keypoints + step_s * place.velocity,
        scores=place.scores,
        joints=place.joints + step_s * place.velocity,
        blind_s=place.blind_s + step_s,
    )


def glide(place: Place, step_s: float) -> Place:
    """Move a person to the next frame, in which no pose is looked for."""
    if place.blind_s:
        return drift(place, step_s)
    return replace(
        place,
        box=place.box_after(step_s),
        keypoints=place.keypoints + step_s * place.velocity,
        joints=place.joints + step_s * place.velocity,
        unlooked_s=place.unlooked_s + step_s,
    )


def between_poses(start: Place, path: Sequence[Place]) -> list[Place]:
    """The path with places on straight lines wherever a pose was found on both sides.

    Args:
        start: In the frame before the path.
        path: Frame by frame, as carried.
    """
    straight = list(path)
    before, last = (start if start.seen else None), -1
    for k, place in enumerate(path):
        if place.seen:
            if before is not None:
                for i in range(last + 1, k):
                    straight[i] = _mixed(before, place, (i - last) / (k - last), path[i])
            before, last = place, k
        elif place.blind_s:
            before = None
    return straight


def _mixed(one: Place, other: Place, share: float, here: Place) -> Place:
    """A place `here` between two others, `share` of the way from one to the other."""
    return replace(
        here,
        box=one.box + share * (other.box - one.box),
        keypoints=one.keypoints + share * (other.keypoints - one.keypoints),
        scores=np.minimum(one.scores, other.scores),
    )


def clipped(places: Sequence[Place], width: int, height: int) -> list[Place]:
    """Places whose boxes end at the border of the picture, as those of detections do."""
    boxes = np.array([place.box for place in places]).reshape(-1, 4)
    inside = np.clip(boxes, 0.0, np.array([width, height])[_EDGES])
    beyond = (inside != boxes).any(axis=1).tolist()
    return [
        replace(place, box=box) if out else place
        for place, box, out in zip(places, inside, beyond, strict=True)
    ]


def surprise(before: Place, after: Place) -> float:
    """How much a pose changed a followed person's velocity, px per second."""
    return float(np.hypot(*(after.velocity - before.velocity)))


def detected_place(anchor: Anchor, before: Place | None) -> Place:
    """The place of a person who was just detected.

    Args:
        anchor: The detection.
        before: Where the person was carried to in this frame; None for a new person.
    """
    velocity = np.zeros(2) if before is None else before.velocity
    return Place(
        box=anchor.box,
        velocity=velocity,
        keypoints=anchor.keypoints,
        scores=anchor.scores,
        joints=anchor.keypoints,
        blind_s=0.0,
    )
