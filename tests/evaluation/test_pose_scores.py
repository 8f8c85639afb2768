"""Scores of poses against a reference scorer (pycocotools) and against known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pycocotools.cocoeval import COCOeval

from hpe_volleyball.errors import ResultError
from hpe_volleyball.evaluation.pose_scores import pose_agreement
from hpe_volleyball.similarity import oks
from hpe_volleyball.skeleton import COCO_SIGMAS
from tests.evaluation.sides import all_pairs, at, people, posed


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


def test_quantiles_of_known_distances() -> None:
    """51 joints that are 0, 1, ... 50 px away; the box is 200 px high."""
    truth, found = posed(), posed()
    assert found.keypoints is not None
    found.keypoints[..., 0] += np.arange(51).reshape(3, 17)
    scores = pose_agreement(truth, found, all_pairs(truth))
    assert [scores.median_px, scores.p95_px] == pytest.approx([25, 47.5], rel=1e-4)
    assert [scores.median_share, scores.p95_share] == pytest.approx([0.125, 0.2375], rel=1e-4)


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
