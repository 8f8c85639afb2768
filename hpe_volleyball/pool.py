"""Memory for pictures, used again: new memory of 6 MB takes longer than to fill it."""

from __future__ import annotations

import weakref
from math import prod

import numpy as np

from hpe_volleyball.records import Image

_MOST_FREE = 8
"""Pictures kept for later; more are given back to the system."""


class PicturePool:
    """Gives out pictures of one shape, whose memory comes back when nobody holds them any more.

    Args:
        shape: Of the pictures.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._free: list[bytearray] = []

    def take(self) -> Image:
        """A picture of any content."""
        try:
            block = self._free.pop()
        except IndexError:
            block = bytearray(prod(self._shape))
        # Of a block that is no array itself: views of the picture then hold the picture, not it.
        picture = np.ndarray(self._shape, np.uint8, buffer=block)
        weakref.finalize(picture, self._give_back, block).atexit = False
        return picture

    def _give_back(self, block: bytearray) -> None:
        if len(self._free) < _MOST_FREE:
            self._free.append(block)
