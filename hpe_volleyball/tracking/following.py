"""Moves people to the next frame by the poses found there, all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.skeleton import COCO_NAMES
from hpe_volleyball.tracking.carrying import MIN_SCORE, Anchor, Array, Place

_TORSO = np.array(
    [
        COCO_NAMES.index(f"{side}_{part}")
        for part in ("shoulder", "hip")
        for side in ("left", "right")
    ]
)
_MIN_JOINTS = 5
"""Steady joints of a pose, below which it is no evidence."""
_MIN_OUTLINE_JOINTS = 8
"""Joints sure at the detection and steady now, below which they do not tell the box's edges."""
_LIMB_SHARE = 0.15
"""A joint that leaves the torso by more than this part of the body in one frame has jumped to
somebody else."""
_JUMP_SHARE, _JUMP_SHARE_PER_S = 0.05, 3.0
"""How far from its predicted place a torso can be, in body lengths: noise, and acceleration."""
_VELOCITY_S = 0.06
"""The velocity is that of about this time: single poses of people among others are unsure."""
_OUTLINE_CHANGE = 2.0
"""A box that grew or shrank by more than this since the detection does not fit its joints."""
_FAR = 1e9
"""Beyond all coordinates, px; unlike infinity it has a difference with itself."""


def follow(
    places: Sequence[Place],
    anchors: Sequence[Anchor],
    keypoints: Array,
    scores: Array,
    step_s: float,
) -> list[Place | None]:
    """Move n people to the next frame by the poses found there; None whose pose is no evidence.

    A box is that of the last detection, its edges moved as the outermost joints have moved
    since then (box edges lie outside the joints by about the same margin as before), or, with few
    joints, shifted with the torso.

    Args:
        places: In the frame before; behind frames whose poses were not looked for, where
            `glide` led.
        anchors: Each one's last detection.
        keypoints: float64 [n, K, 2], the pose found at each one's `place.box_after(step_s)`.
        scores: float64 [n, K].
        step_s: Time between the frames in seconds.
    """
    if not places:
        return []
    boxes = np.array([place.box for place in places])
    joints = np.array([place.joints for place in places])
    velocity = np.array([place.velocity for place in places])
    length = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    # How far each body has gone is told by its torso; joints that did not go along have jumped.
    sure = (np.array([place.scores for place in places]) >= MIN_SCORE) & (scores >= MIN_SCORE)
    shift = _torso_shifts(keypoints - joints, sure)
    ahead = joints + shift[:, None]
    leaves = np.abs(keypoints - ahead).max(axis=2)
    steady = sure & (leaves < _LIMB_SHARE * length[:, None])
    # A pose is evidence if the step differs from the expected one by no more than a body can do.
    gap_s = np.array([place.unlooked_s for place in places]) + step_s
    change = shift - step_s * velocity
    limit = (_JUMP_SHARE + _JUMP_SHARE_PER_S * gap_s) * length
    # Without a sure joint the shift is out of every limit.
    evident = (steady.sum(axis=1) >= _MIN_JOINTS) & (np.hypot(*change.T) <= limit)
    # The velocity takes on as much of the difference as the time since the last pose is worth.
    gain = (1 - np.exp(-gap_s / _VELOCITY_S)) / gap_s
    velocity += gain[:, None] * change
    boxes = _outlines(anchors, keypoints, steady, boxes + np.concatenate([shift, shift], axis=1))
    joints = np.where((sure & ~steady)[..., None], ahead, keypoints)
    return [
        Place(boxes[i], velocity[i], keypoints[i], scores[i], joints[i], blind_s=0.0)
        if ok
        else None
        for i, ok in enumerate(evident.tolist())
    ]


def _torso_shifts(steps: Array, sure: NDArray[np.bool_]) -> Array:
    """The median step of each torso, or where it is not seen of the whole body, float64 [n, 2].

    Args:
        steps: float64 [n, K, 2], of all joints.
        sure: bool [n, K], the joints that count; a body without any goes `_FAR`.
    """
    torso = sure[:, _TORSO]
    used = sure.copy()
    seen = torso.sum(axis=1) > 1
    used[seen] = False
    used[np.ix_(seen, _TORSO)] = torso[seen]
    ordered = np.sort(np.where(used[..., None], steps, _FAR), axis=1)
    count, rows = used.sum(axis=1), np.arange(len(steps))
    return np.asarray((ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / 2)


def _outlines(
    anchors: Sequence[Anchor], keypoints: Array, steady: NDArray[np.bool_], shifted: Array
) -> Array:
    """The anchors' boxes, their edges moved as the outermost joints moved, float64 [n, 4].

    Where too few joints tell, or the box would become another one, it is `shifted`.
    """
    boxes = np.array([anchor.box for anchor in anchors])
    then = np.array([anchor.keypoints for anchor in anchors])
    sure = np.array([anchor.scores for anchor in anchors]) >= MIN_SCORE
    joints = steady & sure
    off = np.where(joints[..., None], 0.0, _FAR)
    low = (keypoints + off).min(axis=1) - (then + off).min(axis=1)
    high = (keypoints - off).max(axis=1) - (then - off).max(axis=1)
    moved = boxes + np.concatenate([low, high], axis=1)
    change = (moved[:, 2:] - moved[:, :2]) / (boxes[:, 2:] - boxes[:, :2])
    fits = ((change >= 1 / _OUTLINE_CHANGE) & (change <= _OUTLINE_CHANGE)).all(axis=1)
    fits &= joints.sum(axis=1) >= _MIN_OUTLINE_JOINTS
    return np.where(fits[:, None], moved, shifted)
