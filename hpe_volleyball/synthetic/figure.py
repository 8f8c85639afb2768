"""An articulated person: joint angles to joints, limbs and marks in metres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

ANGLES: Final = (
    *("pitch", "lean", "twist", "nod", "spread", "plantar"),
    *("hip_l", "hip_r", "knee_l", "knee_r"),
    *("arm_l", "arm_r", "out_l", "out_r", "elbow_l", "elbow_r", "fore_l", "fore_r"),
)
"""Angles of a posture in degrees; all 0 is standing straight, arms hanging.

pitch turns the whole body forward, lean bends the trunk, twist turns the shoulders, nod lowers the
head, spread opens the legs, plantar points the toes; arm raises an upper arm forward, out moves it
sideways, fore moves a forearm sideways.
"""

_JOINTS = (
    *("hip_l", "hip_r", "knee_l", "knee_r", "ankle_l", "ankle_r", "heel_l", "heel_r"),
    *("toe_l", "toe_r", "neck", "shoulder_l", "shoulder_r", "elbow_l", "elbow_r"),
    *("wrist_l", "wrist_r", "hand_l", "hand_r", "chin", "crown", "face", "jaw"),
    *("nose", "eye_l", "eye_r", "ear_l", "ear_r"),
)
JOINT: Final = {name: index for index, name in enumerate(_JOINTS)}
"""Row of each joint in what `joints` returns."""

TALL: Final = 1.9
"""Metres: the body height for which all lengths and radii below hold."""

KEYPOINT_JOINTS: Final = tuple(
    JOINT[name]
    for name in (
        *("nose", "eye_l", "eye_r", "ear_l", "ear_r", "shoulder_l", "shoulder_r"),
        *("elbow_l", "elbow_r", "wrist_l", "wrist_r", "hip_l", "hip_r"),
        *("knee_l", "knee_r", "ankle_l", "ankle_r"),
    )
)
"""The joint of each COCO keypoint, in its order."""

MARK_RADII: Final = np.array(
    [
        *(0.031, *[0.030] * 2, *[0.031] * 2, *[0.048] * 2, *[0.045] * 2),
        *(*[0.041] * 2, *[0.048] * 2, *[0.050] * 2, *[0.045] * 2),
    ]
)
"""Metres: radius of each keypoint's mark."""

MARK_LIFT: Final = np.array(
    [
        *(0.03, *[0.02] * 2, *[0.015] * 2, *[0.09] * 2, *[0.08] * 2),
        *(*[0.07] * 2, *[0.11] * 2, *[0.10] * 2, *[0.12] * 2),
    ]
)
"""Metres by which a mark lies in front of its joint: it is worn on the skin."""


CAP: Final = 0.62
"""Shade of the cap, darker than all else that a person wears."""


@dataclass(frozen=True, slots=True)
class Limb:
    """A tapered capsule between two points on the lines between joints."""

    joints: tuple[str, str]
    span: tuple[float, float]
    """Where it starts and ends on the way from the first joint to the second, as shares."""
    radii: tuple[float, float]
    shade: float
    """Factor on the outfit colour; 0 is skin."""


def _side(side: str) -> tuple[Limb, ...]:
    """Limbs of one side of the body."""

    def along(
        a: str, b: str, *, span: tuple[float, float], r: tuple[float, float], s: float
    ) -> Limb:
        first, second = f"{a}_{side}", f"{b}_{side}"
        return Limb((first, second), span, r, s)

    return (
        along("hip", "knee", span=(0.45, 1.0), r=(0.083, 0.060), s=0.88),
        along("hip", "knee", span=(0.0, 0.6), r=(0.094, 0.092), s=0.90),
        along("knee", "ankle", span=(0.0, 0.35), r=(0.058, 0.061), s=0.98),
        along("knee", "ankle", span=(0.3, 1.0), r=(0.061, 0.043), s=0.98),
        along("heel", "toe", span=(0.0, 1.0), r=(0.046, 0.038), s=0.90),
        along("shoulder", "elbow", span=(0.45, 1.0), r=(0.052, 0.043), s=0.94),
        along("shoulder", "elbow", span=(0.0, 0.6), r=(0.066, 0.062), s=1.0),
        along("elbow", "wrist", span=(0.0, 1.0), r=(0.044, 0.034), s=0.92),
        along("wrist", "hand", span=(0.15, 1.0), r=(0.036, 0.040), s=1.04),
    )


LIMBS: Final = (
    Limb(("hip_l", "hip_r"), (0.05, 0.95), (0.10, 0.10), 0.90),
    Limb(("neck", "chin"), (-0.2, 1.0), (0.058, 0.055), 0.0),
    Limb(("chin", "crown"), (0.0, 1.0), (0.098, 0.108), CAP),
    Limb(("face", "jaw"), (0.0, 1.0), (0.086, 0.074), 0.0),
    *_side("l"),
    *_side("r"),
)
"""Everything but the chest."""

CHEST: Final = tuple(JOINT[n] for n in ("shoulder_l", "shoulder_r", "hip_l", "hip_r"))
CHEST_RADII: Final = np.array([0.075, 0.075, 0.10, 0.10])
"""The chest is the hull of these four spheres."""

_THIGH, _SHANK, _TRUNK, _UPPER, _FORE, _HAND = 0.465, 0.455, 0.56, 0.325, 0.29, 0.12


def posture(**degrees: float) -> Points:
    """float64 [len(ANGLES)] of one posture; "_l" and "_r" may be left out for both sides.

    Raises:
        ValueError: an angle of this name does not exist.
    """
    values = np.zeros(len(ANGLES))
    for name, value in degrees.items():
        rows = [i for i, angle in enumerate(ANGLES) if angle in (name, f"{name}_l", f"{name}_r")]
        if not rows:
            raise ValueError(f"posture: expected one of {', '.join(ANGLES)}, found {name}")
        values[rows] = value
    return values


