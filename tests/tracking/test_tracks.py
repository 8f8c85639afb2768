"""Rows of one track, and the results made of the rows of all."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_volleyball.tracking.carrying import Anchor, Place
from hpe_volleyball.tracking.tracks import Track, TrackRow, take_results
from tests.scene import Array, Scene, frame, joints_in, shifted, walker

START = np.array([100.0, 100.0, 140.0, 200.0])
SURE = np.full(17, 0.9)


def anchor(x: float = 0.0) -> Anchor:
    box = shifted(START, x)
    return Anchor(box, joints_in(box), SURE)


def place(x: float = 0.0, blind_s: float = 0.0) -> Place:
    box = shifted(START, x)
    return Place(box, np.zeros(2), joints_in(box), SURE, joints_in(box), blind_s)


def track(number: int = 1, score: float = 0.8) -> Track:
    """Somebody found in frame 0."""
    new = Track(place(), anchor(), score, 0.0, number)
    new.found(frame(0), anchor(), score)
    return new


def test_a_detection_is_a_row_and_the_new_anchor() -> None:
    one = track()
    one.missed = True
    one.found(frame(4), anchor(20), 0.7)
    row = one.rows[4]
    assert row.detected
    assert row.score == 0.7
    assert row.pose is not None
    np.testing.assert_array_equal(row.box, anchor(20).box)
    np.testing.assert_array_equal(row.pose[0], joints_in(anchor(20).box))
    assert (one.found_s, one.missed, one.score) == (frame(4).time_s, False, 0.7)


def test_the_carried_path_ends_in_the_detection() -> None:
    """Carried 2 px too slowly each frame: the whole error is taken out, bit by bit."""
    one = track()
    one.found(frame(4), anchor(20), 0.7)
    frames = [frame(k) for k in range(1, 5)]
    one.bend(frames, [place(3.0 * k) for k in range(1, 5)], 0.6)
    for k in range(1, 4):
        np.testing.assert_allclose(one.rows[k].box, anchor(5.0 * k).box)
        assert not one.rows[k].detected
        assert one.rows[k].score == 0.6
    assert one.rows[4].detected
    np.testing.assert_array_equal(one.rows[4].box, anchor(20).box)


def test_a_curved_path_keeps_its_curve() -> None:
    one = track()
    one.found(frame(4), anchor(0), 0.7)
    one.bend([frame(k) for k in range(1, 5)], [place(x) for x in (8, 12, 8, 0)], 0.7)
    assert [one.rows[k].box[0] - START[0] for k in range(1, 5)] == [8, 12, 8, 0]


def test_a_path_that_went_astray_gives_way_to_a_straight_line() -> None:
    """Carried along with somebody else; the pose that led there is not theirs."""
    one = track()
    one.found(frame(4), anchor(4), 0.7)
    one.bend([frame(k) for k in range(1, 5)], [place(20.0 * k) for k in range(1, 5)], 0.7)
    assert [one.rows[k].box[0] - START[0] for k in range(1, 5)] == [1, 2, 3, 4]
    assert [one.rows[k].pose is None for k in range(1, 5)] == [True, True, True, False]


def test_bent_rows_have_a_pose_where_one_was_seen() -> None:
    one = track()
    places = [place(1), place(2, blind_s=0.02), place(3)]
    one.bend([frame(1), frame(2), frame(3)], places, 0.7)
    assert [one.rows[k].pose is None for k in (1, 2)] == [False, True]


def test_nobody_ends_before_a_keyframe_missed_them() -> None:
    one = track()
    for k in range(1, 101):
        one.carried(frame(k), place())
    assert sorted(one.rows) == list(range(101))
    assert one.rows[100].score == pytest.approx(0.4)


def test_rows_of_the_missed_fade_and_end_after_half_a_second() -> None:
    one = track()
    one.missed = True
    for k in range(1, 40):
        one.carried(frame(k), place())
    assert sorted(one.rows) == list(range(26))
    scores = [one.rows[k].score for k in range(26)]
    assert all(np.diff(scores) < 0)
    assert scores[25] == pytest.approx(0.4)
    assert not any(one.rows[k].detected for k in range(1, 26))


def test_an_unseen_person_leaves_rows_for_a_tenth_of_a_second() -> None:
    one = track()
    for k in range(1, 10):
        one.carried(frame(k), place(blind_s=k / 50))
    assert sorted(one.rows) == list(range(6))
    assert one.rows[3].pose is None


def box_of(x: float) -> Array:
    box = walker(x)(0)
    assert box is not None
    return box


def test_results_are_sorted_by_id_and_aligned() -> None:
    scene = Scene([walker(100), walker(300), walker(500)])
    tracks = []
    for number, x in ((7, 300), (2, 500), (0, 200), (4, 100)):
        one = track(number)
        joints = joints_in(box_of(x)) + 1000
        one.rows = {5: TrackRow(box_of(x), 0.1 * number, detected=x == 300, pose=(joints, SURE))}
        tracks.append(one)
    tracks[1].rows[5].pose = None
    tracks[3].rows[6] = TrackRow(box_of(100), 0.5, detected=False, pose=None)
    first, second = take_results([frame(5), frame(6)], [True, False], tracks, scene)
    assert first.tracks.ids.tolist() == [2, 4, 7]
    assert first.tracks.boxes[:, 0].tolist() == [480, 80, 280]
    np.testing.assert_allclose(first.tracks.scores, [0.2, 0.4, 0.7], atol=1e-6)
    assert first.tracks.detected.tolist() == [False, False, True]
    # The pose that was missing is that of the box, the others are those of the rows.
    for row, (x, shift) in enumerate(((500, 0), (100, 1000), (300, 1000))):
        np.testing.assert_allclose(
            first.poses.keypoints[row], joints_in(box_of(x)) + shift, rtol=1e-5
        )
    assert (first.keyframe, second.keyframe) == (True, False)
    assert second.tracks.ids.tolist() == [4]
    assert scene.posed == [[(5, 1), (6, 1)]], "one call for all missing poses"


def test_rows_are_taken_out_and_those_of_other_frames_stay() -> None:
    one, unnamed = track(1), track(0)
    for someone in (one, unnamed):
        someone.rows = {
            k: TrackRow(START, 0.5, detected=True, pose=(joints_in(START), SURE)) for k in (5, 6)
        }
    [result] = take_results([frame(5)], [True], [one, unnamed], Scene([]))
    assert result.tracks.ids.tolist() == [1]
    assert sorted(one.rows) == sorted(unnamed.rows) == [6]


def test_frames_without_rows_are_empty_and_ask_for_no_poses() -> None:
    scene = Scene([walker(100)])
    results = take_results([frame(5), frame(6)], [False, False], [track()], scene)
    for result in results:
        assert len(result.tracks.ids) == 0
        assert result.tracks.boxes.shape == (0, 4)
        assert result.poses.keypoints.shape == (0, 17, 2)
    assert scene.posed == []
    assert take_results([], [], [track()], scene) == []


def test_a_guess_behind_somebody_better_is_left_out() -> None:
    """A box carried behind another one stays only if the pose shows most of the person."""
    scene = Scene([])
    for x, detected, joints_seen, stays in (
        (10, False, 8, False),
        (10, False, 17, True),
        (10, True, 8, True),
        (20, False, 8, True),
    ):
        front, behind = track(1), track(2, 0.5)
        scores = np.where(np.arange(17) < joints_seen, 0.9, 0.1)
        pose = joints_in(START), scores
        behind.rows[0] = TrackRow(shifted(START, x), 0.5, detected=detected, pose=pose)
        [result] = take_results([frame(0)], [True], [front, behind], scene)
        assert result.tracks.ids.tolist() == ([1, 2] if stays else [1])


@pytest.mark.parametrize(("blind_s", "stays"), [(0.0, True), (0.02, False)])
def test_a_path_seen_between_two_detections_is_no_guess(blind_s: float, stays: bool) -> None:
    """Half of the joints are seen, which is enough where both ends of the path are known."""
    front, behind = track(1), track(2, 0.5)
    half = np.where(np.arange(17) < 8, 0.9, 0.1)
    pose = joints_in(START)
    on_the_way = Place(shifted(START, 10), np.zeros(2), pose, half, pose, blind_s)
    behind.found(frame(2), anchor(10), 0.5)
    behind.bend([frame(1), frame(2)], [on_the_way, place(10)], 0.5)
    front.found(frame(1), anchor(), 0.8)
    [result] = take_results([frame(1)], [False], [front, behind], Scene([]))
    assert result.tracks.ids.tolist() == ([1, 2] if stays else [1])
