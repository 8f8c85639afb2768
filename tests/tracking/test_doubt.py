"""Whether a keyframe leaves a doubt."""

from __future__ import annotations

import numpy as np

from hpe_volleyball.tracking.association import Match
from hpe_volleyball.tracking.candidates import Candidates
from hpe_volleyball.tracking.carrying import Anchor, Place, detected_place, drift
from hpe_volleyball.tracking.doubt import LOST, NEW, find_doubt
from hpe_volleyball.tracking.similarity import box_iou
from hpe_volleyball.tracking.tracks import Track
from tests.scene import WIDTH, Array, frame, joints_in, shifted

SURE = np.full(17, 0.9)
HERE = np.array([300.0, 100.0, 340.0, 200.0])
BESIDE = shifted(HERE, 15)
AT_THE_BORDER = np.array([WIDTH - 40.0, 100.0, WIDTH, 200.0])


def doubt(
    person: Array,
    seen: Array,
    pairs: dict[int, int],
    *,
    track_id: int = 1,
    missed: bool = False,
    blind: bool = False,
    new: list[int] | None = None,
) -> str | None:
    """What is in doubt with one person, carried to a box, and one detection."""
    anchor = Anchor(person, joints_in(person), SURE)
    place: Place = detected_place(anchor, None)
    track = Track(place, anchor, 0.9, 0.0, id=track_id, missed=missed)
    found = Candidates(seen[None], np.array([0.9]), joints_in(seen)[None], SURE[None])
    match = Match(pairs, np.zeros(1, np.bool_), box_iou(person[None], seen[None]))
    places = [drift(place, 0.02) if blind else place]
    return find_doubt([track], places, frame(4), found, match, new=new or [])


def test_somebody_just_lost_among_others_is_in_doubt() -> None:
    assert doubt(HERE, BESIDE, {}) == LOST
    assert doubt(HERE, BESIDE, {}, missed=True) is None, "lost for longer"
    assert doubt(HERE, BESIDE, {}, track_id=0) is None, "never confirmed"
    assert doubt(HERE, shifted(BESIDE, 40), {}) is None, "nobody else is near"
    assert doubt(AT_THE_BORDER, shifted(AT_THE_BORDER, -15), {}) is None, "they may have left"


def test_somebody_found_is_in_doubt_only_if_hidden_on_the_way() -> None:
    assert doubt(HERE, BESIDE, {0: 0}) is None
    assert doubt(HERE, BESIDE, {0: 0}, blind=True) == LOST


def test_somebody_new_is_in_doubt_away_from_the_border() -> None:
    far = shifted(HERE, 150)
    assert doubt(HERE, far, {}, new=[0]) == NEW
    assert doubt(HERE, AT_THE_BORDER, {}, new=[0]) is None
