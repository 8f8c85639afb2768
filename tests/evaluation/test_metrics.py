"""Scores against reference scorers (trackers.eval, pycocotools) and against known answers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.cocoeval import COCOeval
from trackers.eval import box_iou as reference_iou
from trackers.eval import compute_clear_metrics, compute_identity_metrics

from hpe_volleyball.errors import ResultError
from hpe_volleyball.evaluation.metrics import (
    People,
    TrackScores,
    compare,
    pose_agreement,
    track_agreement,
)
from hpe_volleyball.skeleton import COCO_SIGMAS
from hpe_volleyball.tracking.similarity import box_iou, oks

Box = tuple[float, float, float, float]


def people(rows: list[tuple[int, int, Box]], **more: Any) -> People:
    """Rows of (frame, id, box)."""
    return People(
        frame=np.array([r[0] for r in rows], np.int64),
        ids=np.array([r[1] for r in rows], np.int32),
        boxes=np.array([r[2] for r in rows], np.float32).reshape(-1, 4),
        **more,
    )


def at(x: float) -> Box:
    """A box of 50 x 100 px; two of them overlap only where x differs by less than 50."""
    return (x, 0.0, x + 50, 100.0)


def box_from(corner: NDArray[np.float64]) -> Box:
    x, y = corner.tolist()
    return (x, y, x + 50, y + 100)


NOBODY = people([])


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


def posed(
    shift: tuple[float, float] = (0, 0), *, keypoints: int = 17, n: int = 3, **more: Any
) -> People:
    """`n` frames of one person in a box of 100 x 200 px, all joints shifted by `shift`."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 100, (n, keypoints, 2)) + shift
    rows = [(f, 1, (0.0, 0.0, 100.0, 200.0)) for f in range(n)]
    return people(rows, keypoints=points.astype(np.float32), **more)


def all_pairs(side: People) -> NDArray[np.int64]:
    rows = np.arange(len(side.ids))
    return np.stack((rows, rows), axis=1)


def test_known_joint_shift() -> None:
    """A shift of 5 px everywhere; the area is 20,000 px², the longer side 200 px."""
    truth, found = posed(), posed((3, 4))
    scores = pose_agreement(truth, found, all_pairs(truth))
    expected = np.mean([math.exp(-25 / (2 * 20_000 * (2 * s) ** 2)) for s in COCO_SIGMAS])
    assert scores.oks == pytest.approx(expected, rel=1e-5)
    assert scores.pck == 1
    assert (scores.people, scores.joints) == (3, 51)
    assert [scores.median_px, scores.p95_px] == pytest.approx([5, 5], rel=1e-4)
    assert [scores.median_share, scores.p95_share] == pytest.approx([0.025, 0.025], rel=1e-4)


def test_pck_is_of_the_longer_side() -> None:
    truth, found = posed(), posed()
    assert found.keypoints is not None
    found.keypoints[:, :5, 0] += 19.9  # within a tenth of 200 px, not of 100 px
    found.keypoints[:, 5:8, 0] += 20.1
    assert pose_agreement(truth, found, all_pairs(truth)).pck == pytest.approx(14 / 17)


def test_hidden_joints_do_not_count() -> None:
    scores = np.ones((3, 17), np.float32)
    scores[:, 3] = 0
    scores[1] = 0
    truth, found = posed(keypoint_scores=scores), posed()
    assert found.keypoints is not None
    found.keypoints[:, 3] += 500
    found.keypoints[1] += 500
    agreement = pose_agreement(truth, found, all_pairs(truth))
    assert (agreement.people, agreement.joints) == (2, 32)
    assert (agreement.oks, agreement.pck, agreement.p95_px) == (1, 1, 0)


def test_min_score_leaves_out_what_the_reference_does_not_trust() -> None:
    scores = np.full((3, 17), 0.8, np.float32)
    scores[:, 10:] = 0.3
    truth, found = posed(keypoint_scores=scores), posed()
    assert pose_agreement(truth, found, all_pairs(truth)).joints == 51
    assert pose_agreement(truth, found, all_pairs(truth), min_score=0.3).joints == 30


def test_only_matched_rows_are_compared() -> None:
    truth, found = posed(n=4), posed(n=4)
    assert found.keypoints is not None
    found.keypoints[0] += 50
    assert pose_agreement(truth, found, np.array([[1, 1], [3, 3]])).oks == 1
    assert pose_agreement(truth, found, np.array([[1, 2]])).oks < 0.9


@pytest.mark.parametrize("keypoints", [26, 133])
def test_oks_of_other_skeletons_is_of_cocos_joints(keypoints: int) -> None:
    truth, found = posed(keypoints=keypoints), posed(keypoints=keypoints)
    assert found.keypoints is not None
    found.keypoints[:, 17:] += 500
    agreement = pose_agreement(truth, found, all_pairs(truth))
    assert agreement.oks == 1
    assert agreement.joints == 3 * keypoints
    assert agreement.pck == pytest.approx(17 / keypoints)


