"""The results of settled frames, made of the rows that tracks leave in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpe_volleyball.pipeline import PoseEstimator
from hpe_volleyball.records import Frame, FrameResult, Poses, Tracks
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.tracking.carrying import MIN_SCORE
from hpe_volleyball.tracking.tracks import Track, TrackRow

_HIDDEN_IOU, _SEEN_SHARE = 0.5, 0.7
"""A carried box that overlaps a better one by the first is a guess, unless this part of the joints
is seen."""


def take_results(
    frames: Sequence[Frame],
    keyframes: Sequence[bool],
    tracks: Sequence[Track],
    poser: PoseEstimator,
) -> list[FrameResult]:
    """The results of settled frames; takes their rows out of the tracks.

    Args:
        frames: In order of time.
        keyframes: For each, whether the detector ran.
        tracks: All tracks that may have rows in them; those never confirmed leave none.
        poser: Finds the poses that carrying did not give, for all frames together.
    """
    rows: list[list[tuple[int, TrackRow]]] = []
    for frame in frames:
        here = [
            (track.id, row)
            for track in tracks
            if (row := track.rows.pop(frame.index, None)) is not None and track.id
        ]
        rows.append(sorted(_without_hidden(here), key=lambda pair: pair[0]))
    _complete_poses(frames, rows, poser)
    joints = len(poser.skeleton.names)
    return [
        _result(frame, here, joints, keyframe=keyframe)
        for frame, here, keyframe in zip(frames, rows, keyframes, strict=True)
    ]


def _without_hidden(rows: list[tuple[int, TrackRow]]) -> list[tuple[int, TrackRow]]:
    """Leave out carried people hidden by somebody with a better score: their boxes are guesses."""
    boxes = np.array([row.box for _, row in rows]).reshape(-1, 4)
    scores = np.array([row.score for _, row in rows])
    behind = (box_iou(boxes, boxes) > _HIDDEN_IOU) & (scores[:, None] < scores)
    return [
        pair
        for pair, hidden in zip(rows, np.any(behind, axis=1), strict=True)
        if not hidden or pair[1].detected or pair[1].between or _seen_share(pair[1]) >= _SEEN_SHARE
    ]


def _seen_share(row: TrackRow) -> float:
    """Part of the joints that were seen on the way."""
    return 0.0 if row.pose is None else float((row.pose[1] >= MIN_SCORE).mean())


def _complete_poses(
    frames: Sequence[Frame], rows: Sequence[Sequence[tuple[int, TrackRow]]], poser: PoseEstimator
) -> None:
    """Estimate the poses that carrying did not give, for all frames together."""
    missing = [[row for _, row in here if row.pose is None] for here in rows]
    if not any(missing):
        return
    boxes = [np.array([r.box for r in here], np.float32).reshape(-1, 4) for here in missing]
    for here, poses in zip(missing, poser.estimate(frames, boxes), strict=True):
        for row, keypoints, scores in zip(here, poses.keypoints, poses.scores, strict=True):
            row.pose, row.looked = (keypoints, scores), True


def _result(
    frame: Frame, rows: Sequence[tuple[int, TrackRow]], joints: int, *, keyframe: bool
) -> FrameResult:
    poses = [row.pose for _, row in rows if row.pose is not None]
    boxes = np.array([row.box for _, row in rows], np.float32).reshape(-1, 4)
    tracks = Tracks(
        ids=np.array([track_id for track_id, _ in rows], np.int32),
        # Bent paths lead a little beyond the border of the picture, where no detection ends.
        boxes=np.clip(boxes, 0, np.array(frame.size * 2, np.float32)),
        scores=np.array([row.score for _, row in rows], np.float32),
        detected=np.array([row.detected for _, row in rows], np.bool_),
    )
    return FrameResult(
        frame,
        tracks,
        Poses(
            np.array([keypoints for keypoints, _ in poses], np.float32).reshape(-1, joints, 2),
            np.array([scores for _, scores in poses], np.float32).reshape(-1, joints),
            np.array([row.looked for _, row in rows], np.bool_),
        ),
        keyframe,
    )
