"""Rows of one track."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scene import frame, joints_in
from tests.tracking.someone import START, anchor, place, track


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
