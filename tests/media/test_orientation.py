"""Pictures are shown as the display matrix of the file says, mirrored or not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.orientation import Orientation
from hpe_volleyball.media.video import probe
from hpe_volleyball.records import Image
from tests.clips import fixed_rate, picture, with_display_matrix

MATRICES = {
    (1, 0, 0, 1): Orientation(0),
    (0, -1, 1, 0): Orientation(90),
    (-1, 0, 0, -1): Orientation(180),
    (0, 1, -1, 0): Orientation(270),
    (-1, 0, 0, 1): Orientation(0, mirrored=True),
    (0, 1, 1, 0): Orientation(90, mirrored=True),
    (1, 0, 0, -1): Orientation(180, mirrored=True),
    (0, -1, -1, 0): Orientation(270, mirrored=True),
}


def shown(stored: Image, a: int, b: int, c: int, d: int) -> Image:
    """Each stored pixel where the matrix puts it, moved into the picture."""
    height, width = stored.shape[:2]
    q, p = np.mgrid[:height, :width]
    x, y = a * p + c * q, b * p + d * q
    x, y = x - x.min(), y - y.min()
    image = np.empty((y.max() + 1, x.max() + 1, 3), np.uint8)
    image[y, x] = stored
    return image


@pytest.mark.parametrize(("matrix", "orientation"), MATRICES.items())
def test_pictures_are_shown_as_the_matrix_says(
    tmp_path: Path, matrix: tuple[int, int, int, int], orientation: Orientation
) -> None:
    clip = with_display_matrix(fixed_rate(tmp_path / "phone.mp4", frames=1), *matrix)
    assert probe(clip).orientation == orientation
    with read_frames(clip) as frames:
        image = next(iter(frames)).image
    expected = shown(picture(0), *matrix)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 4


@pytest.mark.parametrize(("matrix", "orientation"), MATRICES.items())
def test_every_orientation_moves_pixels_exactly(
    matrix: tuple[int, int, int, int], orientation: Orientation
) -> None:
    stored = np.random.default_rng(5).integers(0, 256, (4, 6, 3), np.uint8)
    expected = shown(stored, *matrix)
    out = stored.copy()
    if orientation.changes:
        out = np.empty_like(expected)
        orientation.apply(stored, out)
    np.testing.assert_array_equal(out, expected)
    assert orientation.swaps_sides == (expected.shape[0] == 6)


@pytest.mark.parametrize(("rotation", "aspect"), [(0, "4/3"), (90, "3/4"), (180, "4/3")])
def test_the_shape_of_pixels_is_turned_too(tmp_path: Path, rotation: int, aspect: str) -> None:
    shape = Fraction(4, 3)
    clip = fixed_rate(tmp_path / "a.mp4", frames=1, rotation=rotation, pixel_aspect=shape)
    assert probe(clip).sample_aspect == Fraction(aspect)
