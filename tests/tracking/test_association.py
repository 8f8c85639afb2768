"""Who is which detection, on pictures made so that the right answer is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from hpe_volleyball.tracking.association import Match, _assign, associate
from hpe_volleyball.tracking.candidates import Candidates
from hpe_volleyball.tracking.carrying import Anchor, Carried, Place
from tests.scene import Array, joints_in

SURE = np.full(17, 0.9)
START_SCORE = 0.4


def box_at(x: float, y: float = 100.0, size: tuple[float, float] = (40.0, 100.0)) -> Array:
    return np.array([x, y, x + size[0], y + size[1]])


def person(
    box: Array,
    *,
    blind_s: float = 0.0,
    last: Array | None = None,
    undetected_s: float = 0.08,
    confirmed: bool = True,
) -> Carried:
    """Somebody carried to this box, last detected in the box `last`."""
    joints = joints_in(box)
    before = box if last is None else last
    return Carried(
        Place(box, np.zeros(2), joints, SURE, joints, blind_s),
        Anchor(before, joints_in(before), SURE),
        undetected_s,
        confirmed,
    )


def lost(box: Array, undetected_s: float = 0.5) -> Carried:
    return person(box, blind_s=undetected_s, undetected_s=undetected_s)


def detections(*rows: tuple[Array, float] | tuple[Array, float, Array]) -> Candidates:
    """Rows of box, score and, unless they are those of the box, joints; weak ones have no pose."""
    assert all(one[1] >= other[1] for one, other in pairwise(rows))
    points = [joints_in(row[0]) if len(row) == 2 else row[2] for row in rows]
    scores = [SURE if row[1] >= 0.3 else 0 * SURE for row in rows]
    return Candidates(
        np.array([row[0] for row in rows]).reshape(-1, 4),
        np.array([row[1] for row in rows], np.float64),
        np.array(points).reshape(-1, 17, 2),
        np.array(scores).reshape(-1, 17),
    )


def match(people: list[Carried], found: Candidates) -> Match:
    return associate(people, found, START_SCORE)


def test_people_are_found_where_they_were_carried_to() -> None:
    people = [person(box_at(x)) for x in (100, 180, 300)]
    found = detections((box_at(303), 0.9), (box_at(98), 0.8), (box_at(181), 0.7))
    result = match(people, found)
    assert result.pairs == {0: 1, 1: 2, 2: 0}
    assert not result.repeated.any()
    assert result.overlap.shape == (3, 3)
    assert result.overlap[0, 1] == pytest.approx(38 / 42)


def test_poses_decide_where_boxes_would_swap() -> None:
    """Two people cross; each one's detected box fits the other's carried box better."""
    a, b = box_at(100), box_at(110)
    found = detections((box_at(108), 0.9, joints_in(a)), (box_at(102), 0.8, joints_in(b)))
    people = [person(a), person(b)]
    result = match(people, found)
    assert result.overlap[0, 1] > result.overlap[0, 0]
    assert result.overlap[1, 0] > result.overlap[1, 1]
    assert result.pairs == {0: 0, 1: 1}


def test_boxes_decide_without_poses() -> None:
    people = [person(box_at(100)), person(box_at(125))]
    found = detections((box_at(127), 0.9), (box_at(103), 0.8))
    found.keypoint_scores[:] = 0
    assert match(people, found).pairs == {0: 1, 1: 0}


def test_the_same_box_with_another_pose_is_not_the_same_person() -> None:
    """Somebody else steps in front: the box hardly moves, the joints are 35 px off."""
    box = box_at(106)
    found = detections((box, 0.9, joints_in(box) + np.array([25, -25])))
    assert match([person(box_at(100))], found).pairs == {}
    found = detections((box, 0.9, joints_in(box)))
    assert match([person(box_at(100))], found).pairs == {0: 0}


def test_the_whole_of_a_person_is_taken_and_not_a_weak_part() -> None:
    """Only the head was in sight; the whole box is theirs, unless somebody else's."""
    head = box_at(100, size=(40, 35))
    found = detections((box_at(100), 0.9), (head, 0.2))
    assert match([person(head, blind_s=0.02)], found).pairs == {0: 0}
    # If the whole belongs to somebody who is there, the head is theirs too.
    both = [person(head, blind_s=0.02), person(box_at(102))]
    assert match(both, found).pairs == {1: 0}


