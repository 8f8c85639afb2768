"""Carries everybody to the next frame, each pose being one person's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpe_volleyball.pipeline import PoseEstimator
from hpe_volleyball.records import Frame
from hpe_volleyball.similarity import pose_similarity
from hpe_volleyball.tracking.candidates import find_poses
from hpe_volleyball.tracking.carrying import (
    Anchor,
    Array,
    Place,
    clipped,
    drift,
    expected_boxes,
    glide,
    surprise,
)
from hpe_volleyball.tracking.following import follow
from hpe_volleyball.tracking.tracks import Track

SHARED_POSE = 0.6
"""OKS from which two tracks have got hold of one person."""


def carry_by_pose(
    tracks: Sequence[Track],
    before: Sequence[Place],
    frame: Frame,
    poser: PoseEstimator,
    step_s: float,
) -> list[Place]:
    """Where everybody is in a frame, by the poses found where they are expected.

    Args:
        tracks: Everybody.
        before: Their places in the frame before.
        frame: The frame.
        poser: Finds the poses.
        step_s: Time between the two frames in seconds.
    """
    looked = [i for i, place in enumerate(before) if not place.lost]
    places, anchors = [before[i] for i in looked], [tracks[i].anchor for i in looked]
    keypoints, scores = find_poses(poser, frame, expected_boxes(places, step_s))
    after: list[Place | None] = [None] * len(before)
    for i, place in zip(looked, follow(places, anchors, keypoints, scores, step_s), strict=True):
        after[i] = place
    _part_collapsed(tracks, before, after)
    moved = [
        drift(old, step_s) if new is None else new for old, new in zip(before, after, strict=True)
    ]
    return clipped(moved, *frame.size)


def carry_unlooked(before: Sequence[Place], frame: Frame, step_s: float) -> list[Place]:
    """Where everybody probably is in a frame in which no pose is looked for."""
    return clipped([glide(place, step_s) for place in before], *frame.size)


def carry_blind(before: Sequence[Place], frame: Frame, step_s: float) -> list[Place]:
    """Where everybody is in a frame, poses being no evidence at all."""
    return clipped([drift(place, step_s) for place in before], *frame.size)


def alike(a: Sequence[Place | Anchor], b: Sequence[Place | Anchor]) -> Array:
    """OKS [n, m] of poses, 0 where they cannot be compared."""
    if not a or not b:
        return np.zeros((len(a), len(b)))
    sizes = np.array([item.box[2:] - item.box[:2] for item in b])
    one, other = (
        (np.array([p.keypoints for p in poses]), np.array([p.scores for p in poses]))
        for poses in (a, b)
    )
    return np.nan_to_num(pose_similarity(one, other, sizes.prod(axis=1)))


def _part_collapsed(
    tracks: Sequence[Track], before: Sequence[Place], after: list[Place | None]
) -> None:
    """Of two tracks on one person, blind the one that fits less."""
    seen = {i: place for i, place in enumerate(after) if place is not None}
    rows = list(seen)
    same = alike(list(seen.values()), list(seen.values())) > SHARED_POSE
    for a, b in np.argwhere(np.tril(same, -1)).tolist():
        if after[rows[a]] is None or after[rows[b]] is None:
            continue
        fits_less = max(
            (rows[a], rows[b]), key=lambda i: (tracks[i].missed, surprise(before[i], seen[i]))
        )
        after[fits_less] = None
