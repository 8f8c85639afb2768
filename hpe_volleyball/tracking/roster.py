"""Everybody who is tracked, from keyframe to keyframe: found again, missed or new there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hpe_volleyball.pipeline import PoseEstimator
from hpe_volleyball.records import Frame, FrameResult
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.tracking.association import Match
from hpe_volleyball.tracking.candidates import Candidates, fill_poses, find_poses
from hpe_volleyball.tracking.carrying import (
    Anchor,
    Carried,
    Place,
    between_poses,
    clipped,
    detected_place,
)
from hpe_volleyball.tracking.everybody import SHARED_POSE, alike, carry_blind
from hpe_volleyball.tracking.following import follow
from hpe_volleyball.tracking.results import take_results
from hpe_volleyball.tracking.steps import Steps
from hpe_volleyball.tracking.tracks import Track, carried_row, in_picture

KEEP_ID_S = 2.0
"""For how long a person who is not found keeps the id."""
_SURE_SCORE = 0.6
"""A detection from here on is a person; a weaker one must be found again at the next keyframe."""
_ARRIVED_IOU = 0.7
"""IoU from which a new person, followed back, has got to somebody who was there already."""


class Roster:
    """The tracks, kept from keyframe to keyframe.

    Args:
        steps: Knows the time between frames.
        start_score: Detection score from which an unknown person may get an id.
        lookahead: Frames before a keyframe are settled with it; else each was settled in its turn.

    Attributes:
        tracks: Of everybody, in the order in which they were first found.
        started: Some keyframe has been settled.
    """

    def __init__(self, steps: Steps, *, start_score: float, lookahead: bool) -> None:
        self.tracks: list[Track] = []
        self.started = False
        self._steps = steps
        self._start_score = start_score
        self._lookahead = lookahead
        self._ended: list[Track] = []
        """Tracks that ended in frames not yet settled."""
        self._next_id = 1

    @property
    def places(self) -> list[Place]:
        """Where everybody was last."""
        return [track.place for track in self.tracks]

    def carried(self, places: Sequence[Place], frame: Frame) -> list[Carried]:
        """Everybody as carried to these places in a frame."""
        return [
            Carried(place, track.anchor, frame.time_s - track.found_s, track.id > 0)
            for track, place in zip(self.tracks, places, strict=True)
        ]

    def take(
        self, frames: Sequence[Frame], keyframes: Sequence[bool], poser: PoseEstimator
    ) -> list[FrameResult]:
        """The results of settled frames, each with whether the detector ran there."""
        results = take_results(frames, keyframes, [*self._ended, *self.tracks], poser)
        self._ended = [track for track in self._ended if track.rows]
        return results

    def settle(
        self,
        frames: Sequence[Frame],
        path: Sequence[Sequence[Place]],
        found: Candidates,
        match: Match,
        poser: PoseEstimator,
    ) -> None:
        """Write the rows of frames of which the last is a keyframe; tracks end and begin."""
        better = match.better_boxes(path[-1], found)
        new = match.unmatched_detections(found, self._start_score)
        without_pose = [j for j in (*better.values(), *new) if not found.keypoint_scores[j].any()]
        fill_poses(found, without_pose, frames[-1], poser)
        anchors = {i: found.anchor(j) for i, j in better.items()}
        taken = [anchors.get(i) or path[-1][i].as_anchor() for i in match.pairs]
        tracks, self.tracks = self.tracks, []
        for i, track in enumerate(tracks):
            places = _to_anchor([everybody[i] for everybody in path], anchors.get(i))
            places = between_poses(track.place, places)
            if i in match.pairs:
                score = float(found.scores[match.pairs[i]])
                self._find(track, frames, places, anchors.get(i), score)
            elif not self._miss(track, frames, places, taken):
                self._ended.append(track)
                continue
            self.tracks.append(track)
        for j in new:
            self._begin(frames, found.anchor(j), float(found.scores[j]), poser)
        self.started = True

    def _find(
        self,
        track: Track,
        frames: Sequence[Frame],
        places: Sequence[Place],
        anchor: Anchor | None,
        score: float,
    ) -> None:
        """A person was found again; without an anchor the carried box is kept."""
        weaker, last = min(track.score, score), places[-1]
        detected = anchor is not None
        track.found(frames[-1], anchor or last.as_anchor(), score, detected=detected)
        if self._lookahead:
            track.bend(frames, places, weaker)
        track.place = detected_place(track.anchor, last)
        if not track.id:
            self._name(track)

    def _miss(
        self,
        track: Track,
        frames: Sequence[Frame],
        places: list[Place],
        taken: Sequence[Anchor],
    ) -> bool:
        """A person was not found; False if the track ends here."""
        if not track.id:
            return False
        # A pose that somebody found has is theirs: this track has lost its own.
        if places[-1].seen and (alike([places[-1]], taken) > SHARED_POSE).any():
            before = places[-2] if len(places) > 1 else track.place
            [places[-1]] = carry_blind([before], frames[-1], self._steps.before(frames[-1]))
        first = 0 if self._lookahead else len(frames) - 1
        for frame, place in zip(frames[first:], places[first:], strict=True):
            if not in_picture(place.box):
                return False
            track.carried(frame, place)
        track.place, track.missed = places[-1], True
        return frames[-1].time_s - track.found_s <= KEEP_ID_S

    def _begin(
        self, frames: Sequence[Frame], anchor: Anchor, score: float, poser: PoseEstimator
    ) -> None:
        """Start a track; with look-ahead, follow the person back to the keyframe before."""
        track = Track(detected_place(anchor, None), anchor, score, frames[-1].time_s)
        track.found(frames[-1], anchor, score)
        if score >= _SURE_SCORE or not self.started:
            self._name(track)
        if self._lookahead:
            self._follow_back(track, frames, poser)
        self.tracks.append(track)

    def _follow_back(self, track: Track, frames: Sequence[Frame], poser: PoseEstimator) -> None:
        """Rows for a new person in frames before the first detection."""
        place = track.place
        frames, behind = frames[:-1], frames[1:]
        for frame, later in zip(reversed(frames), reversed(behind), strict=True):
            step_s = self._steps.before(later)
            keypoints, scores = find_poses(poser, frame, place.box_after(step_s)[None])
            [followed] = follow([place], [track.anchor], keypoints, scores, step_s)
            if followed is None:
                return
            [earlier] = clipped([followed], *frame.size)
            if not in_picture(earlier.box):
                return
            rows = [t.rows[frame.index].box for t in self.tracks if frame.index in t.rows]
            others = np.array(rows).reshape(-1, 4)
            if (box_iou(earlier.box[None], others) > _ARRIVED_IOU).any():
                return
            place = earlier
            track.rows[frame.index] = carried_row(place.box, track.score, place)

    def _name(self, track: Track) -> None:
        track.id = self._next_id
        self._next_id += 1


def _to_anchor(path: list[Place], anchor: Anchor | None) -> list[Place]:
    """A path whose last pose is the one found in the detection, which the results will have."""
    if anchor is None:
        return path
    last = replace(path[-1], keypoints=anchor.keypoints, scores=anchor.scores)
    return [*path[:-1], last]
