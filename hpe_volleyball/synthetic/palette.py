"""Colours of the synthetic rally, far enough apart to be told after H.264 and resizing.

Twelve outfit colours (one per player) and seventeen mark colours (one per COCO keypoint) were
chosen once by a random search which maximised the smallest distance, in the colour space of
`opponent`, between any two of them, the shaded outfits and the colours of skin and scenery.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]

OUTFITS: tuple[RGB, ...] = (
    *((66, 138, 228), (63, 57, 225), (0, 222, 48), (180, 48, 225), (0, 177, 177), (75, 207, 135)),
    *((231, 0, 93), (213, 51, 0), (222, 84, 123), (63, 177, 0), (156, 180, 0), (231, 147, 0)),
)
"""One colour per player: six cool hues for the near team, six warm ones for the far team."""

MARKS: tuple[RGB, ...] = (
    (0, 0, 255),
    *((0, 255, 255), (255, 0, 255)),
    *((45, 255, 0), (255, 243, 0)),
    *((255, 147, 243), (0, 255, 156)),
    *((111, 243, 255), (255, 231, 84)),
    *((159, 114, 255), (135, 255, 0)),
    *((183, 255, 111), (255, 48, 204)),
    *((111, 0, 255), (255, 138, 96)),
    *((0, 108, 255), (255, 0, 0)),
)
"""One colour per keypoint of COCO, in its order."""

SKIN: RGB = (205, 170, 140)
WOOD: RGB = (214, 180, 130)
BOUNDARY: RGB = (190, 160, 125)
SAND: RGB = (230, 205, 165)
SKY: RGB = (150, 175, 200)

SCENERY: tuple[RGB, ...] = (SKIN, WOOD, BOUNDARY, SAND, SKY)
"""Pale colours of everything that is neither an outfit nor a mark, besides plain grey."""

LUMA_WEIGHT = 0.6
"""Weight of brightness against chroma in `opponent`: shading moves brightness most."""

_YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float64
)

OPPONENT_FROM_RGB: NDArray[np.float64] = _YCBCR * np.array([[LUMA_WEIGHT], [1.0], [1.0]])
"""float64 [3, 3]: RGB (0..255) to weighted luma, Cb, Cr (ITU-T T.871, section 7)."""


def opponent(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """RGB 0..255 [..., 3] to the space in which distances between colours are taken."""
    return np.asarray(rgb, np.float64) @ OPPONENT_FROM_RGB.T


def shaded(rgb: RGB, factor: float) -> tuple[float, float, float]:
    """A colour made darker (factor < 1) or lighter, as BGR for OpenCV."""
    red, green, blue = (min(255.0, channel * factor) for channel in rgb)
    return blue, green, red
