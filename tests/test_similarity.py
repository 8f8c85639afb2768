"""Poses that are alike: over the joints that both saw, or not comparable. IoU: test_metrics."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_volleyball.similarity import oks, pose_similarity
from tests.scene import Array, joints_in

AREA = np.array([4000.0])


def pose(shift: float = 0.0, seen: int = 17) -> tuple[Array, Array]:
    """One pose, of which the first `seen` joints have a good score."""
    points = joints_in(np.array([10.0 + shift, 20.0, 50.0 + shift, 120.0]))
    return points[None], np.where(np.arange(17) < seen, 0.9, 0.1)[None]


def test_a_pose_is_like_itself() -> None:
    assert pose_similarity(pose(), pose(), AREA).tolist() == [[1.0]]


def test_shifted_poses_are_less_alike_the_farther() -> None:
    near, far = (pose_similarity(pose(), pose(by), AREA)[0, 0] for by in (3.0, 12.0))
    assert 1 > near > 0.7 > far > 0.1
    assert pose_similarity(pose(), pose(60), AREA)[0, 0] < 0.01


def test_it_is_oks_over_the_joints_that_both_saw() -> None:
    a, b = pose(seen=9), pose(4.0)
    b[1][0, :3] = 0.0
    common = (np.arange(17) >= 3) & (np.arange(17) < 9)
    expected = oks(np.full((1, 17), 16.0), common[None], AREA)[0]
    assert pose_similarity(a, b, AREA)[0, 0] == pytest.approx(expected)


def test_joints_that_one_did_not_see_may_be_anywhere() -> None:
    a, b = pose(), pose(seen=10)
    b[0][0, 10:] += 500
    assert pose_similarity(a, b, AREA)[0, 0] == 1


@pytest.mark.parametrize(("seen", "comparable"), [(0, False), (3, False), (4, True)])
def test_a_few_common_joints_are_needed(seen: int, comparable: bool) -> None:
    assert np.isnan(pose_similarity(pose(), pose(seen=seen), AREA)[0, 0]) == (not comparable)


def test_the_area_is_that_of_the_second() -> None:
    points, scores = (np.concatenate((one, one)) for one in pose(4.0))
    found = pose_similarity(pose(), (points, scores), np.array([1000.0, 9000.0]))
    assert found.shape == (1, 2)
    assert found[0, 0] < found[0, 1]
    assert pose_similarity((points, scores), pose(), AREA).shape == (2, 1)


def test_only_cocos_joints_count() -> None:
    points, scores = pose()
    more = np.concatenate((points, points[:, :9] + 300), axis=1), np.full((1, 26), 0.9)
    assert pose_similarity(more, more, AREA)[0, 0] == 1
    assert pose_similarity((points, scores), more, AREA)[0, 0] == 1


def test_nobody_is_like_nobody() -> None:
    none = np.zeros((0, 17, 2)), np.zeros((0, 17))
    assert pose_similarity(none, pose(), AREA).shape == (0, 1)
    assert pose_similarity(pose(), none, np.zeros(0)).shape == (1, 0)
