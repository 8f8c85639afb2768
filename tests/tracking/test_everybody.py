"""Everybody's way to the next frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpe_volleyball.tracking.candidates import find_candidates
from hpe_volleyball.tracking.carrying import Place, detected_place
from hpe_volleyball.tracking.everybody import (
    alike,
    carry_blind,
    carry_by_pose,
    carry_unlooked,
)
from hpe_volleyball.tracking.tracks import Track
from tests.scene import Scene, frame, shifted, walker

STEP_S = 1 / 50
WALKING, STANDING = walker(200, 4.0), walker(400)


def tracks_of(scene: Scene, index: int = 0) -> list[Track]:
    found = find_candidates(frame(index), scene, scene)
    anchors = [found.anchor(j) for j in range(len(found.scores))]
    return [Track(detected_place(a, None), a, 0.9, 0.0, id=k) for k, a in enumerate(anchors, 1)]


def places_of(tracks: list[Track]) -> list[Place]:
    return [track.place for track in tracks]


def test_everybody_goes_where_their_own_pose_went() -> None:
    scene = Scene([WALKING, STANDING])
    tracks = tracks_of(scene)
    before = places_of(tracks)
    after = carry_by_pose(tracks, before, frame(1), scene, STEP_S)
    way = sorted(float(b.box[0] - a.box[0]) for a, b in zip(before, after, strict=True))
    assert way == pytest.approx([0, 4], abs=1e-6)
    assert all(place.seen for place in after)


def test_of_two_tracks_on_one_person_the_one_that_fits_less_goes_blind() -> None:
    scene = Scene([WALKING])
    [track] = tracks_of(scene)
    right = track.place
    # The other one came from the right, and was to go on to the left.
    other = detected_place(track.anchor, None)
    other = Place(
        box=shifted(right.box, 3),
        velocity=np.array([-200.0, 0.0]),
        keypoints=other.keypoints,
        scores=other.scores,
        joints=other.joints,
        blind_s=0.0,
    )
    tracks = [track, Track(other, track.anchor, 0.9, 0.0, id=2)]
    one, two = carry_by_pose(tracks, [right, other], frame(1), scene, STEP_S)
    assert one.seen
    assert two.blind_s == pytest.approx(STEP_S)
    assert two.box[0] == pytest.approx(other.box[0] - 4)


def test_of_two_tracks_on_one_person_the_one_just_detected_stays() -> None:
    """Although the other one, missed at the keyframe, would have gone exactly this way."""
    scene = Scene([WALKING])
    [found] = tracks_of(scene)
    as_expected = replace(found.place, velocity=np.array([200.0, 0.0]))
    missed = Track(as_expected, found.anchor, 0.9, 0.0, id=2, missed=True)
    one, two = carry_by_pose([found, missed], [found.place, as_expected], frame(1), scene, STEP_S)
    assert one.seen
    assert not two.seen


@pytest.mark.parametrize(("blind_s", "crops"), [(0.24, 2), (0.25, 1)])
def test_somebody_lost_is_not_looked_for(blind_s: float, crops: int) -> None:
    scene = Scene([WALKING, STANDING])
    tracks = tracks_of(scene)
    scene.posed.clear()
    before = [replace(tracks[0].place, blind_s=blind_s), tracks[1].place]
    first, second = carry_by_pose(tracks, before, frame(1), scene, STEP_S)
    assert scene.posed == [[(1, crops)]]
    assert first.blind_s == (0 if crops == 2 else pytest.approx(blind_s + STEP_S))
    assert second.seen


def test_without_poses_people_go_on_as_they_went() -> None:
    tracks = tracks_of(Scene([STANDING]))
    [place] = places_of(tracks)
    moving = Place(
        place.box, np.array([100.0, 0.0]), place.keypoints, place.scores, place.joints, 0.0
    )
    [unlooked] = carry_unlooked([moving], frame(1), STEP_S)
    [blind] = carry_blind([moving], frame(1), STEP_S)
    for after in (unlooked, blind):
        np.testing.assert_allclose(after.box, shifted(place.box, 2))
        assert not after.seen
    assert unlooked.blind_s == 0
    assert blind.blind_s == pytest.approx(STEP_S)


def test_poses_of_two_people_apart_are_not_alike() -> None:
    one, other = places_of(tracks_of(Scene([WALKING, STANDING])))
    found = alike([one, other], [one, other])
    np.testing.assert_allclose(found, np.eye(2), atol=1e-6)
    assert alike([], [one]).shape == (0, 1)
