"""Scores of tracks against a reference scorer (trackers.eval) and against known answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from trackers.eval import box_iou as reference_iou
from trackers.eval import compute_clear_metrics, compute_identity_metrics

from hpe_volleyball.evaluation.people import People
from hpe_volleyball.evaluation.track_scores import TrackScores, track_agreement
from hpe_volleyball.similarity import box_iou
from tests.evaluation.sides import NOBODY, at, box_from, people


def random_sides(seed: int) -> tuple[People, People]:
    """Walking people, and a run over them with misses, swaps, false boxes, births and deaths."""
    rng = np.random.default_rng(seed)
    frames, n = int(rng.integers(5, 60)), int(rng.integers(1, 9))
    spread = rng.choice([60.0, 200.0, 800.0])
    position = rng.uniform(0, spread, (n, 2))
    born = rng.integers(0, frames // 2, n)
    dies = born + rng.integers(2, frames, n)
    names = rng.permutation(n)
    miss, false, swap, jitter = rng.uniform(0, [0.4, 0.3, 0.2, 12])
    left, right, next_id = [], [], n
    for frame in range(frames):
        position += rng.normal(0, 6, (n, 2))
        if rng.random() < swap and n > 1:
            one, other = rng.choice(n, 2, replace=False)
            names[[one, other]] = names[[other, one]]
        if rng.random() < swap / 2:
            names[rng.integers(n)], next_id = next_id, next_id + 1
        blank = rng.random()  # whole frames without truth or without a result
        for i in range(n):
            corner = position[i]
            if born[i] <= frame < dies[i] and blank > 0.05:
                left.append((frame, i, box_from(corner)))
            if born[i] <= frame < dies[i] + 3 and rng.random() > miss and blank < 0.95:
                shifted = corner + rng.normal(0, jitter, 2)
                right.append((frame, int(names[i]), box_from(shifted)))
        if rng.random() < false and blank < 0.95:
            corner = rng.uniform(0, spread, 2)
            right.append((frame, next_id, box_from(corner)))
            next_id += 1
    return people(left), people(right)


def reference_scores(left: People, right: People, iou: float) -> dict[str, Any]:
    """CLEAR and identity scores by `trackers.eval`, which is checked against TrackEval itself."""
    last = max([0, *left.frame.tolist(), *right.frame.tolist()])
    sides: list[list[NDArray[Any]]] = []
    for side in (left, right):
        ids = np.unique(side.ids, return_inverse=True)[1]
        sides.append([ids[side.frame == f] for f in range(last + 1)])
    overlaps = [
        reference_iou(
            left.boxes[left.frame == f].astype(np.float64),
            right.boxes[right.frame == f].astype(np.float64),
        )
        for f in range(last + 1)
    ]
    return {
        **compute_clear_metrics(sides[0], sides[1], overlaps, iou),
        **compute_identity_metrics(sides[0], sides[1], overlaps, iou),
    }


def assert_equal(ours: TrackScores, theirs: dict[str, Any]) -> None:
    """All scores are the same; where there is nothing to take a share of, theirs are 0."""
    wanted, given = len(ours.pairs) + ours.misses, len(ours.pairs) + ours.false_boxes
    assert ours.switches == theirs["IDSW"]
    assert ours.fragmentations == theirs["Frag"]
    assert ours.misses == theirs["CLR_FN"]
    assert ours.false_boxes == theirs["CLR_FP"]
    assert len(ours.pairs) == theirs["CLR_TP"]
    for name, value, whole in (
        ("MOTA", ours.mota, wanted),
        ("CLR_Re", ours.recall, wanted),
        ("CLR_Pr", ours.precision, given),
        ("MOTP", ours.box_iou, len(ours.pairs)),
        ("IDF1", ours.idf1, wanted + given),
        ("IDP", ours.idp, given),
        ("IDR", ours.idr, wanted),
    ):
        assert np.isnan(value) == (whole == 0), name
        assert (value if whole else 0.0) == pytest.approx(theirs[name], abs=1e-12), name


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_tracks_equal_the_reference_scorer(first: int) -> None:
    for seed in range(first, first + 50):
        left, right = random_sides(seed)
        iou = (0.5, 0.3, 0.75)[seed % 3]
        assert_equal(track_agreement(left, right, iou=iou), reference_scores(left, right, iou))


def test_random_sides_are_a_real_trial() -> None:
    """The comparison above means something only if there is much to get wrong."""
    scores = [track_agreement(*random_sides(seed)) for seed in range(50)]
    assert sum(s.switches for s in scores) > 100
    assert sum(s.fragmentations for s in scores) > 100
    assert sum(s.false_boxes for s in scores) > 100
    assert len({round(s.idf1, 3) for s in scores}) > 40


@pytest.mark.parametrize("sides", [(0, 1), (1, 0), (0, 0)])
def test_empty_sides_equal_the_reference_scorer(sides: tuple[int, int]) -> None:
    someone = people([(0, 1, at(0)), (1, 1, at(5)), (1, 2, at(200))])
    left, right = ((NOBODY, someone)[side] for side in sides)
    ours = track_agreement(left, right)
    assert_equal(ours, reference_scores(left, right, 0.5))
    assert (ours.misses, ours.false_boxes) == (3 * sides[0], 3 * sides[1])
    assert ours.pairs.shape == (0, 2)


def test_identical_runs_agree_wholly() -> None:
    left, _ = random_sides(4)
    scores = track_agreement(left, replace(left, ids=left.ids + 100))
    assert (scores.idf1, scores.idp, scores.idr, scores.mota) == (1, 1, 1, 1)
    assert (scores.recall, scores.precision) == (1, 1)
    assert scores.box_iou == pytest.approx(1)
    assert (scores.switches, scores.misses, scores.false_boxes) == (0, 0, 0)
    assert scores.reference_ids == scores.result_ids == len(np.unique(left.ids))
    assert (scores.pairs[:, 0] == scores.pairs[:, 1]).all()
    assert sorted(scores.pairs[:, 0]) == list(range(len(left.ids)))


def test_one_swap() -> None:
    """Two people over 10 frames trade ids after 7: two switches, 14 of 20 boxes named right."""
    left = people([(f, i, at(300 * i)) for f in range(10) for i in (1, 2)])
    right = people(
        [(f, i if f < 7 else 3 - i, at(300 * i)) for f in range(10) for i in (1, 2)],
    )
    scores = track_agreement(left, right)
    assert scores.switches == 2
    assert scores.idf1 == scores.idp == scores.idr == pytest.approx(0.7)
    assert scores.mota == pytest.approx(1 - 2 / 20)
    assert scores.recall == scores.precision == 1
    assert scores.fragmentations == 0


def test_one_interruption() -> None:
    """One of two people is missed in frame 2 of 5; the id comes back."""
    left = people([(f, i, at(300 * i)) for f in range(5) for i in (1, 2)])
    right = people([(f, i, at(300 * i)) for f in range(5) for i in (1, 2) if (f, i) != (2, 1)])
    scores = track_agreement(left, right)
    assert (scores.fragmentations, scores.switches, scores.misses) == (1, 0, 1)
    assert scores.recall == pytest.approx(0.9)
    assert scores.idf1 == pytest.approx(9 / 9.5)


def test_pairs_of_the_frame_before_are_kept() -> None:
    """In frame 1 the boxes fit the other person better, yet well enough their own."""
    left = people([(0, 1, at(0)), (0, 2, at(15)), (1, 1, at(0)), (1, 2, at(15))])
    right = people([(0, 1, at(0)), (0, 2, at(15)), (1, 1, at(12)), (1, 2, at(3))])
    scores = track_agreement(left, right)
    assert scores.switches == 0
    assert scores.box_iou == pytest.approx((2 + 2 * 38 / 62) / 4)


def test_only_the_given_frames_count() -> None:
    left = people([(f, 1, at(0)) for f in range(10)])
    right = people([(f, 1, at(0)) for f in range(6)])
    assert track_agreement(left, right).misses == 4
    scores = track_agreement(left, right, frames=np.arange(6))
    assert (scores.misses, scores.idf1, len(scores.pairs)) == (0, 1, 6)
    later = track_agreement(left, right, frames=np.array([5, 3, 3, 77]))
    assert later.pairs.tolist() == [[3, 3], [5, 5]]


def test_ignored_people_are_neither_missed_nor_false() -> None:
    left = people(
        [(f, i, at(300 * i)) for f in range(4) for i in (1, 2, 3)],
        ignored=np.array([False, True, True] * 4),
    )
    # Person 2 is found, person 3 is not; a box far from everybody stays false.
    right = people(
        [(f, i, at(300 * i)) for f in range(4) for i in (1, 2)] + [(3, 9, at(5000))],
    )
    scores = track_agreement(left, right)
    assert (scores.misses, scores.false_boxes, scores.switches) == (0, 1, 0)
    assert scores.recall == 1
    assert scores.precision == pytest.approx(4 / 5)
    assert (scores.reference_ids, scores.result_ids) == (1, 2)
    assert scores.idf1 == pytest.approx(4 / 4.5)
    assert left.ids[scores.pairs[:, 0]].tolist() == [1] * 4
    assert right.ids[scores.pairs[:, 1]].tolist() == [1] * 4


def test_a_box_that_fits_a_counted_person_better_is_not_ignored() -> None:
    left = people([(0, 1, at(0)), (0, 2, at(20))], ignored=np.array([False, True]))
    assert track_agreement(left, people([(0, 1, at(4))])).recall == 1
    scores = track_agreement(left, people([(0, 1, at(17))]))
    assert (scores.recall, scores.false_boxes, scores.misses) == (0, 0, 1)


def test_somebody_hidden_does_not_take_over_the_box_in_front() -> None:
    """For one frame the sum of overlaps is largest if both people exchange their boxes."""
    reference = [(f, i, at(x)) for f in range(3) for i, x in ((1, 0), (2, 12))]
    found = [
        (f, i, at(x))
        for f, pair in enumerate(((0, 12), (4, -10), (0, 12)))
        for i, x in zip((1, 2), pair, strict=True)
    ]
    left = people(reference, ignored=np.array([False, True] * 3))
    right = people(found)
    scores = track_agreement(left, right)
    assert (scores.switches, scores.misses, scores.false_boxes) == (0, 0, 0)
    assert right.ids[scores.pairs[:, 1]].tolist() == [1, 1, 1]
    assert scores.idf1 == 1


def test_a_switch_behind_somebody_is_counted_when_both_are_seen_again() -> None:
    left = people(
        [(f, i, at(200 * i)) for f in range(4) for i in (1, 2)],
        ignored=np.array([False, False, False, True, False, True, False, False]),
    )
    right = people([(f, i if f < 2 else 3 - i, at(200 * i)) for f in range(4) for i in (1, 2)])
    scores = track_agreement(left, right)
    assert scores.switches == 2


def test_box_iou_known_values() -> None:
    one = np.array([[0, 0, 10, 10], [5, 5, 5, 5]], np.float32)
    other = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [5, 5, 5, 5]], np.float32)
    assert box_iou(one, other) == pytest.approx(np.array([[1, 1 / 3, 0, 0], [0, 0, 0, 0]]))
    assert box_iou(one[:0], other).shape == (0, 4)
