"""Lines of the overlay: limbs and joints in batches, boxes solid and dashed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.output.id_colours import Colour
from hpe_volleyball.records import Floats, Image
from hpe_volleyball.skeleton import Side, Skeleton

SIDE_COLOURS: dict[Side, Colour] = {
    "left": (255, 160, 40),
    "right": (0, 170, 255),
    "middle": (235, 235, 235),
}
"""Azure, amber and near white: azure and amber also stay apart for colour-blind eyes."""

SHIFT = 4
"""Limbs and joints are drawn at 1/16 px."""


def _dashed_unit_box() -> NDArray[np.float64]:
    """float64 [n, 2, 2]: the dashes of a box from (0, 0) to (1, 1), a dash at each corner.

    Their number is fixed: dashes of a fixed length would run along the sides as a box grows.
    """
    sides = []
    for axis, dashes in ((0, 4), (1, 8)):
        parts = 2 * dashes - 1
        along = np.arange(2 * dashes).reshape(dashes, 2) / parts
        for across in (0.0, 1.0):
            side = np.full((dashes, 2, 2), across)
            side[..., axis] = along
            sides.append(side)
    return np.concatenate(sides)


SOLID_BOX = np.array([[[0, 0], [1, 0]], [[1, 0], [1, 1]], [[1, 1], [0, 1]], [[0, 1], [0, 0]]])
DASHED_BOX = _dashed_unit_box()


@dataclass(frozen=True, slots=True)
class Strokes:
    """Limbs or joints that share a colour and a width."""

    ends: NDArray[np.intp]
    """The two keypoints of each limb, or the one of each joint."""
    colour: Colour
    width: int
    fine: bool
    """Of a hand or the face: drawn without a dark outline."""
    line: int
    """OpenCV's line type."""


def _is_fine(name: str) -> bool:
    """Hands and face lie too close together for lines of the usual width."""
    return name.startswith("face_") or "_hand_" in name


def strokes_of(skeleton: Skeleton, limb_width: int) -> list[Strokes]:
    """Limbs, then joints, grouped by side and fineness into one batch each."""
    joints = tuple((k,) for k in range(len(skeleton.names)))
    groups = []
    for (edges, factor), fine, side in product(
        ((skeleton.edges, 1), (joints, 2)), (False, True), SIDE_COLOURS
    ):
        ends = [
            edge
            for edge in edges
            if skeleton.edge_side(edge) == side
            and any(_is_fine(skeleton.names[end]) for end in edge) == fine
        ]
        if ends:
            width = factor * (max(1, limb_width // 2) if fine else limb_width)
            # Smoothing 68 small dots per face costs more than it shows.
            line = cv2.LINE_8 if fine and edges is joints else cv2.LINE_AA
            groups.append(Strokes(np.array(ends), SIDE_COLOURS[side], width, fine, line))
    return groups


def box_lines(boxes: Floats, unit: NDArray[np.float64]) -> NDArray[np.int32]:
    """int32 [n, m, 2, 2]: the m lines of the unit box, for boxes [n, 2, 2] of two corners."""
    corner, size = boxes[:, :1], boxes[:, 1:] - boxes[:, :1]
    lines: NDArray[np.int32] = np.rint(corner[:, None] + unit * size[:, None]).astype(np.int32)
    return lines


def beside(lines: NDArray[np.int32], offsets: NDArray[np.intp]) -> NDArray[np.int32]:
    """Lines [n, 2, 2], given in 1/16 px, moved by `offsets` px to both sides."""
    x, y = (lines[:, 1] - lines[:, 0]).T
    across = np.stack([-y, x], axis=1) / np.maximum(np.hypot(x, y), 1)[:, None]
    moves = np.concatenate([offsets, -offsets])[:, None, None] * 2**SHIFT * across
    moved: NDArray[np.int32] = np.rint(lines + moves[:, :, None]).astype(np.int32)
    return moved.reshape(-1, 2, 2)


def draw_lines(
    canvas: Image, lines: NDArray[np.int32], colour: Colour, width: int, line: int
) -> None:
    """Draw lines [n, 2, 2] or dots [n, 1, 2], given in 1/16 px, in one call."""
    if len(lines):
        # A dot is a closed line: as an open one its round end would be drawn twice.
        closed = lines.shape[1] == 1
        cv2.polylines(canvas, list(lines), closed, colour, width, line, SHIFT)
