"""Places between detections: adrift, at a detection, at the border."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpe_volleyball.tracking.carrying import Anchor, clipped, detected_place, drift
from tests.scene import joints_in

RATE = 50
STEP_S = 1 / RATE
BOX = np.array([100.0, 100.0, 140.0, 200.0])
SURE = np.full(17, 0.9)
ANCHOR = Anchor(BOX, joints_in(BOX), SURE)
START = detected_place(ANCHOR, None)


def test_an_unseen_person_drifts_and_slows_down() -> None:
    place = replace(START, velocity=RATE * np.array([10.0, 0.0]))
    ways = []
    for k in range(1, 31):
        after = drift(place, STEP_S)
        ways.append(after.box[0] - place.box[0])
        np.testing.assert_allclose(after.box - place.box, np.tile(STEP_S * place.velocity, 2))
        np.testing.assert_allclose(
            after.keypoints - place.keypoints, [STEP_S * place.velocity] * 17
        )
        np.testing.assert_allclose(after.joints - place.joints, [STEP_S * place.velocity] * 17)
        assert after.blind_s == pytest.approx(k * STEP_S)
        place = after
    assert ways[0] == pytest.approx(10)
    assert ways[10] < 5
    assert sum(ways) < 100
    assert place.box[0] - BOX[0] == pytest.approx(sum(ways))


def test_a_detection_keeps_the_velocity() -> None:
    before = replace(START, velocity=np.array([4.0, 1.0]), blind_s=0.2)
    place = detected_place(ANCHOR, before)
    assert place.velocity.tolist() == [4, 1]
    assert detected_place(ANCHOR, None).velocity.tolist() == [0, 0]
    assert place.blind_s == 0
    assert place.box is ANCHOR.box


def test_boxes_end_at_the_border_and_joints_go_on() -> None:
    place = replace(START, box=np.array([-20.0, 150.0, 20.0, 250.0]))
    inside, same = clipped([place, START], 640, 200)
    assert inside.box.tolist() == [0, 150, 20, 200]
    assert inside.keypoints is place.keypoints
    assert same is START
    assert clipped([], 640, 360) == []
