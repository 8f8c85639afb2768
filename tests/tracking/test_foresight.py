"""Whose next box can be relied on: those who were where they had been foreseen."""

from __future__ import annotations

import numpy as np

from hpe_volleyball.tracking.carrying import Anchor, Array, detected_place
from hpe_volleyball.tracking.foresight import Foresight
from hpe_volleyball.tracking.tracks import Track


def boxes(*left: float) -> Array:
    """Boxes of 40 x 100 px at these places."""
    return np.array([[x, 10, x + 40, 110] for x in left]).reshape(-1, 4)


def track() -> Track:
    anchor = Anchor(boxes(0)[0], np.zeros((17, 2)), np.ones(17))
    return Track(detected_place(anchor, None), anchor, 0.9, 0.0)


def test_only_who_came_where_they_were_foreseen() -> None:
    foresight, people = Foresight(), [track(), track()]
    assert foresight.sure(people, boxes(0, 200), boxes(3, 203)).tolist() == [False, False]
    # The first one stops, the second one goes on.
    assert foresight.sure(people, boxes(0, 203), boxes(0, 206)).tolist() == [False, True]
    assert foresight.sure(people, boxes(0, 206), boxes(0, 209)).tolist() == [True, True]


def test_people_are_known_by_their_track() -> None:
    foresight, one, other, new = Foresight(), track(), track(), track()
    foresight.sure([one, other], boxes(0, 200), boxes(0, 200))
    known = foresight.sure([other, new, one], boxes(200, 0, 0), boxes(200, 0, 0))
    assert known.tolist() == [True, False, True]


def test_nobody() -> None:
    assert Foresight().sure([], boxes(), boxes()).tolist() == []
