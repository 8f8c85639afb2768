"""Postures and places of all players at any moment of a rally."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.synthetic import figure
from hpe_volleyball.synthetic.figure import posture
from hpe_volleyball.synthetic.play import GRAVITY, Action, Course, Player

Points = NDArray[np.float64]

_STAND: Final = posture(lean=5, hip=8, knee=14, arm=8, out=10, elbow=18, fore=4, spread=5)
_READY: Final = posture(lean=32, hip=52, knee=74, arm=38, out=20, elbow=52, fore=-4, spread=13)
_LOAD: Final = posture(lean=38, hip=62, knee=88, arm=-45, out=14, elbow=12, fore=8, spread=8)
_BLOCK_LOAD: Final = posture(lean=18, hip=50, knee=84, arm=60, out=16, elbow=110, spread=8)
_REACH: Final = posture(
    lean=4,
    hip=2,
    knee=4,
    arm=168,
    out=9,
    elbow=8,
    fore=4,
    plantar=45,
    spread=5,
    nod=-14,
)
_TAKEOFF: Final = posture(
    lean=-4,
    hip=4,
    knee=8,
    arm=150,
    out=12,
    elbow=20,
    plantar=40,
    spread=6,
    nod=-16,
)
_COCK: Final = posture(
    lean=-14,
    twist=-38,
    hip=-14,
    knee=62,
    arm_l=128,
    arm_r=105,
    out_l=10,
    out_r=52,
    elbow_l=10,
    elbow_r=105,
    fore_r=14,
    plantar=40,
    spread=9,
    nod=-18,
)
_HIT: Final = posture(
    lean=10,
    twist=22,
    hip=14,
    knee=30,
    arm_l=35,
    arm_r=165,
    out=8,
    elbow_l=60,
    elbow_r=6,
    plantar=40,
    spread=8,
    nod=-8,
)
_FOLLOW: Final = posture(
    lean=26,
    twist=40,
    hip=24,
    knee=22,
    arm_l=-5,
    arm_r=48,
    out_l=18,
    out_r=-8,
    elbow_l=50,
    elbow_r=14,
    fore_r=-14,
    plantar=30,
    spread=9,
)
_LANDING: Final = posture(
    lean=14,
    hip=22,
    knee=26,
    arm=55,
    out=22,
    elbow=45,
    plantar=22,
    spread=10,
)
_SET: Final = posture(
    lean=2,
    hip=12,
    knee=20,
    arm=128,
    out=24,
    elbow=58,
    fore=2,
    spread=8,
    nod=-26,
)
_PUSH: Final = posture(lean=0, hip=3, knee=5, arm=158, out=12, elbow=14, spread=7, nod=-26)
_PASS: Final = posture(lean=40, hip=66, knee=92, arm=52, out=2, elbow=4, fore=-9, spread=15)
_LIFT: Final = posture(lean=26, hip=42, knee=58, arm=74, out=2, elbow=3, fore=-9, spread=14)
_LUNGE: Final = posture(
    pitch=38,
    lean=16,
    hip_l=95,
    hip_r=25,
    knee_l=105,
    knee_r=40,
    arm=105,
    out=16,
    elbow=14,
    spread=10,
    nod=-25,
)
_FLAT: Final = posture(
    pitch=84,
    lean=-4,
    hip_l=4,
    hip_r=-6,
    knee_l=14,
    knee_r=30,
    arm_l=158,
    arm_r=172,
    out=16,
    elbow_l=30,
    elbow_r=8,
    plantar=50,
    spread=10,
    nod=-52,
)
_KNEEL: Final = posture(
    pitch=40,
    lean=8,
    hip_l=92,
    hip_r=40,
    knee_l=112,
    knee_r=96,
    arm=60,
    out=18,
    elbow=20,
    plantar=20,
    spread=10,
    nod=-20,
)

_GROUND_CLIPS: Final[dict[str, tuple[tuple[float, Points], ...]]] = {
    "receive": ((-0.45, _READY), (-0.12, _PASS), (0.0, _PASS), (0.18, _LIFT), (0.5, _READY)),
    "dig": ((-0.45, _READY), (-0.12, _PASS), (0.0, _PASS), (0.18, _LIFT), (0.5, _READY)),
    "set": ((-0.5, _STAND), (-0.15, _SET), (0.0, _SET), (0.14, _PUSH), (0.3, _PUSH), (0.6, _STAND)),
    "dive": (
        *((-0.55, _READY), (-0.28, _LUNGE), (0.0, _FLAT), (0.55, _FLAT)),
        *((0.95, _KNEEL), (1.25, _KNEEL), (1.75, _READY)),
    ),
}
"""Postures of an action at seconds from its moment."""

_STRIDE: Final = 1.55
"""Metres per running cycle (two steps) of a body of `figure.TALL`, scaled by speed below."""

_EASE_S: Final = 0.22
"""Seconds in which an action takes over from running, and gives way to it."""


def _clip(action: Action) -> tuple[tuple[float, Points], ...]:
    """Postures of an action at seconds from its moment; jumps stretch with their height."""
    half = action.flight_s
    if action.kind == "block":
        return (
            *((-half - 0.5, _READY), (-half - 0.2, _BLOCK_LOAD), (-half, _REACH), (half, _REACH)),
            *((half + 0.2, _READY), (half + 0.6, _STAND)),
        )
    if action.kind in ("spike", "serve"):
        return (
            *((-half - 0.55, _STAND), (-half - 0.2, _LOAD), (-half, _TAKEOFF), (-0.13, _COCK)),
            *((0.0, _HIT), (0.15, _FOLLOW), (half, _LANDING), (half + 0.22, _READY)),
            (half + 0.7, _STAND),
        )
    return _GROUND_CLIPS[action.kind]


def _smooth(u: float) -> float:
    u = min(max(u, 0.0), 1.0)
    return u * u * (3 - 2 * u)


def _pose_in(clip: tuple[tuple[float, Points], ...], since_s: float) -> Points:
    """The posture at a time in a clip, eased between its postures."""
    for (start, first), (end, second) in pairwise(clip):
        if since_s <= end:
            return first + _smooth((since_s - start) / (end - start)) * (second - first)
    return clip[-1][1]


def _locomotion(player: Player, speed: float, walked: float, time_s: float) -> Points:
    """Standing ready, walking or running, by speed."""
    effort = min(speed / 3.5, 1.0)
    stride = _STRIDE * (0.55 + 0.45 * effort) * player.height / figure.TALL
    phase = 2 * np.pi * (walked / stride + player.offset)
    swing, lift = np.sin(phase), np.cos(phase)
    reach = 18 + 26 * effort
    run = posture(
        lean=6 + 10 * effort,
        twist=10 * swing,
        spread=3,
        elbow=40 + 45 * effort,
        hip_l=12 + reach * swing,
        hip_r=12 - reach * swing,
        knee_l=18 + (28 + 45 * effort) * max(0.0, lift) ** 1.5,
        knee_r=18 + (28 + 45 * effort) * max(0.0, -lift) ** 1.5,
        arm_l=5 - 1.05 * reach * swing,
        arm_r=5 + 1.05 * reach * swing,
        out=10,
        fore=-6,
        plantar=8 * effort,
    )
    breath = np.sin(2 * np.pi * 0.8 * (time_s + player.offset))
    rest = _STAND + (0.55 + 0.12 * breath) * (_READY - _STAND)
    blended: Points = rest + _smooth(speed / 1.2) * (run - rest)
    return blended


def _angles(player: Player, time_s: float) -> Points:
    """Angles [len(ANGLES)] of a player, without regard to the floor."""
    _, velocity, walked = player.place(time_s)
    angles = _locomotion(player, float(np.hypot(*velocity)), walked, time_s)
    for action in player.actions:
        clip, since = _clip(action), time_s - action.time_s
        if clip[0][0] - _EASE_S < since < clip[-1][0] + _EASE_S:
            rise = _smooth((since - clip[0][0] + _EASE_S) / (2 * _EASE_S))
            fall = _smooth((clip[-1][0] + _EASE_S - since) / (2 * _EASE_S))
            angles = angles + rise * fall * (_pose_in(clip, since) - angles)
    return angles


def _flight(player: Player, time_s: float) -> Action | None:
    """The jump in whose air time this moment lies."""
    for action in player.actions:
        if action.height and abs(time_s - action.time_s) < action.flight_s:
            return action
    return None


class Motion:
    """Joints of all players as a function of time."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.heights = np.array([player.height for player in course.players])

    def pelvis_rise(self, time_s: float) -> Points:
        """Height [n] of each pelvis in metres; a parabola of 9.81 m/s^2 while in the air."""
        players = self.course.players
        rises = figure.ground_height(
            np.stack([_angles(player, time_s) for player in players]), self.heights
        )
        for row, player in enumerate(players):
            jump = _flight(player, time_s)
            if jump is None:
                continue
            ends = (jump.time_s - jump.flight_s, jump.time_s + jump.flight_s)
            at_ends = np.stack([_angles(player, end) for end in ends])
            first, last = figure.ground_height(at_ends, np.full(2, player.height))
            share = (time_s - ends[0]) / (ends[1] - ends[0])
            arc = jump.height - 0.5 * GRAVITY * (time_s - jump.time_s) ** 2
            rises[row] = first + share * (last - first) + arc
        return rises

    def joints(self, time_s: float) -> Points:
        """float64 [players, len(figure.JOINT), 3] in world metres."""
        players = self.course.players
        angles = np.stack([_angles(player, time_s) for player in players])
        roots = np.zeros((len(players), 3))
        yaw = np.zeros(len(players))
        ball = self.course.ball(time_s)[:2]
        for row, player in enumerate(players):
            place, velocity, _ = player.place(time_s)
            idle = 2 * np.pi * (0.45 * time_s + player.offset)
            roots[row, :2] = place + 0.03 * np.array([np.sin(idle), np.cos(1.3 * idle)])
            net = np.array([0.0, -3.5 if player.far else 3.5])
            heading = net + 0.55 * (ball - place) + 1.3 * velocity
            yaw[row] = np.arctan2(heading[1], heading[0])
        roots[:, 2] = self.pelvis_rise(time_s)
        return figure.joints(angles, self.heights, yaw, roots)
