"""Keypoint names, limbs and body sides of the skeletons that the pose models know (data)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right", "middle"]

COCO_NAMES = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""The 17 keypoints of COCO, in its order."""

BODY = slice(len(COCO_NAMES))
"""Those of COCO among the keypoints of any skeleton here: all begin with them."""

COCO_SIGMAS = (
    *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072),
    *(0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)
"""Spread of annotators per keypoint, relative to the square root of the person's area
(cocodataset.org, keypoint evaluation; the constants of pycocotools)."""

_BODY_EDGES = (
    *((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6)),
    *((5, 7), (6, 8), (7, 9), (8, 10), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6)),
)

_HALPE26_NAMES = (
    *COCO_NAMES,
    *("head", "neck", "hip"),
    *("left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe"),
    *("left_heel", "right_heel"),
)

_HALPE26_EDGES = (
    *((15, 13), (13, 11), (11, 19), (16, 14), (14, 12), (12, 19), (17, 18), (18, 19)),
    *((18, 5), (5, 7), (7, 9), (18, 6), (6, 8), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4)),
    *((15, 20), (15, 22), (15, 24), (16, 21), (16, 23), (16, 25)),
)

_WHOLEBODY_NAMES = (
    *COCO_NAMES,
    *("left_big_toe", "left_small_toe", "left_heel"),
    *("right_big_toe", "right_small_toe", "right_heel"),
    *(f"face_{i}" for i in range(68)),
    *(f"left_hand_{i}" for i in range(21)),
    *(f"right_hand_{i}" for i in range(21)),
)


def _finger_edges(root: int) -> tuple[tuple[int, int], ...]:
    """Five chains of four bones from the wrist point `root` of a hand."""
    starts = range(root + 1, root + 21, 4)
    return tuple(
        (a, b)
        for first in starts
        for a, b in ((root, first), *((i, i + 1) for i in range(first, first + 3)))
    )


_WHOLEBODY_EDGES = (
    *_BODY_EDGES,
    *((15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22)),
    *_finger_edges(91),
    *_finger_edges(112),
)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Names of the keypoints of a pose model, and the limbs between them."""

    name: str
    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    def side(self, keypoint: int) -> Side:
        """The side of the body on which a keypoint lies."""
        name = self.names[keypoint]
        if name.startswith("left_"):
            return "left"
        return "right" if name.startswith("right_") else "middle"

    def edge_side(self, edge: tuple[int, ...]) -> Side:
        """The side of a limb: that of its ends, "middle" where they disagree."""
        sides = {self.side(end) for end in edge} - {"middle"}
        return sides.pop() if len(sides) == 1 else "middle"


COCO17 = Skeleton("coco17", COCO_NAMES, _BODY_EDGES)
HALPE26 = Skeleton("halpe26", _HALPE26_NAMES, _HALPE26_EDGES)
WHOLEBODY133 = Skeleton("wholebody133", _WHOLEBODY_NAMES, _WHOLEBODY_EDGES)

BY_COUNT = {len(s.names): s for s in (COCO17, HALPE26, WHOLEBODY133)}
"""The skeleton of a pose model with this many keypoints."""