def joints(angles: Points, heights: Points, yaw: Points, roots: Points) -> Points:
    """Joints of n people, float64 [n, len(JOINT), 3] in world metres.

    Args:
        angles: [n, len(ANGLES)], degrees.
        heights: [n], body heights in metres.
        yaw: [n], radians; 0 faces +x, positive turns to +y.
        roots: [n, 3], middle of the pelvis in world metres.
    """
    local = _local_joints(np.radians(angles)) * (heights / TALL)[:, None, None]
    sin, cos = np.sin(yaw)[:, None], np.cos(yaw)[:, None]
    turned = np.stack(
        (
            local[..., 0] * cos - local[..., 1] * sin,
            local[..., 0] * sin + local[..., 1] * cos,
            local[..., 2],
        ),
        axis=-1,
    )
    return turned + roots[:, None]


def ground_height(angles: Points, heights: Points) -> Points:
    """Pelvis height [n] in metres at which the lowest part of each body touches the floor."""
    local = _local_joints(np.radians(angles))
    lowest = (local[..., 2] - _CLEARANCE).min(axis=1)
    rise: Points = -lowest * heights / TALL
    return rise


_CLEARANCE = np.full(len(JOINT), 0.05)
_CLEARANCE[[JOINT[n] for n in ("hip_l", "hip_r", "chin", "crown")]] = 0.11
_CLEARANCE[[JOINT[n] for n in ("toe_l", "toe_r")]] = 0.04


def _swing(angle: Points, out: Points, side: float) -> Points:
    """Unit vectors [n, 3] from hanging down, swung forward by `angle` and sideways by `out`."""
    return np.stack(
        (np.sin(angle) * np.cos(out), side * np.sin(out), -np.cos(angle) * np.cos(out)), axis=-1
    )


def _local_joints(radians: Points) -> Points:
    """Joints [n, len(JOINT), 3] of a 1.9 m body, x forward, y left, z up, from the pelvis."""
    a = dict(zip(ANGLES, radians.T, strict=True))
    out = np.zeros((len(radians), len(JOINT), 3))

    def put(name: str, value: Points) -> Points:
        out[:, JOINT[name]] = value
        return value

    trunk = a["pitch"] + a["lean"]
    zero = np.zeros_like(trunk)
    up = np.stack((np.sin(trunk), zero, np.cos(trunk)), axis=-1)
    ahead = np.stack((np.cos(trunk), zero, -np.sin(trunk)), axis=-1)
    left = np.array([0.0, 1.0, 0.0])
    neck = put("neck", up * _TRUNK)
    across = np.cos(a["twist"])[:, None] * left - np.sin(a["twist"])[:, None] * ahead
    for side, sign in (("l", 1.0), ("r", -1.0)):
        hip = put(f"hip_{side}", np.broadcast_to(left * 0.105 * sign, neck.shape))
        thigh = a[f"hip_{side}"] - a["pitch"]
        knee = put(f"knee_{side}", hip + _THIGH * _swing(thigh, a["spread"], sign))
        shank = thigh - a[f"knee_{side}"]
        ankle = put(f"ankle_{side}", knee + _SHANK * _swing(shank, a["spread"] * 0.6, sign))
        tip = np.maximum(-shank - np.radians(38), 0) + a["plantar"]
        foot = np.stack((np.cos(tip), zero + 0.12 * sign, -np.sin(tip)), axis=-1)
        sole = np.stack((-np.sin(tip), zero, -np.cos(tip)), axis=-1)
        put(f"heel_{side}", ankle - 0.05 * foot + 0.045 * sole)
        put(f"toe_{side}", ankle + 0.165 * foot + 0.055 * sole)
        shoulder = put(f"shoulder_{side}", neck - 0.05 * up + across * 0.2 * sign)
        raised = a[f"arm_{side}"] - trunk
        elbow = put(f"elbow_{side}", shoulder + _UPPER * _swing(raised, a[f"out_{side}"], sign))
        bent = raised + a[f"elbow_{side}"]
        fore = _swing(bent, a[f"fore_{side}"], sign)
        wrist = put(f"wrist_{side}", elbow + _FORE * fore)
        put(f"hand_{side}", wrist + _HAND * fore)
    _put_head(put, neck, trunk * 0.35 + a["nod"])
    return out


def _put_head(put: Callable[[str, Points], Points], neck: Points, tilt: Points) -> None:
    """Joints of the head, which stays more upright than the trunk."""
    zero = np.zeros_like(tilt)
    up = np.stack((np.sin(tilt), zero, np.cos(tilt)), axis=-1)
    ahead = np.stack((np.cos(tilt), zero, -np.sin(tilt)), axis=-1)
    left = np.array([0.0, 1.0, 0.0])
    chin = neck + 0.13 * up + 0.02 * ahead
    for name, (forward, sideways, upward) in _HEAD.items():
        put(name, chin + forward * ahead + sideways * left + upward * up)


_HEAD = {
    "chin": (0.0, 0.0, 0.0),
    "crown": (0.0, 0.0, 0.095),
    "face": (0.045, 0.0, 0.05),
    "jaw": (0.045, 0.0, -0.02),
    "nose": (0.118, 0.0, 0.012),
    "eye_l": (0.092, 0.052, 0.072),
    "eye_r": (0.092, -0.052, 0.072),
    "ear_l": (0.0, 0.108, 0.035),
    "ear_r": (0.0, -0.108, 0.035),
}
"""Forward, left and up from the chin, metres."""