def test_different_skeletons_are_compared_in_cocos_joints() -> None:
    truth, found = posed(), posed(keypoints=26)
    assert found.keypoints is not None
    assert truth.keypoints is not None
    found.keypoints[:, :17] = truth.keypoints
    agreement = pose_agreement(truth, found, all_pairs(truth))
    assert (agreement.joints, agreement.oks) == (51, 1)


def test_oks_equals_pycocotools() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        truth = rng.uniform(0, 200, (17, 2))
        found = truth + rng.normal(0, rng.uniform(0, 30), (17, 2))
        seen = rng.random(17) < rng.uniform(0.2, 1)
        seen[0] = True
        area = float(rng.uniform(100, 40_000))
        judge = COCOeval(None, None, "keypoints")
        keypoints = np.column_stack((truth, 2 * seen)).ravel().tolist()
        judge._gts[1, 1] = [{"keypoints": keypoints, "area": area, "bbox": [0, 0, 1, 1]}]
        judge._dts[1, 1] = [
            {"keypoints": np.column_stack((found, np.ones(17))).ravel().tolist(), "score": 1.0}
        ]
        distance = np.linalg.norm(truth - found, axis=1)[None]
        ours = oks(distance**2, seen[None], np.array([area]))[0]
        assert ours == pytest.approx(judge.computeOks(1, 1)[0, 0], abs=1e-12)


def test_nothing_matched_gives_nan_poses() -> None:
    truth = posed()
    empty = np.zeros((0, 2), np.int64)
    agreement = pose_agreement(truth, truth, empty)
    assert (agreement.people, agreement.joints) == (0, 0)
    assert all(math.isnan(v) for v in (agreement.oks, agreement.pck, agreement.median_px))


def test_poses_are_needed() -> None:
    bare = people([(0, 1, at(0))])
    with pytest.raises(ResultError, match="found 17 and 0 keypoints"):
        pose_agreement(posed(), bare, np.zeros((0, 2), np.int64))
    with pytest.raises(ResultError, match="found 5 and 17 keypoints"):
        pose_agreement(posed(keypoints=5), posed(), np.zeros((0, 2), np.int64))


def test_compare_bundles_both() -> None:
    both = compare(posed(), posed((3, 4)))
    assert both.tracks.idf1 == 1
    assert both.poses is not None
    assert both.poses.median_px == pytest.approx(5, rel=1e-4)
    rows = dict(both.rows())
    assert rows["IDF1"] == "1.000"
    assert rows["joint distance, median"] == "5.00 px (2.50%)"
    assert rows["PCK@0.1"] == "1.000"

    bare = compare(posed(), people([(0, 1, (0.0, 0.0, 100.0, 200.0))]))
    assert bare.poses is None
    assert "OKS" not in dict(bare.rows())
    assert dict(bare.rows())["missed boxes"] == "2"


def test_a_table_has_no_numbers_where_there_was_nobody() -> None:
    nobody = posed(n=0)
    rows = dict(compare(nobody, nobody).rows())
    shares = ("IDF1", "IDP", "IDR", "MOTA", "recall", "precision", "box IoU", "OKS", "PCK@0.1")
    assert {rows[name] for name in shares} == {"-"}
    assert rows["joint distance, median"] == rows["joint distance, p95"] == "-"
    assert (rows["matched boxes"], rows["ids, result"]) == ("0", "0")
    missed = dict(compare(posed(), nobody).rows())
    assert (missed["IDF1"], missed["recall"], missed["precision"]) == ("0.000", "0.000", "-")


def test_compare_passes_its_options_on() -> None:
    scores = np.full((3, 17), 0.2, np.float32)
    truth = posed(keypoint_scores=scores)
    both = compare(truth, posed(), frames=np.array([0, 1]), min_score=0.3)
    assert both.poses is not None
    assert both.poses.joints == 0
    assert len(both.tracks.pairs) == 2
    shifted = replace(truth, boxes=truth.boxes + np.float32(20))
    assert len(compare(truth, shifted, iou=0.9).tracks.pairs) == 0


def test_people_are_checked() -> None:
    with pytest.raises(ValueError, match=r"People.boxes: expected shape \(2, 4\)"):
        People(np.arange(2), np.ones(2, np.int32), np.zeros((3, 4), np.float32))
    with pytest.raises(ValueError, match=r"People.keypoint_scores: expected shape \(3, 17\)"):
        posed(keypoint_scores=np.ones((3, 16), np.float32))
    with pytest.raises(ResultError, match="frame numbers go back"):
        people([(1, 1, at(0)), (0, 1, at(0))])
    with pytest.raises(ResultError, match="id 7 comes twice in frame 3"):
        people([(3, 7, at(0)), (3, 2, at(100)), (3, 7, at(200))])
