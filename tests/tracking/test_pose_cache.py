"""The memory of poses: what is asked for, what is answered, and what is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from hpe_volleyball.records import Floats, Frame, Poses
from hpe_volleyball.tracking.pose_cache import PoseCache
from tests.scene import Array, Scene, frame, joints_in, shifted, walker

PERSON = np.array([100.0, 100.0, 140.0, 200.0])
ELSEWHERE = shifted(PERSON, 300)


def boxes(*them: Array) -> Floats:
    return np.array(them, np.float32).reshape(-1, 4)


def scene_of(*people: Array) -> Scene:
    return Scene([partial(_here, box) for box in people])


def _here(box: Array, _: int) -> Array:
    return box


def test_almost_the_same_box_has_the_pose_that_was_found() -> None:
    scene = scene_of(PERSON, ELSEWHERE)
    poser = PoseCache().before(scene)
    [first] = poser.estimate([frame(0)], [boxes(PERSON)])
    # Three of 40 pixels further the boxes share 0.86 of what they cover together.
    [again] = poser.estimate([frame(0)], [boxes(ELSEWHERE, shifted(PERSON, 3))])
    assert scene.posed == [[(0, 1)], [(0, 1)]]
    np.testing.assert_array_equal(again.keypoints[1], first.keypoints[0])
    np.testing.assert_array_equal(again.scores[1], first.scores[0])
    np.testing.assert_allclose(again.keypoints[0], joints_in(ELSEWHERE), atol=1e-3)
    poser.estimate([frame(0)], [boxes(shifted(ELSEWHERE, 2), PERSON)])
    assert len(scene.posed) == 2


@pytest.mark.parametrize("way", [(4.0, 0.0), (0.0, 9.0), (300.0, 0.0)])
def test_another_box_is_looked_into(way: tuple[float, float]) -> None:
    scene = scene_of(PERSON)
    poser = PoseCache().before(scene)
    poser.estimate([frame(0)], [boxes(PERSON)])
    poser.estimate([frame(0)], [boxes(shifted(PERSON, *way))])
    assert scene.posed == [[(0, 1)], [(0, 1)]]


def test_of_two_known_boxes_the_nearer_one_answers() -> None:
    class Numbered(Scene):
        def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
            told = super().estimate(frames, boxes)
            for poses in told:
                poses.scores[:] = np.linspace(0.5, 0.6, len(poses.scores))[:, None]
            return told

    poser = PoseCache().before(Numbered([partial(_here, PERSON)]))
    near = [shifted(PERSON, 0), shifted(PERSON, 4)]
    [both] = poser.estimate([frame(0)], [boxes(*near)])
    [answers] = poser.estimate([frame(0)], [boxes(shifted(PERSON, 3), shifted(PERSON, 1))])
    np.testing.assert_array_equal(answers.scores, both.scores[::-1])


def test_boxes_without_an_area_get_their_own_answers() -> None:
    line = np.array([640.0, 100.0, 640.0, 200.0])
    scene = scene_of(PERSON)
    poser = PoseCache().before(scene)
    [found] = poser.estimate([frame(0)], [boxes(line, PERSON, line)])
    np.testing.assert_allclose(found.keypoints[1], joints_in(PERSON), atol=1e-3)
    poser.estimate([frame(0)], [boxes(line)])
    assert scene.posed == [[(0, 3)], [(0, 1)]]


def test_frames_are_kept_apart_and_asked_for_in_one_call() -> None:
    scene = Scene([walker(100, 50), walker(400)])
    poser = PoseCache().before(scene)
    still, walking = walker(400)(0), walker(100, 50)(1)
    assert still is not None
    assert walking is not None
    poser.estimate([frame(1)], [boxes(still)])
    told = poser.estimate([frame(0), frame(1)], [boxes(still), boxes(still, walking)])
    assert scene.posed == [[(1, 1)], [(0, 1), (1, 1)]]
    for poses, index in zip(told, (0, 1), strict=True):
        np.testing.assert_allclose(poses.keypoints[0], joints_in(still), atol=1e-3)
        assert len(poses.keypoints) == 1 + index


def test_nobody_is_asked_for_nothing() -> None:
    scene = scene_of(PERSON)
    [nothing] = PoseCache().before(scene).estimate([frame(0)], [boxes()])
    assert nothing.keypoints.shape == (0, 17, 2)
    assert scene.posed == []


def test_frames_are_forgotten_and_then_looked_into_anew() -> None:
    scene = scene_of(PERSON)
    known = PoseCache()
    poser = known.before(scene)
    poser.estimate([frame(0), frame(1)], [boxes(PERSON), boxes(PERSON)])
    known.forget([frame(0)])
    poser.estimate([frame(0), frame(1)], [boxes(PERSON), boxes(PERSON)])
    assert scene.posed[1] == [(0, 1)]
