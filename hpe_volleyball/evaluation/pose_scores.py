"""Scores of poses: COCO's object keypoint similarity, PCK and distances of joints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import ResultError
from hpe_volleyball.evaluation.people import People, Rows
from hpe_volleyball.similarity import oks
from hpe_volleyball.skeleton import COCO_SIGMAS

PCK_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class PoseScores:
    """Agreement of the poses of matched people; NaN where nothing could be compared."""

    people: int
    joints: int
    oks: float
    """Mean object keypoint similarity over people, of the 17 COCO joints."""
    pck: float
    """Share of joints within 0.1 of the longer side of the reference's box."""
    median_px: float
    p95_px: float
    median_share: float
    """Median distance of joints as a share of the height of the reference's box."""
    p95_share: float


def pose_agreement(
    reference: People, result: People, pairs: Rows, *, min_score: float = 0.0
) -> PoseScores:
    """Score the poses of matched people.

    Only joints count that the reference scores above `min_score`; a person without any is left
    out. OKS takes the area of the reference's box, where COCO takes that of the person's outline
    (about half of it), so values are higher than COCO's. It is of the 17 COCO joints, with which
    every skeleton here begins, because only their sigmas are agreed on. All joints count for the
    other scores; where the sides have different skeletons, the 17.

    Args:
        reference: What is taken as right, with keypoints.
        result: What is scored, with keypoints.
        pairs: int64 [M, 2], matched rows of the two, as in `TrackScores.pairs`.
        min_score: 0 counts every joint that a truth marks as visible; between runs, take the
            score below which a joint is not trusted.

    Raises:
        ResultError: A side has no keypoints, or fewer than COCO's.
    """
    counts = [0 if p.keypoints is None else p.keypoints.shape[1] for p in (reference, result)]
    common = len(COCO_SIGMAS)
    if reference.keypoints is None or result.keypoints is None or min(counts) < common:
        raise ResultError(
            f"found {counts[0]} and {counts[1]} keypoints per person, expected at least COCO's "
            f"{common} on both sides; compare runs with poses"
        )
    used = counts[0] if counts[0] == counts[1] else common
    left, right = pairs[:, 0], pairs[:, 1]
    truth = reference.keypoints[left, :used].astype(np.float64)
    distance = np.linalg.norm(truth - result.keypoints[right, :used], axis=-1)
    visible = np.ones(distance.shape, np.bool_)
    if reference.keypoint_scores is not None:
        visible = reference.keypoint_scores[left, :used] > min_score
    sides = np.diff(reference.boxes[left].astype(np.float64).reshape(-1, 2, 2), axis=1)[:, 0]
    similarity = oks(distance[:, :common] ** 2, visible[:, :common], np.prod(sides, axis=1))
    px = distance[visible]
    share = (distance / sides[:, 1:])[visible]
    near = (distance <= PCK_SHARE * sides.max(axis=1, keepdims=True))[visible]
    return PoseScores(
        people=int(visible.any(axis=1).sum()),
        joints=len(px),
        oks=_mean(similarity[visible[:, :common].any(axis=1)]),
        pck=_mean(near),
        median_px=_quantile(px, 0.5),
        p95_px=_quantile(px, 0.95),
        median_share=_quantile(share, 0.5),
        p95_share=_quantile(share, 0.95),
    )


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _quantile(values: NDArray[np.float64], q: float) -> float:
    return float(np.quantile(values, q)) if len(values) else float("nan")