def test_a_weak_box_beside_somebody_found_may_be_another_person() -> None:
    """Only half of it lies in the other one's box."""
    found = detections((box_at(100), 0.9), (box_at(118), 0.2))
    both = [person(box_at(100)), person(box_at(119))]
    assert match(both, found).pairs == {0: 0, 1: 1}


def test_a_strong_box_on_a_part_of_somebody_is_nobody_new() -> None:
    """The pose in it is that of the whole person, a little off."""
    whole, part = box_at(100), box_at(100, size=(40, 60))
    found = detections((part, 0.8), (whole, 0.7))
    found.keypoints[0] = found.keypoints[1] + (0, 3)
    assert match([], found).repeated.tolist() == [False, True]
    found.keypoints[0] = found.keypoints[1] + (0, 12)
    assert match([], found).repeated.tolist() == [False, False]


def test_weak_detections_are_for_known_people_only() -> None:
    weak = detections((box_at(101), 0.2))
    assert match([person(box_at(100))], weak).pairs == {0: 0}
    assert match([person(box_at(100), confirmed=False)], weak).pairs == {}
    assert match([lost(box_at(100))], weak).pairs == {}


@pytest.mark.parametrize(("away", "again"), [(6, True), (13, False)])
def test_a_weak_detection_must_lie_close(away: float, again: bool) -> None:
    """Most of them are nobody: log-odds that are enough for a strong one are not enough."""
    found = detections((box_at(100 + away), 0.2))
    result = match([person(box_at(100))], found)
    assert result.pairs == ({0: 0} if again else {})
    assert result.odds[0, 0] > -3


@pytest.mark.parametrize(
    ("score", "overlap", "blind_s", "better"),
    [
        (0.2, 0.81, 0.0, True),
        (0.2, 0.79, 0.0, False),
        (0.2, 0.79, 0.04, True),  # of somebody who is not seen any box is better
        (0.9, 0.5, 0.0, True),
    ],
)
def test_a_weak_box_of_somebody_who_is_seen_must_be_almost_the_same_to_be_better(
    score: float, overlap: float, blind_s: float, better: bool
) -> None:
    somebody = person(box_at(100), blind_s=blind_s)
    found = detections((box_at(100), score))
    pair = Match({0: 0}, np.array([False]), np.array([[overlap]]), np.array([[5.0]]))
    assert pair.better_boxes([somebody.place], found) == ({0: 0} if better else {})


def test_strong_detections_come_before_weak_ones() -> None:
    """A weak box fits better, yet the strong one is taken."""
    found = detections((box_at(108), 0.9), (box_at(100), 0.2))
    assert match([person(box_at(100))], found).pairs == {0: 0}


def test_a_new_person_needs_a_second_strong_detection() -> None:
    people = [person(box_at(100), confirmed=False)]
    assert match(people, detections((box_at(104), 0.5))).pairs == {0: 0}
    assert match(people, detections((box_at(150), 0.5))).pairs == {}


def test_confirmed_people_come_before_new_ones() -> None:
    people = [person(box_at(100), confirmed=False), person(box_at(112))]
    assert match(people, detections((box_at(101), 0.9))).pairs == {1: 0}


def test_a_double_box_is_neither_matched_nor_new() -> None:
    """A half box with the pose of the person whose whole box was found too."""
    whole, half = box_at(100), box_at(100, size=(40, 55))
    found = detections((whole, 0.9), (half, 0.5, joints_in(whole)))
    result = match([person(whole), lost(half)], found)
    assert result.pairs == {0: 0}
    assert result.repeated.tolist() == [False, True]


