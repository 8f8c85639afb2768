"""Whether a keyframe leaves a doubt."""

from __future__ import annotations

import numpy as np

from hpe_volleyball.tracking.association import Match
from hpe_volleyball.tracking.carrying import Anchor, Place, detected_place, drift
from hpe_volleyball.tracking.doubt import in_doubt
from hpe_volleyball.tracking.similarity import box_iou
from hpe_volleyball.tracking.tracks import Track
from tests.scene import WIDTH, Array, frame, joints_in, shifted

SURE = np.full(17, 0.9)
NOBODY = np.zeros(2, np.bool_)
HERE = np.array([300.0, 100.0, 340.0, 200.0])
BESIDE = shifted(HERE, 15)
AT_THE_BORDER = np.array([WIDTH - 40.0, 100.0, WIDTH, 200.0])


def doubt(
    person: Array,
    seen: Array,
    *,
    neighbour: Array = BESIDE,
    pairs: dict[int, int] | None = None,
    track_id: int = 1,
    blind: bool = True,
) -> bool:
    """Whether somebody is in doubt who was carried to a box, beside a neighbour in sight."""
    boxes = np.stack([person, neighbour])
    anchors = [Anchor(box, joints_in(box), SURE) for box in boxes]
    places: list[Place] = [detected_place(anchor, None) for anchor in anchors]
    tracks = [
        Track(place, anchor, 0.9, 0.0, id=number)
        for number, place, anchor in zip((track_id, 7), places, anchors, strict=True)
    ]
    found = np.stack([seen, neighbour])
    match = Match({0: 0, 1: 1} if pairs is None else pairs, NOBODY, box_iou(boxes, found))
    if blind:
        places[0] = drift(places[0], 0.02)
    return in_doubt(tracks, places, frame(4), match)


def test_somebody_back_among_others_is_in_doubt() -> None:
    assert doubt(HERE, HERE)
    assert not doubt(HERE, HERE, blind=False), "the pose led there"
    assert not doubt(HERE, HERE, track_id=0), "never confirmed"
    assert not doubt(HERE, HERE, pairs={1: 1}), "still out of sight"


def test_somebody_back_with_nobody_near_is_not_in_doubt() -> None:
    assert not doubt(HERE, HERE, neighbour=shifted(HERE, 30))
    assert not doubt(HERE, shifted(HERE, -15)), "the neighbour is not near the detection"


def test_at_the_border_people_come_and_go() -> None:
    inside = shifted(AT_THE_BORDER, -15)
    assert doubt(shifted(inside, -15), shifted(inside, -15), neighbour=shifted(inside, -30))
    assert not doubt(AT_THE_BORDER, AT_THE_BORDER, neighbour=inside)
