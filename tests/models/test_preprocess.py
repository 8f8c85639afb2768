"""Letterbox, crops and normalisation against plain formulas."""

import cv2
import numpy as np

from hpe_volleyball.models.preprocess import (
    OF_DETECTORS,
    OF_POSES,
    PAD_VALUE,
    crop_regions,
    in_source,
    letterbox,
)
from hpe_volleyball.records import Floats
from tests.frames import cut_out

MEAN_RGB, STD_RGB = np.array((123.675, 116.28, 103.53)), np.array((58.395, 57.12, 57.375))


def test_pictures_are_normalised_by_the_formula_with_the_channels_in_order() -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 5, 3)).astype(np.uint8)
    out = np.empty((3, 7, 5), np.float32)
    OF_POSES.apply(image, out)
    expected = (image[:, :, ::-1] - MEAN_RGB) / STD_RGB
    np.testing.assert_allclose(out, expected.transpose(2, 0, 1), atol=1e-6)
    OF_DETECTORS.apply(image, out)
    np.testing.assert_allclose(out, expected.transpose(2, 0, 1)[::-1], atol=1e-6)


def test_letterbox_leaves_nothing_of_the_picture_before() -> None:
    canvas = np.zeros((64, 64, 3), np.uint8)
    letterbox(np.full((100, 50, 3), 200, np.uint8), canvas)
    scales = letterbox(np.full((50, 100, 3), 10, np.uint8), canvas)
    np.testing.assert_allclose(scales, 0.64)
    assert (canvas[:32] == 10).all()
    assert (canvas[32:] == PAD_VALUE).all()


def test_letterbox_is_grey_at_the_right_of_a_portrait_picture() -> None:
    canvas = np.zeros((64, 64, 3), np.uint8)
    letterbox(np.full((50, 100, 3), 10, np.uint8), canvas)
    letterbox(np.full((100, 50, 3), 200, np.uint8), canvas)
    assert (canvas[:, :32] == 200).all()
    assert (canvas[:, 32:] == PAD_VALUE).all()


def test_letterbox_tells_the_rounded_scale() -> None:
    scales = letterbox(np.zeros((994, 1768, 3), np.uint8), np.zeros((640, 640, 3), np.uint8))
    np.testing.assert_allclose(scales, (640 / 1768, 360 / 994))


def boxes_anywhere(count: int, width: int, height: int) -> Floats:
    """Boxes of 20 to 200 px, partly beyond the picture's border."""
    rng = np.random.default_rng(7)
    centre, side = rng.uniform(0, (width, height), (count, 2)), rng.uniform(20, 200, (count, 2))
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1).astype(np.float32)


def test_crop_regions_are_those_of_mmpose_in_whole_pixels() -> None:
    boxes = boxes_anywhere(200, 640, 480)
    size = 1.25 * (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    step = np.maximum(size[:, 0] / 192, size[:, 1] / 256)[:, None, None]
    points = np.array([[0, 0], [96, 128], [192, 0], [0, 256], [192, 256]], np.float64)
    centre = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    exact = centre + step * (points - (96, 128))
    found = in_source(np.tile(points, (200, 1, 1)), crop_regions(boxes, 192, 256), 192, 256)
    off = np.abs(found - exact)
    assert off[:, 1].max() <= 0.76  # half a pixel of the place, a quarter of the size
    assert off.max() <= 1.01
    assert off.mean() < 0.35


def test_crops_show_what_lies_where_in_source_says() -> None:
    ramp = np.zeros((200, 250, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(250)[None], np.arange(200)[:, None]
    grid = np.stack(np.meshgrid(np.arange(24.0), np.arange(32.0)), axis=-1)
    regions = crop_regions(boxes_anywhere(50, 250, 200), 24, 32)
    for region, source in zip(
        regions, in_source(np.tile(grid.reshape(-1, 2), (50, 1, 1)), regions, 24, 32), strict=True
    ):
        cut = cut_out(ramp, region, 24, 32).reshape(-1, 3)
        inside = ((source >= 0) & (source <= (249, 199))).all(axis=1)
        np.testing.assert_allclose(cut[inside, :2], source[inside], atol=1)


def test_crop_is_black_outside_the_picture() -> None:
    white = np.full((10, 10, 3), 200, np.uint8)
    cut = cut_out(white, np.array([-5, -5, 10, 10]), 10, 10)
    assert cut[:5].max() == cut[:, :5].max() == 0
    assert cut[5:, 5:].min() == 200
    for beyond in ([-20, 2, 10, 10], [12, 2, 10, 10], [2, -30, 10, 10], [2, 50, 10, 10]):
        assert cut_out(white, np.array(beyond), 10, 10).max() == 0


def test_a_crop_over_the_border_is_that_of_a_picture_with_black_around_it() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    image = np.asarray(cv2.GaussianBlur(noise, (9, 9), 2), np.uint8)
    wide = np.pad(image, ((90, 90), (90, 90), (0, 0)))
    for left, top, across, down in ((-9, 5, 31, 40), (60, -7, 30, 40), (-5, -5, 90, 110)):
        cut = cut_out(image, np.array([left, top, across, down]), 48, 64)
        whole = cut_out(wide, np.array([left + 90, top + 90, across, down]), 48, 64)
        off = np.abs(cut.astype(int) - whole)
        assert off.mean() < 0.5, (left, top)
        assert off.max() < 10, (left, top)


def test_a_crop_of_nothing_is_one_pixel() -> None:
    [region] = crop_regions(np.array([[5, 5, 5, 5]], np.float32), 192, 256)
    assert region[2:].tolist() == [1, 1]
    assert cut_out(np.full((10, 10, 3), 9, np.uint8), region, 192, 256).min() == 9
