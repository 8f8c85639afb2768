"""The people a keyframe may hold: its detections, and the poses found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpe_volleyball.pipeline import Detector, PoseEstimator
from hpe_volleyball.records import Frame
from hpe_volleyball.tracking.carrying import Anchor, Array, Place
from hpe_volleyball.tracking.similarity import box_iou

STRONG_SCORE = 0.3
"""Detections from here on join the first association; RTMDet-nano scores half of the people on
real clips below 0.8, and people half hidden between 0.3 and 0.5."""

_LONE_IOU, _APART_IOU = 0.7, 0.2
"""A carried pose serves a detection too if their boxes overlap by the first, others by less than
the second."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The detections of one frame, best score first, with the poses found in them."""

    boxes: Array
    """float64 [m, 4]."""
    scores: Array
    """float64 [m]."""
    keypoints: Array
    """float64 [m, K, 2]."""
    keypoint_scores: Array
    """float64 [m, K]; 0 for detections too weak for a pose."""

    def anchor(self, j: int) -> Anchor:
        """Detection `j` as the anchor of a track."""
        return Anchor(self.boxes[j], self.keypoints[j], self.keypoint_scores[j])


def find_candidates(
    frame: Frame, places: Sequence[Place], detector: Detector, poser: PoseEstimator
) -> Candidates:
    """Detect in a frame, and find the poses of the strong detections.

    A detection that lies on one carried person, far from all others, takes over the pose that was
    found there already.

    Args:
        frame: The keyframe.
        places: Where known people were carried to.
        detector: Finds boxes.
        poser: Finds poses in them.
    """
    seen = detector.detect(frame)
    order = np.argsort(-seen.scores, kind="stable")
    boxes, scores = seen.boxes[order].astype(np.float64), seen.scores[order].astype(np.float64)
    joints = len(poser.skeleton.names)
    found = Candidates(
        boxes, scores, np.zeros((len(boxes), joints, 2)), np.zeros((len(boxes), joints))
    )
    lone = _lone_pairs(boxes, places)
    for j, place in lone.items():
        found.keypoints[j], found.keypoint_scores[j] = place.keypoints, place.scores
    strong = np.flatnonzero(scores >= STRONG_SCORE).tolist()
    fill_poses(found, [j for j in strong if j not in lone], frame, poser)
    return found


def fill_poses(found: Candidates, rows: Sequence[int], frame: Frame, poser: PoseEstimator) -> None:
    """Find the poses of these candidates and write them into `found`."""
    if rows:
        keypoints, scores = find_poses(poser, frame, found.boxes[rows])
        found.keypoints[rows], found.keypoint_scores[rows] = keypoints, scores


def find_poses(poser: PoseEstimator, frame: Frame, boxes: Array) -> tuple[Array, Array]:
    """Keypoints float64 [n, K, 2] and scores [n, K] of the people in boxes [n, 4]."""
    if not len(boxes):
        joints = len(poser.skeleton.names)
        return np.zeros((0, joints, 2)), np.zeros((0, joints))
    [poses] = poser.estimate([frame], [boxes.astype(np.float32)])
    return poses.keypoints.astype(np.float64), poses.scores.astype(np.float64)


def _lone_pairs(boxes: Array, places: Sequence[Place]) -> dict[int, Place]:
    """Detections that lie on one carried and seen person, far from all others."""
    if not places or not len(boxes):
        return {}
    overlap = box_iou(boxes, np.array([place.box for place in places]))
    crowd = (box_iou(boxes, boxes) > _APART_IOU).sum(axis=1)
    near = (overlap > _APART_IOU).sum(axis=1)
    best = overlap.argmax(axis=1)
    return {
        j: places[i]
        for j, i in enumerate(best.tolist())
        if crowd[j] == 1 and near[j] == 1 and overlap[j, i] > _LONE_IOU and places[i].seen
    }
