"""The candidates of a keyframe: their order, and whose poses are estimated."""

from __future__ import annotations

import numpy as np

from hpe_volleyball.tracking.candidates import fill_poses, find_candidates, find_poses
from tests.scene import Scene, frame, joints_in, walker

LEFT, MIDDLE, RIGHT = walker(100), walker(300), walker(500)


def test_the_best_come_first_with_their_own_poses() -> None:
    scene = Scene([LEFT, MIDDLE, RIGHT], scores={(0, 0): 0.5, (1, 0): 0.95, (2, 0): 0.7})
    found = find_candidates(frame(0), scene, scene)
    np.testing.assert_allclose(found.scores, [0.95, 0.7, 0.5], atol=1e-6)
    for row, path in enumerate((MIDDLE, RIGHT, LEFT)):
        box = path(0)
        assert box is not None
        np.testing.assert_allclose(found.boxes[row], box)
        np.testing.assert_allclose(found.keypoints[row], joints_in(box), atol=1e-3)
        anchor = found.anchor(row)
        assert anchor.box is found.boxes[row] or (anchor.box == found.boxes[row]).all()
        assert (anchor.keypoints == found.keypoints[row]).all()
        assert (anchor.scores == found.keypoint_scores[row]).all()


def test_weak_detections_get_no_pose_until_they_are_asked_for() -> None:
    scene = Scene([LEFT, MIDDLE], scores={(1, 0): 0.2})
    found = find_candidates(frame(0), scene, scene)
    assert scene.posed == [[(0, 1)]]
    assert found.keypoint_scores.any(axis=1).tolist() == [True, False]
    fill_poses(found, [1], frame(0), scene)
    assert found.keypoint_scores.any(axis=1).all()
    np.testing.assert_allclose(found.keypoints[1], joints_in(found.boxes[1]), atol=1e-3)


def test_nobody_is_asked_for_without_boxes() -> None:
    scene = Scene([])
    found = find_candidates(frame(0), scene, scene)
    assert found.boxes.shape == (0, 4)
    assert found.keypoints.shape == (0, 17, 2)
    keypoints, scores = find_poses(scene, frame(0), np.zeros((0, 4)))
    assert (keypoints.shape, scores.shape) == ((0, 17, 2), (0, 17))
    assert scene.posed == []
