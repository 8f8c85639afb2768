"""The candidates of track_candidates.py, and how much code each of them is."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import bytetrack
import candidates_flow as flow
import numpy as np
from bytetrack import ByteTrack
from candidates_association import InjectedByteTrack, TwoStage, assign
from candidates_carrying import Carrier, Person, look_at, move, part_collapsed, pose_steps
from candidates_flow import View
from candidates_tracking import CarryingTracker, FrozenByteTrack
from runs import START_SCORE

import hpe_volleyball.tracking
from hpe_volleyball.pipeline import PoseEstimator, Tracker
from hpe_volleyball.records import Floats, Frame, Poses
from hpe_volleyball.skeleton import Skeleton
from hpe_volleyball.tracking.tracker import PlayerTracker

INTERVALS = (4, 8)
Part = ModuleType | Path | Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to track over skipped frames."""

    name: str
    make: Callable[[float, int, Callable[[Frame], View]], Tracker]
    """A tracker for frames of this rate, with this interval, whose pictures are reduced so."""
    parts: Sequence[Part]
    """Its code, as far as it is not a library's."""
    poses: bool = False
    """It tracks by poses; the others get none."""
    intervals: tuple[int, ...] = INTERVALS

    def code_lines(self) -> int:
        """Lines of code of all parts."""
        return sum(map(code_lines, self.parts))


def code_lines(part: Part) -> int:
    """Lines of a module, file, class or function, without docstrings, comments and blank lines."""
    source = part.read_text("utf-8") if isinstance(part, Path) else inspect.getsource(part)
    tree = ast.parse(dedent(source))
    said: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(dedent(source).splitlines(), 1)
    return sum(
        number not in said and bool(line.strip()) and not line.lstrip().startswith("#")
        for number, line in lines
    )


class NoPoses:
    """A pose model that finds nothing, for trackers that do not look at poses."""

    def __init__(self, poser: PoseEstimator) -> None:
        self._poser = poser

    @property
    def skeleton(self) -> Skeleton:
        """That of the real one."""
        return self._poser.skeleton

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:  # noqa: ARG002
        """Keypoints with score 0."""
        joints = len(self.skeleton.names)
        blank = [np.zeros((len(here), joints, 3), np.float32) for here in boxes]
        return [Poses(points[..., :2], points[..., 2]) for points in blank]


_COMMON = (CarryingTracker, Carrier, Person, move, part_collapsed)
_OWN = (TwoStage, assign)
_FLOW = (flow.motion, flow.follow_points, flow.lucas_kanade, flow.reduced)
_BODIES = (flow.body_points, flow.body_step)
_POSES = (pose_steps, look_at)


def _own(
    name: str, *, keypoints: bool = False, inside: bool = False, camera: bool = False
) -> Candidate:
    """Own association on boxes carried by what is named."""
    return Candidate(
        f"own association, {name}",
        partial(_carrying, keypoints=keypoints, inside=inside, camera=camera, inject=False),
        (
            *_COMMON,
            *_OWN,
            *(_POSES if keypoints else ()),
            *(_FLOW if inside or camera else ()),
            *(_BODIES if inside else ()),
            *((flow.background_points,) if camera else ()),
        ),
        poses=keypoints,
    )


def _carrying(
    rate: float,
    interval: int,
    view: Callable[[Frame], View],
    *,
    keypoints: bool,
    inside: bool,
    camera: bool,
    inject: bool,
) -> Tracker:
    return CarryingTracker(
        det_interval=interval,
        carrier=Carrier(keypoints=keypoints, flow=inside, camera=camera, view=view),
        association=InjectedByteTrack(rate) if inject else TwoStage(),
    )


def _shipped(rate: float, interval: int, _: Callable[[Frame], View]) -> Tracker:
    return PlayerTracker(rate=rate, det_interval=interval, start_score=START_SCORE)


def _straight(rate: float, interval: int, _: Callable[[Frame], View]) -> Tracker:
    return ByteTrack(rate=rate, det_interval=interval)


def _frozen(rate: float, interval: int, _: Callable[[Frame], View]) -> Tracker:
    return FrozenByteTrack(rate=rate, det_interval=interval)


_INJECTED = (*_COMMON, InjectedByteTrack, *_POSES)
_SHIPPED = tuple(
    path
    for path in sorted(Path(hpe_volleyball.tracking.__path__[0]).glob("*.py"))
    # IoU and OKS serve all candidates.
    if path.stem != "similarity"
)
REFERENCES = (
    Candidate("shipped tracker, every frame", _shipped, _SHIPPED, poses=True, intervals=(1,)),
    Candidate("ByteTrack, every frame", _straight, (bytetrack,), intervals=(1,)),
)
"""What sees the detections of every frame."""
CANDIDATES = (
    Candidate("ByteTrack, boxes frozen", _frozen, (FrozenByteTrack, bytetrack)),
    Candidate("ByteTrack, straight lines", _straight, (bytetrack,)),
    Candidate(
        "ByteTrack stepped by hand, keypoints",
        partial(_carrying, keypoints=True, inside=False, camera=False, inject=True),
        _INJECTED,
        poses=True,
    ),
    _own("velocity"),
    _own("velocity and camera", camera=True),
    _own("flow", inside=True),
    _own("flow and camera", inside=True, camera=True),
    _own("keypoints", keypoints=True),
    _own("keypoints and camera", keypoints=True, camera=True),
    _own("keypoints, else flow", keypoints=True, inside=True),
    _own("keypoints, else flow, and camera", keypoints=True, inside=True, camera=True),
    Candidate("shipped tracker", _shipped, _SHIPPED, poses=True),
)
"""What has to do with less; the last one is what the program does."""
