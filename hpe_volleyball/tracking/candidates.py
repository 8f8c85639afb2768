"""The people a keyframe may hold: its detections, and the poses found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpe_volleyball.pipeline import Detector, PoseEstimator
from hpe_volleyball.records import Frame
from hpe_volleyball.tracking.carrying import Anchor, Array

STRONG_SCORE = 0.3
"""Detections from here on join the first association; RTMDet-nano scores half of the people on
real clips below 0.8, and people half hidden between 0.3 and 0.5."""


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


def find_candidates(frame: Frame, detector: Detector, poser: PoseEstimator) -> Candidates:
    """Detect in a frame, and find the poses of the strong detections."""
    seen = detector.detect(frame)
    order = np.argsort(-seen.scores, kind="stable")
    boxes, scores = seen.boxes[order].astype(np.float64), seen.scores[order].astype(np.float64)
    joints = len(poser.skeleton.names)
    found = Candidates(
        boxes, scores, np.zeros((len(boxes), joints, 2)), np.zeros((len(boxes), joints))
    )
    fill_poses(found, np.flatnonzero(scores >= STRONG_SCORE).tolist(), frame, poser)
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
