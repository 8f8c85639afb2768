"""How a file asks for its pictures to be mirrored and turned before they are shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from hpe_volleyball.records import Image

_MATRIX = Type.DISPLAYMATRIX
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


@dataclass(frozen=True, slots=True)
class Orientation:
    """First left and right change places if so asked, then the picture is turned."""

    rotation: int = 0
    """Counter-clockwise turn: 0, 90, 180 or 270 degrees."""
    mirrored: bool = False

    @property
    def swaps_sides(self) -> bool:
        """Whether the stored width is the height that is seen."""
        return self.rotation % 180 == 90

    @property
    def changes(self) -> bool:
        """Whether the pictures are not shown as they are stored."""
        return self.mirrored or self.rotation != 0

    def apply(self, stored: Image, out: Image) -> None:
        """Write the picture as it is to be seen, uint8 [H, W, 3], into `out`."""
        turn = _TURNS.get(self.rotation)
        if turn is None:
            cv2.flip(stored, 1, dst=out)
            return
        cv2.rotate(cv2.flip(stored, 1) if self.mirrored else stored, turn, dst=out)


UPRIGHT = Orientation()


def orientation_of(picture: VideoFrame) -> Orientation:
    """What the display matrix of a decoded picture asks for, to the nearest right angle.

    The matrix of ISO/IEC 14496-12 (tkhd) maps a stored point (p, q) to x = ap + cq, y = bp + dq,
    y downwards; FFmpeg keeps a, b, u, c, d, v, x, y, w as int32.
    """
    kinds: Any = picture.side_data  # a mapping, which PyAV 18 has a narrower type for
    matrix = kinds.get(_MATRIX)
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    mirrored = a * d - b * c < 0
    if mirrored:  # what is left for the turn: the matrix without the change of p to -p before it
        a, b = -a, -b
    return Orientation(round(-math.degrees(math.atan2(b, a)) / 90) * 90 % 360, mirrored)
