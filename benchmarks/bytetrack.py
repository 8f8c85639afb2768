"""What is compared with: ByteTrack of `trackers` on every N-th frame, boxes interpolated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker

from hpe_volleyball.pipeline import Detector, PoseEstimator
from hpe_volleyball.records import Frame, FrameResult, Tracks

_START_SCORE, _HIGH_SCORE = 0.4, 0.32


class ByteTrack:
    """ByteTrack on keyframes; boxes of the frames in between lie on a straight line.

    Args:
        rate: Frames per second.
        det_interval: Frames from one keyframe to the next; 1: plain ByteTrack.
    """

    def __init__(self, *, rate: float, det_interval: int) -> None:
        self._interval = det_interval
        self._bytetrack = ByteTrackTracker(
            frame_rate=rate / det_interval,
            track_activation_threshold=_START_SCORE,
            high_conf_det_threshold=_HIGH_SCORE,
            minimum_consecutive_frames=1,
        )
        self._before = Tracks.empty()
        self._window: list[Frame] = []
        self._started = False

    @property
    def detects_next(self) -> bool:
        """Whether the detector will run on the next frame."""
        return not self._started or len(self._window) + 1 >= self._interval

    def push(self, frame: Frame, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """Take the next frame; the results of a window come with its keyframe."""
        due = self.detects_next
        self._window.append(frame)
        if not due:
            return []
        self._started = True
        after = self._update(frame, detector)
        steps = len(self._window)
        tracks = [_between(self._before, after, (i + 1) / steps) for i in range(steps - 1)]
        results = _with_poses(self._window, [*tracks, after], poser)
        self._before, self._window = after, []
        return results

    def finish(self, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """The last frame becomes a keyframe."""
        if not self._window:
            return []
        last, self._started = self._window.pop(), False
        return self.push(last, detector, poser)

    def _update(self, frame: Frame, detector: Detector) -> Tracks:
        """Associate the detections of a keyframe; only people with an id are returned."""
        seen = detector.detect(frame)
        found = self._bytetrack.update(sv.Detections(seen.boxes.copy(), confidence=seen.scores))
        if found.tracker_id is None or found.confidence is None:
            return Tracks.empty()
        known = found.tracker_id >= 0
        return Tracks(
            (found.tracker_id[known] + 1).astype(np.int32),  # trackers counts from 0
            found.xyxy[known].astype(np.float32),
            found.confidence[known].astype(np.float32),
            np.ones(int(known.sum()), np.bool_),
        )


def _between(before: Tracks, after: Tracks, part: float) -> Tracks:
    """People seen at both ends of a window, at `part` (0..1) of the way from end to end."""
    ids, i, j = np.intersect1d(before.ids, after.ids, return_indices=True)
    boxes = (1 - part) * before.boxes[i] + part * after.boxes[j]
    return Tracks(
        ids.astype(np.int32),
        boxes.astype(np.float32),
        np.minimum(before.scores[i], after.scores[j]),
        np.zeros(len(ids), np.bool_),
    )


def _with_poses(
    frames: Sequence[Frame], tracks: Sequence[Tracks], poser: PoseEstimator
) -> list[FrameResult]:
    poses = poser.estimate(frames, [people.boxes for people in tracks])
    return [
        FrameResult(frame, people, pose, keyframe=frame is frames[-1])
        for frame, people, pose in zip(frames, tracks, poses, strict=True)
    ]