def test_a_weak_double_does_not_confirm_a_second_track() -> None:
    """Two tracks have got hold of one person, whom the detector sees strongly and weakly."""
    people = [person(box_at(100)), person(box_at(102))]
    result = match(people, detections((box_at(100), 0.9), (box_at(107), 0.2)))
    assert result.pairs == {0: 0}
    assert result.repeated.tolist() == [False, True]


def test_a_neighbour_with_an_own_pose_is_no_double() -> None:
    found = detections((box_at(100), 0.9), (box_at(115), 0.5))
    result = match([], found)
    assert not result.repeated.any()


def test_a_double_of_somebody_in_the_place_of_another_known_person_is_that_person() -> None:
    """Two people hide each other: in the box of the one behind, the pose of the other is found."""
    front, behind = box_at(100), box_at(114)
    found = detections((front, 0.9), (behind, 0.8, joints_in(front)))
    alone = match([person(front)], found)
    assert alone.repeated.tolist() == [False, True]
    both = match([person(front), person(behind, blind_s=0.04)], found)
    assert both.pairs == {0: 0, 1: 1}
    assert not both.repeated.any()


def test_only_people_known_just_now_part_a_double_from_its_other() -> None:
    front, behind = box_at(100), box_at(114)
    found = detections((front, 0.9), (behind, 0.8, joints_in(front)))
    assert match([person(front), lost(behind)], found).pairs == {0: 0}
    assert match([person(front), person(behind, confirmed=False)], found).pairs == {0: 0}
    # Nobody else is at the better one: the two show one person.
    alone = match([person(behind, blind_s=0.04)], found)
    assert alone.pairs == {0: 0}
    assert alone.repeated.tolist() == [False, True]


def test_a_better_double_of_what_somebody_took_is_nobody_new() -> None:
    """The whole box scores less than half of it, and fits the person better."""
    whole, half = box_at(100), box_at(100, size=(40, 55))
    found = detections((half, 0.9, joints_in(whole)), (whole, 0.6))
    result = match([person(whole), person(box_at(112))], found)
    assert result.pairs == {0: 1}
    assert result.repeated.tolist() == [True, False]
    assert result.unmatched_detections(found, START_SCORE) == []


def test_what_covers_a_found_person_is_a_double() -> None:
    """A second box on somebody who was found, whose joints are those of nobody."""
    upside_down = joints_in(box_at(104))[:, ::-1]
    found = detections((box_at(100), 0.9), (box_at(104), 0.5, upside_down))
    assert not match([], found).repeated.any()
    result = match([person(box_at(100)), lost(box_at(145))], found)
    assert result.pairs == {0: 0}
    assert result.repeated.tolist() == [False, True]


def test_a_person_seen_elsewhere_is_not_pulled_to_a_far_detection() -> None:
    """Whose pose shows where they are stays there; a blind person in reach is taken instead."""
    found = detections((box_at(145), 0.9))
    assert match([person(box_at(100), undetected_s=0.5)], found).pairs == {}
    assert match([lost(box_at(100))], found).pairs == {0: 0}


@pytest.mark.parametrize(
    ("undetected_s", "way", "again"),
    [
        (0.02, 55, True),
        (0.02, 75, False),
        (0.3, 110, True),
        (0.3, 130, False),
        (0.9, 145, True),
        (0.9, 155, False),
    ],
)
def test_a_lost_person_turns_up_within_reach(undetected_s: float, way: float, again: bool) -> None:
    """Reach in body lengths of 100 px: 0.6 and 2 for each second, at most 1.5."""
    found = detections((box_at(100 + way), 0.9))
    assert match([lost(box_at(100), undetected_s)], found).pairs == ({0: 0} if again else {})


def test_reach_counts_from_the_last_detection_too() -> None:
    """A person drifted off blindly, and turns up where the last detection was."""
    drifted = person(box_at(260), blind_s=0.1, last=box_at(100), undetected_s=0.1)
    assert match([drifted], detections((box_at(110), 0.9))).pairs == {0: 0}


@pytest.mark.parametrize(("height", "again"), [(45, True), (35, False), (200, True), (300, False)])
def test_a_lost_person_turns_up_in_about_the_same_size(height: float, again: bool) -> None:
    found = detections((box_at(145, 150 - height / 2, (40, height)), 0.9))
    assert match([lost(box_at(100))], found).pairs == ({0: 0} if again else {})


