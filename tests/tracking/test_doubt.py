"""Whether a keyframe leaves a doubt."""

from __future__ import annotations

import numpy as np

from hpe_volleyball.tracking.association import Match
from hpe_volleyball.tracking.carrying import Anchor, Place, detected_place, drift
from hpe_volleyball.tracking.doubt import Limits, doubt_about
from hpe_volleyball.tracking.reasons import AGAIN, BACK, UNLIKE
from hpe_volleyball.tracking.tracks import Track
from tests.scene import HEIGHT, WIDTH, Array, frame, joints_in, shifted

SURE = np.full(17, 0.9)
HERE = np.array([300.0, 100.0, 340.0, 200.0])
AT_THE_BORDER = np.array([WIDTH - 40.0, 100.0, WIDTH, 200.0])
NEVER = -np.inf
CLEAR = [[2.0, -4.0, NEVER], [-4.0, 5.0, NEVER]]
"""Log-odds of two people and three detections; the first two are theirs."""


def doubt(
    odds: list[list[float]],
    *,
    person: Array = HERE,
    pairs: dict[int, int] | None = None,
    repeated: int | None = None,
    track_id: int = 1,
    blind: bool = True,
    clear: float = 3.0,
    on_the_way: bool = False,
) -> str | None:
    """What is in doubt about the first of two people, who was out of sight."""
    anchors = [Anchor(box, joints_in(box), SURE) for box in (person, shifted(HERE, 20))]
    places: list[Place] = [detected_place(anchor, None) for anchor in anchors]
    tracks = [
        Track(place, anchor, 0.9, 0.0, id=number)
        for number, place, anchor in zip((track_id, 7), places, anchors, strict=True)
    ]
    hidden = [drift(places[0], 0.02), places[1]]
    if blind:
        places = hidden
    match = Match(
        {0: 0, 1: 1} if pairs is None else pairs,
        np.arange(3) == repeated,
        np.zeros((2, 3)),
        np.array(odds),
    )
    path = [hidden, places] if on_the_way else [places]
    return doubt_about(tracks, path, frame(4), match, Limits(clear, again=6.0, likely=0.0))


def test_who_could_be_exchanged_with_somebody_is_in_doubt() -> None:
    """Own pairs 2 + 5; exchanged ones must stay below by more than 3."""
    assert not doubt(CLEAR)
    assert doubt([[2.0, 2.5, NEVER], [2.0, 5.0, NEVER]]) == BACK
    assert not doubt([[2.0, 1.9, NEVER], [2.0, 5.0, NEVER]])


def test_how_clear_it_must_be_can_be_said() -> None:
    """By 7 - (-4 - 4), and the one of them."""
    assert not doubt(CLEAR, clear=14.9)
    assert doubt(CLEAR, clear=15.1)


def test_whoever_has_nothing_can_only_take() -> None:
    """Who gets the one detection is all that counts then."""
    rivals = [[2.0, NEVER, NEVER], [-0.5, NEVER, NEVER]]
    assert doubt(rivals, pairs={0: 0})
    assert not doubt([rivals[0], [-1.5, NEVER, NEVER]], pairs={0: 0})
    assert not doubt([rivals[0], [-0.5, 5.0, NEVER]]), "somebody would be left with nothing"


def test_somebody_who_turned_up_out_of_reach_may_be_anybody_there() -> None:
    relinked = [[NEVER, -4.0, NEVER], [-7.0, 5.0, NEVER]]
    assert doubt(relinked)
    assert not doubt([[NEVER, -4.0, NEVER], [NEVER, 5.0, NEVER]]), "nobody else is near"


def test_a_detection_that_nobody_has_is_another_answer() -> None:
    odds = [[2.0, NEVER, -0.5], CLEAR[1]]
    assert doubt(odds)
    assert not doubt(odds, repeated=2), "it shows somebody a second time"
    assert not doubt([[2.0, NEVER, -1.5], CLEAR[1]])


def test_who_has_an_unlikely_detection_is_in_doubt() -> None:
    """Whoever else may be meant: their own may be missing."""
    unlikely = [[-0.1, NEVER, NEVER], [NEVER, 5.0, NEVER]]
    assert doubt(unlikely, blind=False) == UNLIKE
    assert not doubt([[0.1, NEVER, NEVER], [NEVER, 5.0, NEVER]], blind=False)
    assert not doubt(unlikely), "back from out of sight, and nobody else is near"
    assert not doubt(unlikely, blind=False, track_id=0), "never confirmed"
    assert not doubt(unlikely, blind=False, person=AT_THE_BORDER)


def test_a_pose_seen_again_may_be_a_neighbours() -> None:
    """Own pairs 2 + 5; exchanged ones must stay below by more than 6."""
    unclear = [[2.0, 0.6, NEVER], [0.6, 5.0, NEVER]]
    assert doubt(unclear, blind=False, on_the_way=True) == AGAIN
    assert not doubt(unclear, blind=False), "seen all the way"
    assert not doubt([[2.0, 0.4, NEVER], unclear[1]], blind=False, on_the_way=True)
    assert not doubt(unclear, blind=False, on_the_way=True, track_id=0), "never confirmed"
    assert not doubt(unclear, blind=False, on_the_way=True, person=AT_THE_BORDER)


def test_only_somebody_back_can_be_mistaken() -> None:
    unclear = [[2.0, 2.5, NEVER], [2.0, 5.0, NEVER]]
    assert not doubt(unclear, blind=False), "the pose led there"
    assert not doubt(unclear, track_id=0), "never confirmed"
    assert not doubt(unclear, pairs={1: 1}), "still out of sight"


def test_at_the_border_people_come_and_go() -> None:
    """Within a fiftieth of the longer side, which is 12.8 px."""
    unclear = [[2.0, 2.5, NEVER], [2.0, 5.0, NEVER]]
    for edge, border, inwards in ((0, 0, 1), (1, 0, 1), (2, WIDTH, -1), (3, HEIGHT, -1)):
        for distance, expected in ((0, None), (12, None), (13, BACK)):
            way = border + inwards * distance - HERE[edge]
            at = shifted(HERE, way) if edge % 2 == 0 else shifted(HERE, 0, way)
            assert doubt(unclear, person=at) == expected
