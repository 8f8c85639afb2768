"""Detections followed back through a window: who they were before somebody went out of sight."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_volleyball.tracking.association import associate
from hpe_volleyball.tracking.candidates import Candidates, find_candidates
from hpe_volleyball.tracking.carrying import Array, Carried, Place, detected_place, drift
from hpe_volleyball.tracking.tracing import early_likeness
from tests.scene import Path, Scene, frame, walker

STEP_S = 1 / 50
STEPS_S = [STEP_S] * 3
FRAMES = [frame(k) for k in range(1, 5)]
LEFT, RIGHT = walker(280, 5.0), walker(350, -5.0)
"""Two people who pass between frames 1 and 4 would be at 285 and 345, then 300 and 330."""


def place_on(path: Path, index: int) -> Place:
    scene = Scene([path])
    found = find_candidates(frame(index), scene, scene)
    return detected_place(found.anchor(0), None)


def carried(place: Place) -> Carried:
    return Carried(place, place.as_anchor(), 4 * STEP_S, confirmed=True)


def unseen_at(path: Path, index: int) -> Carried:
    return carried(drift(place_on(path, index), STEP_S))


def early(scene: Scene, start: list[Carried], end: list[Carried]) -> tuple[Candidates, Array]:
    found = find_candidates(FRAMES[-1], scene, scene)
    scene.posed.clear()
    fits = early_likeness(start, end, FRAMES[:-1], found, poser=scene, steps_s=STEPS_S)
    return found, fits


def test_where_detections_came_from_says_who_they_are() -> None:
    """Both drifted to where the other one is now."""
    scene = Scene([LEFT, RIGHT], scores={(1, 4): 0.8})
    start = [carried(place_on(LEFT, 1)), carried(place_on(RIGHT, 1))]
    end = [unseen_at(RIGHT, 4), unseen_at(LEFT, 4)]
    found, fits = early(scene, start, end)
    assert associate(end, found, 0.4).pairs == {0: 1, 1: 0}
    assert fits[0, 0] > 0.9
    assert fits[1, 1] > 0.9
    assert fits[0, 1] < 0.4
    assert associate(end, found, 0.4, fits).pairs == {0: 0, 1: 1}


def test_only_detections_near_somebody_out_of_sight_are_followed() -> None:
    far = walker(500)
    scene = Scene([LEFT, far])
    start = [carried(place_on(LEFT, 1)), carried(place_on(far, 1))]
    _, fits = early(scene, start, [unseen_at(LEFT, 4), carried(place_on(far, 4))])
    assert scene.posed == [[(3, 1)], [(2, 1)], [(1, 1)]]
    assert not np.isnan(fits[:, 0]).any()
    assert np.isnan(fits[:, 1]).all()


def test_nobody_out_of_sight_costs_no_pose() -> None:
    scene = Scene([LEFT])
    _, fits = early(scene, [carried(place_on(LEFT, 1))], [carried(place_on(LEFT, 4))])
    assert scene.posed == []
    assert np.isnan(fits).all()


@pytest.mark.parametrize("hidden", [1, 2, 3])
def test_a_detection_lost_on_the_way_back_says_nothing(hidden: int) -> None:
    scene = Scene([LEFT], hidden={(0, hidden)})
    _, fits = early(scene, [carried(place_on(LEFT, 1))], [unseen_at(LEFT, 4)])
    assert np.isnan(fits).all()


def test_a_keyframe_behind_a_keyframe_has_nothing_to_follow() -> None:
    scene, end = Scene([LEFT]), [unseen_at(LEFT, 4)]
    found = find_candidates(FRAMES[-1], scene, scene)
    fits = early_likeness(end, end, [], found, poser=scene, steps_s=[])
    assert np.isnan(fits).all()
