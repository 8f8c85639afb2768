"""Tracks people: ByteTrack on keyframes, straight interpolation of boxes in between."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker

from hpe_volleyball.pipeline import Detector, TrackedFrame
from hpe_volleyball.records import Detections, Frame, Tracks

LOST_S = 1.0
"""For how long a person who is not found keeps the id, in seconds."""

WEAK_RATIO = 0.8
"""Detections from this part of the starting score join ByteTrack's first association. RTMDet-nano
scores half of the people on real clips below 0.8; trackers' defaults (0.7, 0.6) would drop them."""


class KeyframeByteTrack:
    """ByteTrack over the keyframes of a file; boxes of the frames in between are interpolated.

    Args:
        rate: Frames per second of the video.
        det_interval: Frames from one keyframe to the next.
        start_score: Detector score from which an unknown person gets an id.
    """

    def __init__(self, *, rate: float, det_interval: int, start_score: float) -> None:
        # trackers counts lost time in updates, and an update happens on keyframes only: its
        # `lost_track_buffer` is for 30 updates a second.
        keyframe_rate = rate / det_interval
        self._bytetrack = ByteTrackTracker(
            lost_track_buffer=ceil(30 * LOST_S),
            frame_rate=keyframe_rate,
            track_activation_threshold=start_score,
            high_conf_det_threshold=WEAK_RATIO * start_score,
            # An update that finds a person a second time gives the id; with more, at a large
            # interval, people would go without one for long.
            minimum_consecutive_frames=1,
        )
        self._before = Tracks.empty()

    def push(self, window: Sequence[Frame], detector: Detector) -> list[TrackedFrame]:
        """Tracks of every frame of a window whose last frame is a keyframe."""
        before, after = self._before, self._update(detector.detect(window[-1]))
        self._before = after
        between = [
            TrackedFrame(frame, _interpolate(before, after, (i + 1) / len(window)), keyframe=False)
            for i, frame in enumerate(window[:-1])
        ]
        return [*between, TrackedFrame(window[-1], after, keyframe=True)]

    def finish(self) -> list[TrackedFrame]:
        """Nothing is held back."""
        return []

    def _update(self, detections: Detections) -> Tracks:
        """Associate the detections of a keyframe; only people with an id are returned."""
        found = self._bytetrack.update(
            sv.Detections(xyxy=detections.boxes.copy(), confidence=detections.scores.copy())
        )
        if found.tracker_id is None or found.confidence is None:
            return Tracks.empty()
        known = found.tracker_id >= 0
        return Tracks(
            (found.tracker_id[known] + 1).astype(np.int32),  # trackers counts from 0
            found.xyxy[known].astype(np.float32),
            found.confidence[known].astype(np.float32),
            np.ones(int(known.sum()), np.bool_),
        )


def _interpolate(before: Tracks, after: Tracks, part: float) -> Tracks:
    """People seen at both ends of a window, at `part` (0..1) of the way from end to end."""
    ids, i, j = np.intersect1d(before.ids, after.ids, return_indices=True)
    boxes = (1 - part) * before.boxes[i] + part * after.boxes[j]
    return Tracks(
        ids.astype(np.int32),
        boxes.astype(np.float32),
        np.minimum(before.scores[i], after.scores[j]),
        np.zeros(len(ids), np.bool_),
    )
