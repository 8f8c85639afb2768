"""Follows detections of a keyframe back through its window, to see who they were at its start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpe_volleyball.pipeline import PoseEstimator
from hpe_volleyball.records import Frame
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.tracking.candidates import STRONG_SCORE, Candidates, find_poses
from hpe_volleyball.tracking.carrying import (
    Array,
    Carried,
    Place,
    detected_place,
    expected_boxes,
)
from hpe_volleyball.tracking.following import follow
from hpe_volleyball.tracking.odds import likeness, measure

_TRACED_IOU = 0.1
"""A detection is followed back if it overlaps somebody out of sight by more than this."""


def early_likeness(
    start: Sequence[Carried],
    end: Sequence[Carried],
    frames: Sequence[Frame],
    found: Candidates,
    *,
    poser: PoseEstimator,
    steps_s: Sequence[float],
) -> Array:
    """How well detections fit people at the start of a window.

    Who went out of sight in the window was mostly still seen there; it is where a detection that
    may be theirs came from that says who it is. Only such detections are followed.

    Args:
        start: Everybody in the first of these frames.
        end: The same people in the last one, the keyframe.
        frames: Those of the window that are looked into for poses, without the keyframe.
        found: The detections of the keyframe.
        poser: Finds the poses by which detections are followed.
        steps_s: Time from each of them to the next, the keyframe behind the last, in seconds.

    Returns:
        float64 [n, m], NaN for detections that were not followed or were lost on the way.
    """
    early = np.full((len(start), len(found.boxes)), np.nan)
    blind = np.array([p.place.box for p in end if p.place.blind_s > 0]).reshape(-1, 4)
    near = (box_iou(found.boxes, blind) > _TRACED_IOU).any(axis=1)
    rows = np.flatnonzero(near & (found.scores >= STRONG_SCORE)).tolist()
    places = _follow_back(found, rows, frames, poser, steps_s) if frames else {}
    if places:
        there = list(places)
        then = Candidates(
            np.array([p.box for p in places.values()]),
            found.scores[there],
            np.array([p.keypoints for p in places.values()]),
            np.array([p.scores for p in places.values()]),
        )
        early[:, there] = likeness(measure(start, then))
    return early


def _follow_back(
    found: Candidates,
    rows: Sequence[int],
    frames: Sequence[Frame],
    poser: PoseEstimator,
    steps_s: Sequence[float],
) -> dict[int, Place]:
    """Where these detections were in the first frame, without those lost on the way."""
    anchors = {j: found.anchor(j) for j in rows}
    places = {j: detected_place(anchor, None) for j, anchor in anchors.items()}
    for frame, step_s in zip(reversed(frames), reversed(steps_s), strict=True):
        later = [*places.values()]
        keypoints, scores = find_poses(poser, frame, expected_boxes(later, step_s))
        earlier = follow(later, [anchors[j] for j in places], keypoints, scores, step_s)
        places = {j: place for j, place in zip(places, earlier, strict=True) if place is not None}
    return places
