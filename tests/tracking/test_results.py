"""The results made of the rows of all tracks."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_volleyball.tracking.carrying import Place
from hpe_volleyball.tracking.results import take_results
from hpe_volleyball.tracking.tracks import TrackRow
from tests.scene import HEIGHT, WIDTH, Array, Scene, frame, joints_in, shifted, walker
from tests.tracking.someone import START, SURE, anchor, place, track


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


def test_boxes_end_at_the_border_of_the_picture_and_joints_need_not() -> None:
    """Those of bent paths can lead beyond it."""
    one = track(1)
    beyond = np.array([-3.0, -0.5, WIDTH + 2.0, HEIGHT + 1.0])
    one.rows = {5: TrackRow(beyond, 0.5, detected=False, pose=(joints_in(beyond), SURE))}
    [result] = take_results([frame(5)], [False], [one], Scene([]))
    assert result.tracks.boxes.tolist() == [[0, 0, WIDTH, HEIGHT]]
    np.testing.assert_allclose(result.poses.keypoints[0], joints_in(beyond), rtol=1e-5)


def test_a_pose_found_for_the_results_is_marked_as_estimated() -> None:
    """The other one lies between two poses that were looked for."""
    between, completed = track(1), track(2)
    between.rows = {
        5: TrackRow(START, 0.5, detected=False, pose=(joints_in(START), SURE), looked=False)
    }
    completed.rows = {5: TrackRow(box_of(300), 0.5, detected=False, pose=None, looked=False)}
    [result] = take_results([frame(5)], [False], [between, completed], Scene([walker(300)]))
    assert result.poses.estimated is not None
    assert result.poses.estimated.tolist() == [False, True]


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
