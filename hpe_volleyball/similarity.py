"""How alike two boxes or two poses are: IoU and OKS."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.skeleton import BODY, COCO_SIGMAS

_EPSILON = float(np.finfo(np.float64).eps)
_MINUS_TWO_VARIANCES = -2 * (2 * np.array(COCO_SIGMAS)) ** 2
_SEEN_SCORE, _COMMON_JOINTS = 0.3, 4
"""Joints below this score are not compared, nor are poses with fewer joints in common than this."""


def box_iou(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Intersection over union of boxes [n, 4] with boxes [m, 4]: float64 [n, m]."""
    shared = _shared_area(a, b)
    union = _area(a)[:, None] + _area(b) - shared
    overlap: NDArray[np.float64] = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return overlap


def share_inside(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Which part of each of the boxes [n, 4] lies inside each of [m, 4]: float64 [n, m]."""
    shared, area = _shared_area(a, b), _area(a)[:, None]
    share: NDArray[np.float64] = np.divide(shared, area, out=np.zeros_like(shared), where=area > 0)
    return share


def _shared_area(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    low = np.maximum(a[:, None, :2], b[:, :2])
    sides = np.minimum(a[:, None, 2:], b[:, 2:]).astype(np.float64, copy=False) - low
    np.maximum(sides, 0, out=sides)
    return np.asarray(sides[..., 0] * sides[..., 1])


def _area(boxes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    sides = boxes[:, 2:].astype(np.float64, copy=False) - boxes[:, :2]
    return np.asarray(sides[:, 0] * sides[:, 1])


def oks(
    distance_sq: NDArray[np.float64], visible: NDArray[np.bool_], area: NDArray[np.float64]
) -> NDArray[np.float64]:
    """COCO's object keypoint similarity, float64 [...]; 0 for a person without visible joints.

    Formula: cocodataset.org, keypoint evaluation.

    Args:
        distance_sq: float64 [..., 17], px².
        visible: bool [..., 17], the joints that count.
        area: float64 [...], of the person, px².
    """
    alike = np.exp(distance_sq / (_MINUS_TWO_VARIANCES * (area[..., None] + _EPSILON)))
    alike *= visible
    similarity: NDArray[np.float64] = alike.sum(axis=-1) / np.maximum(1, visible.sum(axis=-1))
    return similarity


def pose_similarity(
    a: tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]],
    b: tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]],
    area: NDArray[np.float64],
) -> NDArray[np.float64]:
    """OKS of n poses with m poses, over the COCO joints that both saw.

    Args:
        a: Keypoints [n, K, 2] and scores [n, K].
        b: Keypoints [m, K, 2] and scores [m, K].
        area: float64 [m], px², of the people of `b`.

    Returns:
        float64 [n, m], NaN where the poses have too few joints in common to be compared.
    """
    way = a[0][:, None, BODY].astype(np.float64, copy=False) - b[0][None, :, BODY]
    way *= way
    seen = (a[1][:, None, BODY] >= _SEEN_SCORE), (b[1][None, :, BODY] >= _SEEN_SCORE)
    visible = seen[0] & seen[1]
    similarity = oks(way[..., 0] + way[..., 1], visible, area)
    return np.where(visible.sum(axis=-1) >= _COMMON_JOINTS, similarity, np.nan)
