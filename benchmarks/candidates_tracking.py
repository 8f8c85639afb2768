"""The candidates' trackers: boxes carried and bent into detections, or frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bytetrack import ByteTrack
from candidates_association import Association
from candidates_carrying import Carrier, Person
from candidates_flow import Array

from hpe_volleyball.pipeline import Detector, PoseEstimator
from hpe_volleyball.records import Frame, FrameResult, Poses, Tracks

_SURE_SCORE = 0.6
"""A first detection from here on is a person; a weaker one must be found again."""
_KEEP_S, _CARRY_S = 1.0, 0.5
"""For how long somebody not detected is tracked, and is in the results if seen."""


@dataclass(frozen=True, slots=True)
class _Row:
    person: Person
    box: Array
    detected: bool


class CarryingTracker:
    """Carries people to a keyframe, matches them there, and bends their path into the detections.

    Args:
        det_interval: Frames from one keyframe to the next.
        carrier: Carries.
        association: Matches.
    """

    def __init__(self, *, det_interval: int, carrier: Carrier, association: Association) -> None:
        self._interval, self._carrier, self._association = det_interval, carrier, association
        self._people: list[Person] = []
        self._window: list[Frame] = []
        self._path: list[dict[int, Array]] = []
        """For each frame of the window, where everybody was carried."""
        self._seen: list[set[int]] = []
        """For each of them, who was seen."""
        self._keyframe: Frame | None = None

    @property
    def detects_next(self) -> bool:
        """Whether the detector will run on the next frame."""
        return self._keyframe is None or len(self._window) + 1 >= self._interval

    def push(self, frame: Frame, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """Take the next frame; the results of a window come with its keyframe."""
        due = self.detects_next
        before = self._window[-1] if self._window else self._keyframe
        if before is not None:
            self._carrier.carry(before, frame, self._people, poser)
        self._window.append(frame)
        self._path.append({p.id: p.box for p in self._people})
        self._seen.append({p.id for p in self._people if p.seen and self._fresh(p, frame)})
        if not due:
            self._association.carried({i: self._path[-1][i] for i in self._seen[-1]})
            return []
        return self._close(detector, poser)

    def finish(self, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """The last frame becomes a keyframe."""
        return self._close(detector, poser) if self._window else []

    def _fresh(self, person: Person, frame: Frame) -> bool:
        return frame.time_s - person.found_s <= _CARRY_S

    def _close(self, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """Detect in the last frame of the window and settle all of it."""
        keyframe = self._window[-1]
        seen = detector.detect(keyframe)
        pairs = self._association.match(self._path[-1], seen)
        rows: list[list[_Row]] = [[] for _ in self._window]
        for person in self._people:
            j = pairs.pop(person.id, None)
            if j is None:
                self._add_carried(person, rows)
            else:
                box = seen.boxes[j].astype(np.float64)
                person.found(box, float(seen.scores[j]), keyframe)
                self._add_bent(person, rows)
        for new, j in pairs.items():
            box, score = seen.boxes[j].astype(np.float64), float(seen.scores[j])
            person = Person(new, box, score, keyframe.time_s, keyframe.index)
            person.confirmed = score >= _SURE_SCORE or self._keyframe is None
            self._people.append(person)
            rows[-1].append(_Row(person, box, True))
        self._people = [p for p in self._people if keyframe.time_s - p.found_s <= _KEEP_S]
        results = [
            _result(frame, here, len(poser.skeleton.names), keyframe=frame is keyframe)
            for frame, here in zip(self._window, rows, strict=True)
        ]
        self._keyframe, self._window, self._path, self._seen = keyframe, [], [], []
        return results

    def _add_carried(self, person: Person, rows: list[list[_Row]]) -> None:
        """Rows of somebody who was not detected, as far as the evidence goes."""
        for here, places, seen in zip(rows, self._path, self._seen, strict=True):
            if person.id in seen:
                here.append(_Row(person, places[person.id], False))

    def _add_bent(self, person: Person, rows: list[list[_Row]]) -> None:
        """Rows of somebody who was detected: the carried path, ending in the detection."""
        miss = person.box - self._path[-1][person.id]
        for step, (here, places) in enumerate(zip(rows, self._path, strict=True), 1):
            box = places[person.id] + miss * step / len(rows)
            here.append(_Row(person, box, here is rows[-1]))


class FrozenByteTrack:
    """ByteTrack on keyframes; until the next one the boxes stay where they are.

    Args:
        rate: Frames per second.
        det_interval: Frames from one keyframe to the next.
    """

    def __init__(self, *, rate: float, det_interval: int) -> None:
        self._bytetrack = ByteTrack(rate=rate / det_interval, det_interval=1)
        self._interval = det_interval
        self._tracks = Tracks.empty()

    @property
    def detects_next(self) -> bool:
        """Not told beforehand."""
        return False

    def push(self, frame: Frame, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """Take the next frame and settle it."""
        if frame.index % self._interval == 0:
            [result] = self._bytetrack.push(frame, detector, poser)
            self._tracks = result.tracks
            return [result]
        [poses] = poser.estimate([frame], [self._tracks.boxes])
        return [FrameResult(frame, self._tracks, poses, keyframe=False)]

    def finish(self, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:  # noqa: ARG002
        """Nothing is held back."""
        return []


def _result(frame: Frame, rows: Sequence[_Row], joints: int, *, keyframe: bool) -> FrameResult:
    """The result of a frame, without those not yet confirmed; nobody asks for their poses."""
    rows = [row for row in rows if row.person.confirmed]
    height, width = frame.image.shape[:2]
    boxes = np.array([row.box for row in rows], np.float32).reshape(-1, 4)
    tracks = Tracks(
        np.array([row.person.id for row in rows], np.int32),
        np.clip(boxes, 0, np.array([width, height] * 2, np.float32)),
        np.array([row.person.score for row in rows], np.float32),
        np.array([row.detected for row in rows], np.bool_),
    )
    blank = np.zeros((len(rows), joints, 3), np.float32)
    return FrameResult(frame, tracks, Poses(blank[..., :2], blank[..., 2]), keyframe)
