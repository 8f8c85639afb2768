"""The log-odds of pairs: what is measured, what is summed up, and what follows from it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from hpe_volleyball.tracking.candidates import Candidates
from hpe_volleyball.tracking.carrying import Anchor, Array, Carried, Place
from hpe_volleyball.tracking.odds import (
    CONSTANT,
    KINDS,
    MEASURES,
    fitted,
    kind_of,
    likeness,
    log_odds,
    measure,
    terms_of,
    values_of,
)
from tests.scene import joints_in, shifted

SURE = np.full(17, 0.9)
BOX = np.array([100.0, 100.0, 140.0, 200.0])


def person(box: Array, *, blind_s: float = 0.0) -> Carried:
    joints = joints_in(box)
    place = Place(box, np.zeros(2), joints, SURE, joints, blind_s)
    return Carried(place, Anchor(box, joints, SURE), blind_s, confirmed=True)


def detection(box: Array, score: float = 0.8, *, pose: bool = True) -> Candidates:
    scores = SURE if pose else 0 * SURE
    return Candidates(box[None], np.array([score]), joints_in(box)[None], scores[None])


def measured(one: Carried, found: Candidates, early: float | None = None) -> dict[str, float]:
    known = None if early is None else np.array([[early]])
    return dict(zip(MEASURES, measure([one], found, known)[0, 0].tolist(), strict=True))


def odds(one: Carried, found: Candidates, early: float | None = None) -> float:
    known = None if early is None else np.array([[early]])
    return float(log_odds(measure([one], found, known))[0, 0])


def test_a_faint_pose_says_nothing_and_a_weak_one_does() -> None:
    """Like somebody who has not been seen for a tenth of a second."""
    known, moved = person(BOX), detection(shifted(BOX, 12))
    weak, faint = (
        replace(known, place=replace(known.place, scores=np.full(17, score)))
        for score in (0.36, 0.34)
    )
    assert not math.isnan(measured(weak, moved)["pose"])
    assert odds(faint, moved) == odds(person(BOX, blind_s=0.1), moved)
    assert measured(person(BOX, blind_s=0.3), moved)["blind"] == pytest.approx(math.sqrt(0.3))


def test_measures_of_a_pair() -> None:
    """The detection is 30 % narrower and 20 % taller, its lower edge where it was."""
    found = detection(np.array([106.0, 80.0, 134.0, 200.0]), 0.7)
    values = measured(person(BOX), found, 0.6)
    assert values["iou"] == pytest.approx(28 * 100 / (4000 + 28 * 20))
    assert values["taller"] == pytest.approx(math.log(1.2))
    assert values["narrower"] == pytest.approx(-math.log(0.7))
    assert values["shorter"] == values["wider"] == 0
    assert values["score"] == pytest.approx(0.7)
    assert 0 < values["pose"] < 1
    assert values["early"] == pytest.approx(0.6)
    assert values["blind"] == 0
    turned = measured(person(found.boxes[0], blind_s=0.25), detection(BOX))  # the other way round
    assert turned["shorter"] == pytest.approx(values["taller"])
    assert turned["wider"] == pytest.approx(values["narrower"])
    assert turned["blind"] == pytest.approx(0.5)


def test_what_is_not_known_is_not_a_number() -> None:
    assert math.isnan(measured(person(BOX, blind_s=0.1), detection(BOX))["pose"])
    assert math.isnan(measured(person(BOX), detection(BOX, pose=False))["pose"])
    assert math.isnan(measured(person(BOX), detection(BOX))["early"])


def test_the_values_of_terms_are_bounded() -> None:
    """A box of hardly any height, as a person at the border of the picture has, and a long time."""
    one = person(np.array([100.0, 100.0, 140.0, 130.0]), blind_s=9.0)
    values = measured(one, detection(BOX))
    assert values["taller"] == pytest.approx(math.log(10 / 3))
    assert values["blind"] == 3
    row = values_of("box", measure([one], detection(BOX))[0])[0]
    found = dict(zip(terms_of("box"), row.tolist(), strict=True))
    assert found["taller"] == found["blind"] == found["taller * blind"] == 1


@pytest.mark.parametrize(("width", "comparable"), [(40, True), (150, True), (170, False)])
def test_a_box_across_two_people_is_none_of_them(width: int, comparable: bool) -> None:
    wide = detection(np.array([100.0, 100.0, 100.0 + width, 200.0]))
    assert (odds(person(BOX), wide) > -math.inf) is comparable
    assert (odds(person(wide.boxes[0]), detection(BOX)) > -math.inf) is comparable
    assert bool(likeness(measure([person(BOX)], wide))[0, 0] > 0) is comparable


@pytest.mark.parametrize(
    ("blind_s", "score", "pose", "early", "kind"),
    [
        (0.0, 0.8, True, 0.5, "pose and early"),
        (0.0, 0.8, True, None, "pose"),
        (0.1, 0.8, True, 0.5, "early"),
        (0.0, 0.8, False, 0.5, "early"),
        (0.1, 0.8, True, None, "box"),
        (0.0, 0.2, False, None, "weak box"),
    ],
)
def test_kinds(blind_s: float, score: float, pose: bool, early: float | None, kind: str) -> None:
    known = None if early is None else np.array([[early]])
    values = measure([person(BOX, blind_s=blind_s)], detection(BOX, score, pose=pose), known)
    assert list(KINDS)[int(kind_of(values)[0, 0])] == kind
    used = [MEASURES.index(name) for name in KINDS[kind]]
    assert not np.isnan(values[0, 0, used]).any()


def test_log_odds_sum_up_the_terms_by_name() -> None:
    found = detection(shifted(BOX, 4), 0.7)
    values = measured(person(BOX), found)
    table = {kind: {CONSTANT: 0.0} for kind in KINDS}
    table["pose"] = {CONSTANT: -2.0, "iou": 3.0, "iou * pose": 5.0, "score * score": -1.0}
    expected = -2 + 3 * values["iou"] + 5 * values["iou"] * values["pose"] - 0.7**2
    assert log_odds(measure([person(BOX)], found), table)[0, 0] == pytest.approx(expected)


def test_every_kind_has_its_terms_and_each_of_them_a_value() -> None:
    for kind, names in KINDS.items():
        terms = terms_of(kind)
        assert len(terms) == len(set(terms)) == len(names) * (len(names) + 3) // 2
        assert values_of(kind, np.ones((4, len(MEASURES)))).shape == (4, len(terms))


def test_the_fitted_table_has_known_terms_only() -> None:
    assert fitted().keys() == KINDS.keys()
    for kind, table in fitted().items():
        assert table.keys() <= {CONSTANT, *terms_of(kind)}


def test_boxes_apart_are_nobody() -> None:
    assert odds(person(BOX), detection(shifted(BOX, 60))) == -math.inf


def test_the_further_away_the_less_likely() -> None:
    steps = [odds(person(BOX), detection(shifted(BOX, x))) for x in (0, 8, 16, 24, 32)]
    assert steps[0] > 4
    assert steps[-1] < -4
    assert all(a > b for a, b in pairwise(steps))


def test_the_longer_unseen_the_less_a_box_says() -> None:
    """A perfect box becomes less likely, one at some distance more likely."""
    near, far = (
        [odds(person(BOX, blind_s=s), detection(shifted(BOX, x))) for s in (0.04, 0.4)]
        for x in (0, 16)
    )
    assert near[0] > near[1]
    assert far[0] < far[1]


def test_who_fitted_before_is_likelier() -> None:
    one, found = person(BOX, blind_s=0.06), detection(shifted(BOX, 10))
    assert odds(one, found, 0.9) > 0 > odds(one, found, 0.1)


def test_likeness_is_overlap_where_poses_cannot_be_compared() -> None:
    found = detection(shifted(BOX, 10))
    seen, blind = (measure([person(BOX, blind_s=s)], found) for s in (0.0, 0.1))
    overlap, pose = seen[0, 0, 0], seen[0, 0, MEASURES.index("pose")]
    assert likeness(blind)[0, 0] == pytest.approx(overlap)
    assert likeness(seen)[0, 0] == pytest.approx(0.3 * overlap + 0.7 * pose)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 2), (2, 0)])
def test_empty_sides(n: int, m: int) -> None:
    found = Candidates(
        np.tile(BOX, (m, 1)), np.full(m, 0.8), np.zeros((m, 17, 2)), np.zeros((m, 17))
    )
    assert log_odds(measure([person(BOX)] * n, found)).shape == (n, m)
