"""The noisy pose model: its errors are those asked for."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hpe_volleyball.models.preprocess import crop_regions
from hpe_volleyball.pipeline import PoseEstimator
from hpe_volleyball.records import Frame
from hpe_volleyball.synthetic import NoisyPose, PoseErrors, Rally, RallyConfig

BLANK = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture(scope="module")
def rally() -> Rally:
    return Rally(RallyConfig(width=960, height=540, fps=Fraction(25), seconds=10.0, play="net"))


def _frame(index: int) -> Frame:
    return Frame(index, index / 25, BLANK)


def test_answers_do_not_depend_on_what_was_asked_before(rally: Rally) -> None:
    boxes = rally.truth(30).boxes
    ahead, behind = NoisyPose(rally, seed=2), NoisyPose(rally, seed=2)
    alone = ahead.estimate([_frame(30)], [boxes[2:3]])[0]
    behind.estimate([_frame(8)], [rally.truth(8).boxes])
    among = behind.estimate([_frame(30)], [boxes])[0]
    assert np.array_equal(alone.keypoints[0], among.keypoints[2])


def test_pose_errs_by_the_jitter_asked_and_mistrusts_hidden_joints(rally: Rally) -> None:
    poser: PoseEstimator = NoisyPose(
        rally, PoseErrors(jitter=0.01, hidden_jitter=0.02, swapped=0.0)
    )
    seen, hidden, trust, mistrust = [], [], [], []
    for index in range(0, 250, 10):
        truth = rally.truth(index)
        pose = poser.estimate([_frame(index)], [truth.boxes])[0]
        side = (truth.boxes[:, 2:] - truth.boxes[:, :2]).max(axis=1)[:, None, None]
        share = (pose.keypoints - truth.keypoints) / side
        seen.append(share[truth.visible])
        hidden.append(share[~truth.visible])
        trust.append(pose.scores[truth.visible])
        mistrust.append(pose.scores[~truth.visible])
    assert np.std(np.concatenate(seen)) == pytest.approx(0.01, rel=0.1)
    assert np.std(np.concatenate(hidden)) == pytest.approx(0.02, rel=0.1)
    assert np.median(np.concatenate(trust)) > 0.7
    assert np.median(np.concatenate(mistrust)) < 0.35


def test_hidden_joints_jump_to_the_neighbour(rally: Rally) -> None:
    still = {"jitter": 0.0, "hidden_jitter": 0.0}
    jumping = NoisyPose(rally, PoseErrors(**still, swapped=1.0))
    jumped = 0
    for index in range(0, 250, 10):
        truth = rally.truth(index)
        pose = jumping.estimate([_frame(index)], [truth.boxes])[0]
        away = np.linalg.norm(pose.keypoints - truth.keypoints, axis=-1) > 0.5
        assert not (away & truth.visible).any()
        jumped += int(away.sum())
    assert jumped > 20


def test_fast_joints_are_blurred(rally: Rally) -> None:
    """At the speed asked for the score is half of that at rest."""
    before, truth = rally.truth(59), rally.truth(60)
    assert truth.ids.tolist() == before.ids.tolist()
    way = np.linalg.norm(truth.keypoints - before.keypoints, axis=-1)
    side = (truth.boxes[:, 2:] - truth.boxes[:, :2]).max(axis=1)
    speed = np.where(truth.visible, 25 * way / side[:, None], 0)
    fastest = np.unravel_index(speed.argmax(), speed.shape)
    errors = PoseErrors(swapped=0.0, score=0.9, score_spread=0.0, blur_speed=float(speed.max()))
    [pose] = NoisyPose(rally, errors).estimate([_frame(60)], [truth.boxes])
    assert pose.scores[fastest] == pytest.approx(0.45, rel=1e-3)
    expected = 0.9 / (1 + speed / speed.max())
    np.testing.assert_allclose(pose.scores[truth.visible], expected[truth.visible], rtol=1e-3)


def test_joints_outside_the_crop_end_at_its_border_and_are_not_trusted(rally: Rally) -> None:
    """The crop is that of a pose model of 192 x 256 px, around a part of each person."""
    boxes = rally.truth(30).boxes
    parts = boxes.copy()
    parts[:, 2:] -= (1 - np.array([0.75, 0.6], np.float32)) * (boxes[:, 2:] - boxes[:, :2])
    regions = crop_regions(parts, 192, 256)
    poser = NoisyPose(rally)
    [whole], [part] = (poser.estimate([_frame(30)], [b]) for b in (boxes, parts))
    low = regions[:, None, :2]
    high = low + regions[:, None, 2:]
    np.testing.assert_allclose(part.keypoints, np.clip(whole.keypoints, low, high), atol=2)
    away = np.maximum(low - whole.keypoints, whole.keypoints - high).max(axis=-1)
    assert min((away > 2).sum(), (away < -2).sum()) >= 10
    ratio = part.scores / whole.scores
    np.testing.assert_allclose(ratio[away > 2], 0.3, rtol=1e-4)
    np.testing.assert_array_equal(ratio[away < -2], 1)


def test_a_box_around_nobody_gets_low_scores(rally: Rally) -> None:
    nobody = np.array([[2.0, 2.0, 30.0, 60.0]], np.float32)
    pose = NoisyPose(rally).estimate([_frame(0)], [nobody])[0]
    assert pose.scores.max() < 0.25
    none = NoisyPose(rally).estimate([_frame(0)], [np.zeros((0, 4), np.float32)])[0]
    assert none.keypoints.shape == (0, 17, 2)
