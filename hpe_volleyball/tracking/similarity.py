"""How alike two boxes or two poses are: IoU and OKS."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.skeleton import COCO_SIGMAS

_EPSILON = float(np.finfo(np.float64).eps)
_JOINTS = len(COCO_SIGMAS)
_SPREAD = 2 * np.array(COCO_SIGMAS)
_SEEN_SCORE, _COMMON_JOINTS = 0.3, 4


def box_iou(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Intersection over union of boxes [n, 4] with boxes [m, 4]: float64 [n, m]."""
    one, other = a.astype(np.float64)[:, None], b.astype(np.float64)[None]
    low = np.maximum(one[..., :2], other[..., :2])
    high = np.minimum(one[..., 2:], other[..., 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    area_one, area_other = (np.prod(box[..., 2:] - box[..., :2], axis=-1) for box in (one, other))
    union = area_one + area_other - shared
    overlap: NDArray[np.float64] = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return overlap


def share_inside(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Which part of each of the boxes [n, 4] lies inside each of [m, 4]: float64 [n, m]."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1, dtype=np.float64)
    area = np.prod(a[:, 2:] - a[:, :2], axis=-1, dtype=np.float64)[:, None]
    share: NDArray[np.float64] = np.divide(shared, area, out=np.zeros_like(shared), where=area > 0)
    return share


def oks(
    distance: NDArray[np.float64], visible: NDArray[np.bool_], area: NDArray[np.float64]
) -> NDArray[np.float64]:
    """COCO's object keypoint similarity, float64 [...]; 0 for a person without visible joints.

    Formula: cocodataset.org, keypoint evaluation.

    Args:
        distance: float64 [..., 17], px.
        visible: bool [..., 17], the joints that count.
        area: float64 [...], of the person, px².
    """
    squares = distance**2 / (2 * _SPREAD**2 * (area[..., None] + _EPSILON))
    total = np.where(visible, np.exp(-squares), 0.0).sum(axis=-1)
    similarity: NDArray[np.float64] = total / np.maximum(1, visible.sum(axis=-1))
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
    distance = np.linalg.norm(
        a[0][:, None, :_JOINTS].astype(np.float64) - b[0][None, :, :_JOINTS], axis=-1
    )
    visible = (a[1][:, None, :_JOINTS] >= _SEEN_SCORE) & (b[1][None, :, :_JOINTS] >= _SEEN_SCORE)
    similarity = oks(distance, visible, np.broadcast_to(area, distance.shape[:2]))
    return np.where(visible.sum(axis=-1) >= _COMMON_JOINTS, similarity, np.nan)