def test_who_turns_up_must_score_as_high_as_somebody_new() -> None:
    person_lost = [lost(box_at(100))]
    assert match(person_lost, detections((box_at(145), START_SCORE))).pairs == {0: 0}
    assert match(person_lost, detections((box_at(145), START_SCORE - 0.05))).pairs == {}


@pytest.mark.parametrize(("score", "again"), [(0.55, False), (0.45, True)])
def test_a_faint_pose_in_the_background_holds_nobody_back(score: float, again: bool) -> None:
    """Somebody jumped down, and the pose model saw something where they had stood."""
    stayed = person(box_at(100), undetected_s=0.3)
    faint = replace(stayed, place=replace(stayed.place, scores=np.full(17, score)))
    assert match([faint], detections((box_at(110, 170), 0.8))).pairs == ({0: 0} if again else {})


def test_of_two_lost_people_the_nearer_one_turns_up() -> None:
    people = [lost(box_at(100)), lost(box_at(200))]
    assert match(people, detections((box_at(165), 0.9))).pairs == {1: 0}


def test_somebody_carried_out_below_the_picture_has_no_height() -> None:
    below = np.array([100.0, 720.0, 140.0, 720.0])
    away = person(below, blind_s=0.2, last=box_at(100, 640, (40, 80)), undetected_s=0.2)
    assert match([away], detections((box_at(300), 0.9))).pairs == {}


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 2), (2, 0)])
def test_empty_sides(n: int, m: int) -> None:
    result = match(
        [person(box_at(100 * i)) for i in range(n)],
        detections(*((box_at(100 * j), 0.9) for j in range(m))),
    )
    assert result.pairs == {}
    assert result.overlap.shape == (n, m)
    assert result.repeated.tolist() == [False] * m


def random_crowd(rng: np.random.Generator) -> tuple[list[Carried], Candidates]:
    """People and detections in a small place, many of them on top of each other."""

    def somewhere() -> Array:
        x, y, width, height = rng.uniform((0, 0, 30, 30), (200, 200, 120, 120))
        return box_at(x, y, (width, height))

    people = [
        person(
            somewhere(),
            blind_s=float(rng.choice([0, 0.02, 0.3])),
            last=somewhere(),
            undetected_s=float(rng.uniform(0, 1)),
            confirmed=bool(rng.random() < 0.8),
        )
        for _ in range(rng.integers(0, 9))
    ]
    boxes = [somewhere() for _ in range(rng.integers(0, 9))]
    boxes += [p.place.box + rng.normal(0, 4, 4) for p in people for _ in range(rng.integers(0, 3))]
    scores = np.sort(rng.uniform(0.1, 0.95, len(boxes)))[::-1]
    return people, detections(*zip(boxes, scores.tolist(), strict=True))


def test_nobody_is_used_twice() -> None:
    matched = repeated = 0
    for seed in range(400):
        people, found = random_crowd(np.random.default_rng(seed))
        result = match(people, found)
        rows, columns = list(result.pairs), list(result.pairs.values())
        assert len(set(columns)) == len(columns)
        assert set(rows) <= set(range(len(people)))
        assert set(columns) <= set(range(len(found.boxes)))
        assert not result.repeated[columns].any()
        new = {i for i, one in enumerate(people) if not one.confirmed}
        weak = set(np.flatnonzero(found.scores < 0.3).tolist())
        assert not [i for i in new if result.pairs.get(i) in weak]
        matched += len(columns)
        repeated += int(result.repeated.sum())
    assert matched > 1000
    assert repeated > 30


def test_a_sure_pair_is_not_given_up_for_two_poor_ones() -> None:
    pairs: dict[int, int] = {}
    everybody = np.ones(2, np.bool_)
    _assign(np.array([[0.95, 0.55], [0.7, 0.3]]), 0.4, everybody, everybody, pairs)
    assert pairs == {0: 0}
