"""Letterbox, crops and normalisation against plain formulas."""

import numpy as np

from hpe_volleyball.models.preprocess import (
    PAD_VALUE,
    crop,
    crop_regions,
    letterbox,
    normalisation_table,
    normalise,
)


def test_normalise_is_the_formula_with_the_channels_in_order() -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 5, 3)).astype(np.uint8)
    mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    out = np.empty((3, 7, 5), np.float32)
    normalise(image, normalisation_table(mean, std), (2, 1, 0), out)
    expected = (image[:, :, ::-1] - np.array(mean)) / np.array(std)
    np.testing.assert_allclose(out, expected.transpose(2, 0, 1), atol=1e-6)


def test_letterbox_leaves_nothing_of_the_picture_before() -> None:
    canvas = np.zeros((64, 64, 3), np.uint8)
    letterbox(np.full((100, 50, 3), 200, np.uint8), canvas)
    scales = letterbox(np.full((50, 100, 3), 10, np.uint8), canvas)
    np.testing.assert_allclose(scales, 0.64)
    assert (canvas[:32] == 10).all()
    assert (canvas[32:] == PAD_VALUE).all()


def test_letterbox_tells_the_rounded_scale() -> None:
    scales = letterbox(np.zeros((994, 1768, 3), np.uint8), np.zeros((640, 640, 3), np.uint8))
    np.testing.assert_allclose(scales, (640 / 1768, 360 / 994))


def test_crop_regions_keep_the_aspect_ratio_about_the_centre() -> None:
    boxes = np.array([[100, 100, 200, 140], [100, 100, 110, 300]], np.float32)
    wide, tall = crop_regions(boxes, 192, 256)
    assert np.isclose(wide[2], 125 / 192)
    np.testing.assert_allclose(wide[:2] + wide[2] * np.array([96, 128]), [150, 120])
    assert np.isclose(tall[2], 250 / 256)


def test_crop_puts_source_pixels_where_the_region_says() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    image[20, 30] = 255
    cut = crop(image, np.array([25.0, 10.0, 0.5]), 24, 32)
    assert cut[:, :, 0].argmax() == 20 * 24 + 10


def test_crop_is_black_outside_the_picture() -> None:
    cut = crop(np.full((10, 10, 3), 200, np.uint8), np.array([-5.0, -5.0, 1.0]), 10, 10)
    assert cut[2, 2].max() == 0
    assert cut[7, 7].min() == 200
