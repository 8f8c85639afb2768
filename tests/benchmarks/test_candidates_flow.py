"""Optical flow on pictures that were moved by known amounts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from candidates_flow import View, background_points, body_points, body_step, motion, reduced

from hpe_volleyball.records import Image

PERSON = np.array([200.0, 120.0, 280.0, 300.0])


def texture(seed: int) -> Image:
    """A soft random pattern, 1280x720."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (90, 160, 3), np.uint8)
    return np.asarray(cv2.resize(small, (1280, 720), interpolation=cv2.INTER_CUBIC), np.uint8)


def scene(person: tuple[int, int] = (0, 0), camera: tuple[int, int] = (0, 0)) -> View:
    """A patterned person before a patterned wall, each moved by so many px."""
    image = np.roll(texture(0), camera[::-1], axis=(0, 1))
    x, y = PERSON[:2].astype(int) + person
    width, height = (PERSON[2:] - PERSON[:2]).astype(int)
    image[y : y + height, x : x + width] = texture(1)[:height, :width]
    return reduced(image)


def test_reduces_the_longer_side_to_640_and_leaves_small_pictures() -> None:
    view = reduced(np.zeros((1920, 1080, 3), np.uint8))
    assert view.grey.shape == (640, 360)
    assert view.scale == pytest.approx(1 / 3)
    assert reduced(np.zeros((90, 160, 3), np.uint8)).scale == 1


def test_person_and_camera_are_told_apart_in_px_of_the_source() -> None:
    steps, camera = motion(
        scene(), scene(person=(8, -6), camera=(-4, 2)), PERSON[None], people=True, background=True
    )
    assert steps[0] == pytest.approx([8, -6], abs=0.5)
    assert camera == pytest.approx([-4, 2], abs=0.3)


def test_what_is_not_asked_for_is_not_measured() -> None:
    after = scene(person=(8, -6), camera=(-4, 2))
    steps, _ = motion(scene(), after, PERSON[None], people=False, background=True)
    assert np.isnan(steps).all()
    _, camera = motion(scene(), after, PERSON[None], people=True, background=False)
    assert camera.tolist() == [0, 0]


def test_nobody_is_no_error() -> None:
    steps, camera = motion(
        scene(), scene(camera=(4, 0)), np.zeros((0, 4)), people=True, background=True
    )
    assert steps.shape == (0, 2)
    assert camera == pytest.approx([4, 0], abs=0.3)


def test_a_picture_that_becomes_another_is_no_evidence() -> None:
    other = reduced(texture(5))
    steps, _ = motion(scene(), other, PERSON[None], people=True, background=False)
    assert np.isnan(steps).all()


def test_points_belong_to_whoever_stands_in_front() -> None:
    back = np.array([100.0, 50.0, 160.0, 200.0])
    front = np.array([130.0, 60.0, 190.0, 240.0])
    boxes, view = np.stack([back, front]), scene()
    behind, before = (body_points(boxes, row, view) for row in (0, 1))
    assert len(before) == 35
    assert 0 < len(behind) < 35
    assert (behind[:, 0] <= 130).all()


def test_points_outside_the_picture_are_left_out() -> None:
    half_out = np.array([[-40.0, 50.0, 40.0, 200.0]])
    points = body_points(half_out, 0, scene())
    assert 0 < len(points) < 35
    assert (points >= 1).all()


def test_background_points_avoid_all_boxes() -> None:
    box = np.array([[0.0, 0.0, 320.0, 360.0]])
    points = background_points(box, scene())
    assert len(points) == 48
    assert (points[:, 0] >= 320).all()


def test_body_step_is_the_median_and_needs_agreement() -> None:
    steps = np.array([[3.0, 1.0]] * 6 + [[40.0, 0.0]] * 3)
    assert body_step(steps, 50.0).tolist() == [3.0, 1.0]
    assert np.isnan(body_step(steps[:5], 50.0)).all()
    scattered = np.arange(20.0).repeat(2).reshape(-1, 2) * 7
    assert np.isnan(body_step(scattered, 50.0)).all()
