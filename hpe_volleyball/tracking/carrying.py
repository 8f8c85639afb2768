"""Carries a person's box from frame to frame by the person's own pose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.skeleton import COCO_NAMES

Array = NDArray[np.float64]

MIN_SCORE = 0.4
"""Joints below this score are no evidence."""

_TORSO = np.array(
    [
        COCO_NAMES.index(f"{side}_{part}")
        for part in ("shoulder", "hip")
        for side in ("left", "right")
    ]
)
_MIN_JOINTS = 5
_MIN_OUTLINE_JOINTS = 8
_LIMB_SHARE = 0.15
"""A joint that leaves the torso by more than this part of the body in one frame has jumped to
somebody else."""
_JUMP_SHARE, _JUMP_SHARE_PER_S = 0.05, 3.0
"""How far from its predicted place a torso can be, in body lengths: noise, and acceleration."""
_VELOCITY_S = 0.06
"""The velocity is that of about this time: single poses of people among others are unsure."""
_VELOCITY_FADE_S = 0.2
"""Somebody who is not seen slows down: after this time 0.37 of the velocity is left."""
_LOST_S = 0.25
"""Without evidence for this long a person is lost. On the synthetic rallies hardly anybody's pose
is found where they are thought to be then, and at N = 1 and 4 nobody's whose id that would save."""
_OUTLINE_CHANGE = 2.0
"""A box that grew or shrank by more than this since the detection does not fit its joints."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a detection said: the box, and the pose found in it."""

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
    """For how long there has been no evidence; 0: the last pose that was looked for is theirs."""
    unlooked_s: float = 0.0
    """Time since a pose was looked for; 0: in this frame."""

    @property
    def seen(self) -> bool:
        """The pose was found in this frame."""
        return not (self.blind_s or self.unlooked_s)

    @property
    def lost(self) -> bool:
        """There is no point in looking for the pose any more; a detection may still be theirs."""
        return self.blind_s >= _LOST_S

    def box_after(self, step_s: float) -> Array:
        """Where the box will be after this time if nothing changes."""
        return self.box + np.tile(step_s * self.velocity, 2)

    def as_anchor(self) -> Anchor:
        """What a detection here would say."""
        return Anchor(self.box, self.keypoints, self.scores)


@dataclass(frozen=True, slots=True)
class Carried:
    """One person as carried to the frame of the candidates."""

    place: Place
    last: Anchor
    """The last detection."""
    unseen_s: float
    """Time since the last detection."""
    confirmed: bool


def expected_boxes(places: Sequence[Place], time_s: float) -> Array:
    """Where everybody is expected after this time, float64 [n, 4]."""
    boxes = np.array([place.box for place in places]).reshape(-1, 4)
    velocities = np.array([place.velocity for place in places]).reshape(-1, 2)
    return np.asarray(boxes + time_s * np.tile(velocities, 2))


def follow(
    place: Place, anchor: Anchor, keypoints: Array, scores: Array, step_s: float
) -> Place | None:
    """Move a person to the next frame by the pose found there; None if it is no evidence.

    The box is that of the last detection, its edges moved as the outermost joints have moved
    since then (box edges lie outside the joints by about the same margin as before), or, with few
    joints, shifted with the torso.

    Args:
        place: In the frame before; behind frames whose pose was not looked for, where
            `glide` led.
        anchor: The last detection.
        keypoints: float64 [K, 2], the pose found at `place.box_after(step_s)`.
        scores: float64 [K].
        step_s: Time between the frames in seconds.
    """
    length = float((place.box[2:] - place.box[:2]).max())
    sure = (place.scores >= MIN_SCORE) & (scores >= MIN_SCORE)
    if sure.sum() < _MIN_JOINTS:
        return None
    steps = keypoints - place.joints
    torso = _TORSO[sure[_TORSO]]
    shift = _median(steps[torso] if len(torso) > 1 else steps[sure])
    steady = sure & (np.abs(steps - shift).max(axis=1) < _LIMB_SHARE * length)
    ahead, gap_s = step_s * place.velocity, place.unlooked_s + step_s
    limit = (_JUMP_SHARE + _JUMP_SHARE_PER_S * gap_s) * length
    if steady.sum() < _MIN_JOINTS or np.hypot(*(shift - ahead)) > limit:
        return None
    box = _outline(anchor, keypoints, steady & (anchor.scores >= MIN_SCORE))
    return Place(
        box=place.box + np.tile(shift, 2) if box is None else box,
        velocity=place.velocity + _gain(gap_s) * (shift - ahead) / gap_s,
        keypoints=keypoints,
        scores=scores,
        joints=np.where((sure & ~steady)[:, None], place.joints + shift, keypoints),
        blind_s=0.0,
    )


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


def clipped(place: Place, width: int, height: int) -> Place:
    """A place whose box ends at the border of the picture, as those of detections do."""
    return replace(place, box=np.clip(place.box, 0, [width, height, width, height]))


def surprise(before: Place, after: Place) -> float:
    """How much a pose changed a followed person's velocity, px per second."""
    return float(np.hypot(*(after.velocity - before.velocity)))


def _median(vectors: Array) -> Array:
    """The median of each column of float64 [n, 2]; numpy's own takes five times as long for few."""
    ordered = np.sort(vectors, axis=0)
    half = len(ordered) // 2
    middle: Array = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return middle


def _gain(time_s: float) -> float:
    """How much of a change of velocity is taken over after this time."""
    return 1 - math.exp(-time_s / _VELOCITY_S)


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


def _outline(anchor: Anchor, keypoints: Array, joints: NDArray[Any]) -> Array | None:
    """The anchor's box, its edges moved as the outermost of these joints moved."""
    if joints.sum() < _MIN_OUTLINE_JOINTS:
        return None
    then, now = anchor.keypoints[joints], keypoints[joints]
    low, high = now.min(axis=0) - then.min(axis=0), now.max(axis=0) - then.max(axis=0)
    box: Array = anchor.box + np.concatenate([low, high])
    change = (box[2:] - box[:2]) / (anchor.box[2:] - anchor.box[:2])
    if (change < 1 / _OUTLINE_CHANGE).any() or (change > _OUTLINE_CHANGE).any():
        return None
    return box
