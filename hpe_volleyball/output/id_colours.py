"""A colour for every track."""

from __future__ import annotations

from functools import lru_cache
from math import cos, radians, sin, sqrt

Colour = tuple[int, int, int]
"""Blue, green, red, 0..255."""

_GOLDEN_ANGLE = 180 * (3 - sqrt(5))
_LIGHTNESSES = (0.86, 0.66, 0.76)  # all light enough for dark text
_CHROMA = 0.19


def _oklch_to_linear_rgb(lightness: float, chroma: float, hue: float) -> list[float]:
    """OKLCH (hue in degrees) to linear sRGB; outside 0..1 where sRGB has no such colour.

    Matrices: Björn Ottosson, "A perceptual color space for image processing", 2020.
    """
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    l_, m_, s_ = (
        (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
        (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
        (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3,
    )
    return [
        4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    ]


@lru_cache(maxsize=4096)
def id_colour(track_id: int) -> Colour:
    """The colour of a track, the same in every run.

    Hues step by the golden angle, so that consecutive ids lie far apart; lightness takes turns
    among three levels, so that ids whose hues come close again differ in it. Chroma is lowered
    until sRGB can show the colour.
    """
    lightness = _LIGHTNESSES[track_id % len(_LIGHTNESSES)]
    hue = track_id * _GOLDEN_ANGLE % 360
    chroma = _CHROMA
    rgb = _oklch_to_linear_rgb(lightness, chroma, hue)
    while min(rgb) < 0 or max(rgb) > 1:
        chroma -= 0.005
        rgb = _oklch_to_linear_rgb(lightness, chroma, hue)
    red, green, blue = (
        round(255 * (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055)) for c in rgb
    )
    return blue, green, red
