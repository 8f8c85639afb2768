"""Ways to say which detection of a keyframe is whom: by IoU, or by ByteTrack of `trackers`."""

from __future__ import annotations

from itertools import count
from typing import Protocol

import numpy as np
import supervision as sv
from candidates_flow import Array
from numpy.typing import NDArray
from runs import START_SCORE
from trackers import ByteTrackTracker

from hpe_volleyball.assignment import best_pairs
from hpe_volleyball.records import Detections
from hpe_volleyball.similarity import box_iou

_STRONG_SCORE = 0.32
"""Detections from here on join the first association."""
_LEAST_STRONG, _LEAST_WEAK, _DOUBLE = 0.2, 0.4, 0.7
"""Least IoU of a match with a strong and a weak detection; IoU from which it is a second box."""


class Association(Protocol):
    """Says which detection is whom."""

    def carried(self, boxes: dict[int, Array]) -> None:
        """Take note of the boxes of people who were seen in a skipped frame, by id."""

    def match(self, boxes: dict[int, Array], seen: Detections) -> dict[int, int]:
        """Rows of the detections of a keyframe by id; ids that are not in `boxes` are new."""


class TwoStage:
    """Strong detections first, weak ones for those left over, by IoU with the carried boxes."""

    def __init__(self) -> None:
        self._ids = count(1)

    def carried(self, boxes: dict[int, Array]) -> None:
        """Nothing to do: the boxes come again with the detections."""

    def match(self, boxes: dict[int, Array], seen: Detections) -> dict[int, int]:
        """See `Association`."""
        ids = list(boxes)
        places = np.array([boxes[i] for i in ids]).reshape(-1, 4)
        overlap = box_iou(places, seen.boxes)
        strong = seen.scores >= _STRONG_SCORE
        pairs: dict[int, int] = {}
        assign(overlap, _LEAST_STRONG, strong, pairs)
        assign(overlap, _LEAST_WEAK, ~strong, pairs)
        taken = list(pairs.values())
        crowd = np.concatenate([overlap, box_iou(seen.boxes[taken], seen.boxes)])
        new = (seen.scores >= START_SCORE) & ~(crowd > _DOUBLE).any(axis=0)
        new[taken] = False
        born = {next(self._ids): row for row in np.flatnonzero(new).tolist()}
        return {ids[i]: j for i, j in pairs.items()} | born


def assign(
    overlap: Array, least: float, detections: NDArray[np.bool_], pairs: dict[int, int]
) -> None:
    """Add to `pairs` the best of those left over, which overlap by at least `least`."""
    rows = [i for i in range(len(overlap)) if i not in pairs]
    columns = np.flatnonzero(detections).tolist()
    part = overlap[np.ix_(rows, columns)]
    value = np.where(part >= least, part, 0.0)
    for i, j in zip(*best_pairs(value), strict=True):
        if part[i, j] >= least:
            pairs[rows[i]] = columns[j]


class InjectedByteTrack:
    """`trackers`' ByteTrack, stepped by hand: its tracklets get the carried boxes as evidence.

    `update()` is for keyframes only: with no detections it destroys tracks, and with carried boxes
    it exchanges ids. It names nobody before a second detection, so ids are given by hand.

    Args:
        rate: Frames per second; here every frame is a step of the Kalman filter.
    """

    def __init__(self, rate: float) -> None:
        self._ids = count(1)
        self._bytetrack = ByteTrackTracker(
            frame_rate=rate,
            track_activation_threshold=START_SCORE,
            high_conf_det_threshold=_STRONG_SCORE,
            minimum_consecutive_frames=1,
        )

    def carried(self, boxes: dict[int, Array]) -> None:
        """Step the Kalman filters; of those who were seen with their box."""
        for tracklet in self._bytetrack.tracks:
            tracklet.predict()
            if tracklet.tracker_id in boxes:
                tracklet.update(boxes[tracklet.tracker_id])

    def match(self, boxes: dict[int, Array], seen: Detections) -> dict[int, int]:  # noqa: ARG002 - the filters know the boxes
        """See `Association`."""
        found = self._bytetrack.update(
            sv.Detections(
                seen.boxes.copy(),
                confidence=seen.scores,
                data={"row": np.arange(len(seen.boxes))},
            )
        )
        pairs: dict[int, int] = {}
        if found.tracker_id is not None and len(found):
            named = zip(found.tracker_id, found.data["row"], strict=True)
            pairs = {int(i): int(j) for i, j in named if i >= 0}
        for tracklet in self._bytetrack.tracks:
            if tracklet.tracker_id < 0:
                tracklet.tracker_id = next(self._ids)
                far = np.abs(seen.boxes - tracklet.get_state_bbox()).max(axis=1)
                pairs[tracklet.tracker_id] = int(far.argmin())
        return pairs
