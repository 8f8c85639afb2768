"""Colours of tracks: far apart, and light enough for dark text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.output.id_colours import Colour, id_colour


def oklab(colour: Colour) -> NDArray[np.float64]:
    """OKLab by its defining matrices (Ottosson 2020), the way back from `id_colour`."""
    srgb = np.array(colour[::-1]) / 255
    rgb = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    lab: NDArray[np.float64] = np.array(to_lab) @ np.cbrt(np.array(to_lms) @ rgb)
    return lab


def test_colours_of_ids_lie_far_apart() -> None:
    labs = np.array([oklab(id_colour(i)) for i in range(1, 301)])
    apart = np.linalg.norm(labs[:, None] - labs, axis=-1)
    # In OKLab a difference of 0.02 is just seen; neighbours keep ten times that.
    assert np.diag(apart, 1).min() > 0.2
    # Any twelve consecutive ids, a match's players, stay apart too.
    closest = min(np.diag(apart, k).min() for k in range(1, 12))
    assert closest > 0.06


def test_labels_contrast_with_their_background() -> None:
    """WCAG 2 asks for 4.5 : 1; the text is (20, 20, 20)."""
    ink = ((20 / 255 + 0.055) / 1.055) ** 2.4
    for track_id in range(1, 1001):
        blue, green, red = np.array(id_colour(track_id)) / 255
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
        ]
        luminance = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
        assert (luminance + 0.05) / (ink + 0.05) > 4.5
