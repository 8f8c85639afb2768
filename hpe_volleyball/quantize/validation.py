"""How far a converted model agrees with its source, and what may be said about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from hpe_volleyball.evaluation.people import People
from hpe_volleyball.evaluation.pose_scores import pose_agreement
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.records import TRUSTED_SCORE, Detections, Floats, Frame, Poses
from hpe_volleyball.similarity import box_iou

SURE: Final = 0.3
"""Boxes that one side scores from here on are compared."""

_SAME: Final = 0.5
"""IoU of boxes of the same person."""

_ENOUGH: Final = 20
"""Boxes or people below which nothing is proven."""

SAFE: Final = 0.99
USABLE: Final = 0.95
USABLE_IOU: Final = 0.9
"""Limits of the verdicts: OKS of a pose model, matched share (and mean IoU) of a detector."""

Verdict = Literal["safe", "usable", "not recommended", "not proven"]


@dataclass(frozen=True, slots=True)
class BoxAgreement:
    """Boxes of two detectors in the same pictures."""

    boxes: int
    """Sure boxes of the source."""
    matched: float
    """Share of the sure boxes of either side for which the other has one, sure or not."""
    mean_iou: float
    """Of matched boxes."""
    mean_score_difference: float
    max_score_difference: float
    max_px: float
    """Largest difference of a side of matched boxes."""

    @property
    def value(self) -> float:
        """One number for a search."""
        return self.matched * self.mean_iou if self.boxes else 0.0

    @property
    def verdict(self) -> Verdict:
        """By the stated limits."""
        if self.boxes < _ENOUGH:
            return "not proven"
        if min(self.matched, self.mean_iou) >= SAFE:
            return "safe"
        if self.matched >= USABLE and self.mean_iou >= USABLE_IOU:
            return "usable"
        return "not recommended"


@dataclass(frozen=True, slots=True)
class PoseAgreement:
    """Poses of two models for the same people."""

    people: int
    oks: float
    median_px: float
    p95_px: float
    median_share: float
    """Median distance of joints as a share of the height of the person's box."""
    p95_share: float

    @property
    def value(self) -> float:
        """One number for a search."""
        return self.oks if self.people else 0.0

    @property
    def verdict(self) -> Verdict:
        """By the stated limits."""
        if self.people < _ENOUGH:
            return "not proven"
        if self.oks >= SAFE:
            return "safe"
        return "usable" if self.oks >= USABLE else "not recommended"


ModelAgreement = BoxAgreement | PoseAgreement


def rounded(agreement: ModelAgreement) -> dict[str, Any]:
    """The numbers for a file, without the digits that mean nothing."""
    return {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in asdict(agreement).items()
    }


def compare_boxes(source: Sequence[Detections], result: Sequence[Detections]) -> BoxAgreement:
    """Score the boxes of a detector against those of its source, picture by picture."""
    asked = found = sure = 0
    overlaps, scores, sides = [], [], []
    for one, other in zip(source, result, strict=True):
        overlap = box_iou(one.boxes, other.boxes)
        here, there = one.scores >= SURE, other.scores >= SURE
        sure += int(here.sum())
        asked += int(here.sum() + there.sum())
        if not overlap.size:
            continue
        found += int((overlap[here].max(axis=1) >= _SAME).sum())
        found += int((overlap[:, there].max(axis=0) >= _SAME).sum())
        best = overlap.argmax(axis=1)
        for row in np.flatnonzero(here & (overlap.max(axis=1) >= _SAME)):
            overlaps.append(overlap[row, best[row]])
            scores.append(abs(float(one.scores[row]) - float(other.scores[best[row]])))
            sides.append(float(np.abs(one.boxes[row] - other.boxes[best[row]]).max()))
    return BoxAgreement(
        boxes=sure,
        matched=found / asked if asked else 0.0,
        mean_iou=float(np.mean(overlaps)) if overlaps else 0.0,
        mean_score_difference=float(np.mean(scores)) if scores else 0.0,
        max_score_difference=max(scores, default=0.0),
        max_px=max(sides, default=0.0),
    )


def compare_poses(
    boxes: Sequence[Floats], source: Sequence[Poses], result: Sequence[Poses]
) -> PoseAgreement:
    """Score the poses of a model against those of its source, for the same boxes."""
    reference, other = _people(boxes, source), _people(boxes, result)
    rows = np.arange(len(reference.ids))
    pairs = np.stack([rows, rows], axis=1).astype(np.int64)
    if not len(rows):
        return PoseAgreement(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    scores = pose_agreement(reference, other, pairs, min_score=TRUSTED_SCORE)
    if not scores.people:
        return PoseAgreement(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return PoseAgreement(
        people=scores.people,
        oks=scores.oks,
        median_px=scores.median_px,
        p95_px=scores.p95_px,
        median_share=scores.median_share,
        p95_share=scores.p95_share,
    )


def _people(boxes: Sequence[Floats], poses: Sequence[Poses]) -> People:
    counts = [len(part) for part in boxes]
    return People(
        frame=np.repeat(np.arange(len(boxes)), counts),
        ids=np.concatenate([np.arange(1, n + 1, dtype=np.int32) for n in counts]),
        boxes=np.concatenate(boxes),
        keypoints=np.concatenate([part.keypoints for part in poses]),
        keypoint_scores=np.concatenate([part.scores for part in poses]),
    )


def detect_all(detector: RTMDet, frames: Sequence[Frame]) -> list[Detections]:
    """Detections of each picture."""
    return [detector.detect(frame) for frame in frames]


def pose_all(poser: RTMPose, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
    """Poses of the people of each picture."""
    return [poser.estimate([frame], [part])[0] for frame, part in zip(frames, boxes, strict=True)]
