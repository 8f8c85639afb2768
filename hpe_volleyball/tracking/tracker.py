"""Tracks people over skipped frames: carried by their poses, tied to detections at keyframes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from hpe_volleyball.pipeline import Detector, PoseEstimator
from hpe_volleyball.records import Frame, FrameResult
from hpe_volleyball.tracking.association import Match, associate
from hpe_volleyball.tracking.candidates import Candidates, find_candidates
from hpe_volleyball.tracking.carrying import Array, Carried, Place, expected_boxes
from hpe_volleyball.tracking.doubt import AT_ONCE, WITH_LOOKAHEAD, doubt_about
from hpe_volleyball.tracking.everybody import carry_blind, carry_by_pose, carry_unlooked
from hpe_volleyball.tracking.foresight import Foresight
from hpe_volleyball.tracking.pose_cache import CachingEstimator, PoseCache
from hpe_volleyball.tracking.reasons import KEYFRAME
from hpe_volleyball.tracking.roster import Roster
from hpe_volleyball.tracking.steps import Steps
from hpe_volleyball.tracking.tracing import early_likeness

_HALVINGS = 3
"""How often a window in doubt is halved at most, for one more detection each time: one of 8 frames
down to the frame in front of the keyframe."""
_EXTRA_SHARE = 0.15
"""Extra detections at most, as a part of all frames. The synthetic rallies need 0.04 at N = 4 and
0.05 at N = 8 in the mean."""
_EXTRA_SAVED = 8.0
"""How many of them can be saved up for later."""


class PlayerTracker:
    """Gives people ids that last, and boxes in every frame, with detections in few.

    Between keyframes each person is carried by the pose found at the predicted place
    (`hpe_volleyball.tracking.following`). At a keyframe detections and people are matched
    (`hpe_volleyball.tracking.association`), and tracks go on, end and begin
    (`hpe_volleyball.tracking.roster`). With look-ahead the results of a window wait for the
    next keyframe: boxes in between are bent so that the carried path ends in the detection, a new
    person is followed backwards, and where a keyframe leaves a doubt the detector looks at the
    middle of the window too, and of its halves. Without look-ahead a doubt makes the next frame a
    keyframe.

    Args:
        rate: Frames per second of the source; times between frames are those of their time stamps,
            since a live source leaves frames out.
        det_interval: Frames from one keyframe to the next.
        start_score: Detection score from which an unknown person may get an id.
        lookahead: Hold results back until the keyframe behind them is known; without it every
            frame is settled at once, with carried boxes as they are.
        pose_tracked: Find poses where people are expected, which carries them, and in detections
            that nobody was carried to; else in every detection, people staying where they were.
        pose_interval: Frames from one pose to the next, at most `det_interval`; in between they lie
            on straight lines.

    Attributes:
        detector_calls: How often the detector ran, by reason.
    """

    def __init__(
        self,
        *,
        rate: float,
        det_interval: int,
        start_score: float,
        lookahead: bool = True,
        pose_tracked: bool = True,
        pose_interval: int = 1,
    ) -> None:
        self.detector_calls: Counter[str] = Counter()
        self._steps = Steps(rate)
        self._interval = det_interval
        self._start_score = start_score
        self._lookahead = lookahead
        self._pose_tracked = pose_tracked
        self._pose_interval = pose_interval
        self._roster = Roster(self._steps, start_score=start_score, lookahead=lookahead)
        self._window: list[Frame] = []
        """Frames behind the last keyframe."""
        self._path: list[list[Place]] = []
        """For each of them, where every track was carried."""
        self._held: list[Frame] = []
        """Frames that wait for the window behind them."""
        self._keyframes: set[int] = set()
        self._posed: set[int] = set()
        """Frames in which everybody's pose is looked for."""
        self._known = PoseCache()
        self._foresight = Foresight()
        self._following: Frame | None = None
        self._doubt: str | None = None
        """The last keyframe left something open."""
        self._credit = 0.0
        """Extra detections that may be made now."""

    @property
    def looks_ahead(self) -> bool:
        """Whether `push` begins with the poses of the frame behind, if it is told of it."""
        return self._lookahead and self._pose_tracked

    @property
    def detects_next(self) -> bool:
        """The next frame is a keyframe, whatever is in doubt."""
        return not self._roster.started or len(self._window) + 1 >= self._interval

    def foresee(self, frame: Frame) -> None:
        """Take the frame behind the one that `push` will be given."""
        self._following = frame

    def push(self, frame: Frame, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """Take the next frame; the results that are settled now, in order of time."""
        due = self.detects_next
        known = self._known.before(poser)
        self._credit = min(_EXTRA_SAVED, self._credit + _EXTRA_SHARE)
        before = self._path[-1] if self._path else self._roster.places
        self._window.append(frame)
        self._steps.add(frame)
        left = self._interval - len(self._window)
        if self._looked_at(left):
            self._posed.add(frame.index)
        if self._following is not None:
            self._look_ahead(before, frame, self._following, left, known)
            self._following = None
        self._path.append(self._carry(frame, before, known))
        if self._lookahead:
            return self._hold(detector, known) if due else []
        if due:
            self._close_window(detector, known, KEYFRAME)
        elif self._doubt and self._take_credit():
            self._close_window(detector, known, self._doubt)
        else:
            for track, place in zip(self._roster.tracks, self._path[-1], strict=True):
                track.carried(frame, place)
        return self._take([frame], known)

    def finish(self, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """The results held back; the last frame of the video becomes a keyframe."""
        if not self._lookahead:
            return []
        poser = self._known.before(poser)
        settled = self._hold(detector, poser) if self._window else []
        held, self._held = self._held, []
        return settled + self._take(held, poser)

    def _hold(self, detector: Detector, poser: PoseEstimator) -> list[FrameResult]:
        """Close the window and hold it back; the results of the one before are settled."""
        settled, self._held = self._held, list(self._window)
        self._close_window(detector, poser, KEYFRAME)
        return self._take(settled, poser)

    def _carry(self, frame: Frame, before: Sequence[Place], poser: PoseEstimator) -> list[Place]:
        """Everybody's place in the next frame."""
        step_s = self._steps.before(frame)
        if not self._pose_tracked:
            return carry_blind(before, frame, step_s)
        if frame.index not in self._posed:
            return carry_unlooked(before, frame, step_s)
        return carry_by_pose(self._roster.tracks, before, frame, poser, step_s)

    def _look_ahead(
        self,
        before: Sequence[Place],
        frame: Frame,
        following: Frame,
        left: int,
        poser: CachingEstimator,
    ) -> None:
        """Begin with the poses of this frame, and of the one behind it where that can be.

        While everybody is carried to this frame, the pose model has the next one to work on.

        Args:
            before: Everybody's place in the frame before.
            frame: This frame.
            following: The one behind it.
            left: Frames from this one to the planned keyframe.
            poser: Remembers what it has begun with.
        """
        self._steps.add(following)
        step_s, next_s = self._steps.before(frame), self._steps.before(following)
        places = [place for place in before if not place.lost]
        tracks = [t for t, place in zip(self._roster.tracks, before, strict=True) if not place.lost]
        now, later = expected_boxes(places, step_s), expected_boxes(places, step_s + next_s)
        later_sure = later[self._foresight.sure(tracks, now, later)]
        due = [
            (each, boxes.astype(np.float32))
            for each, boxes, left_then in (
                (frame, now, left),
                (following, later_sure, (left or self._interval) - 1),
            )
            if self._looked_at(left_then)
        ]
        poser.expect([each for each, _ in due], [boxes for _, boxes in due])

    def _looked_at(self, left: int) -> bool:
        """Whether poses are looked for in a frame from which `left` are left to the keyframe."""
        return left % self._pose_interval == 0

    def _close_window(self, detector: Detector, poser: PoseEstimator, reason: str) -> None:
        """Detect in the window's last frame and settle the window."""
        last = self._window[-1]
        end = self._detect(last, detector, poser, reason)
        self._close(self._window, self._path, end, detector, poser, halvings=_HALVINGS)
        self._steps.forget_before(last)
        self._window, self._path = [], []

    def _close(
        self,
        frames: Sequence[Frame],
        path: Sequence[Sequence[Place]],
        end: Candidates,
        detector: Detector,
        poser: PoseEstimator,
        *,
        halvings: int,
    ) -> None:
        """Settle frames up to a keyframe; where that is in doubt one half after the other."""
        match = self._match(frames, path, end, poser)
        limits = WITH_LOOKAHEAD if self._lookahead else AT_ONCE
        self._doubt = doubt_about(self._roster.tracks, path, frames[-1], match, limits)
        may_halve = self._lookahead and halvings > 0 and len(frames) > 1
        if not (self._doubt and may_halve and self._take_credit()):
            self._roster.settle(frames, path, end, match, poser)
            return
        half, halvings = (len(frames) + 1) // 2, halvings - 1
        middle = self._detect(frames[half - 1], detector, poser, self._doubt)
        self._close(frames[:half], path[:half], middle, detector, poser, halvings=halvings)
        frames, path = frames[half:], self._carry_on(frames[half:], poser)
        self._close(frames, path, end, detector, poser, halvings=halvings)

    def _carry_on(self, frames: Sequence[Frame], poser: PoseEstimator) -> list[list[Place]]:
        """Everybody's path through the frames up to a keyframe, from one that was settled."""
        path: list[list[Place]] = []
        for frame in frames:
            before = path[-1] if path else self._roster.places
            path.append(self._carry(frame, before, poser))
        return path

    def _take_credit(self) -> bool:
        """Spend one extra detection, if there is one to spend."""
        if self._credit < 1:
            return False
        self._credit -= 1
        return True

    def _detect(
        self, frame: Frame, detector: Detector, poser: PoseEstimator, reason: str
    ) -> Candidates:
        self.detector_calls[reason] += 1
        self._keyframes.add(frame.index)
        return find_candidates(frame, detector, poser)

    def _match(
        self,
        frames: Sequence[Frame],
        path: Sequence[Sequence[Place]],
        found: Candidates,
        poser: PoseEstimator,
    ) -> Match:
        """Who the detections in the last of some frames are, everybody having come this path."""
        end = self._roster.carried(path[-1], frames[-1])
        if not self._pose_tracked:
            return self._associate(end, found, None)
        last = len(frames) - 1
        looked = [k for k, each in enumerate(frames) if each.index in self._posed or k == last]
        start = self._roster.carried(path[looked[0]], frames[looked[0]])
        steps_s = [
            sum(self._steps.before(frame) for frame in frames[before + 1 : after + 1])
            for before, after in pairwise(looked)
        ]
        back = [frames[k] for k in looked[:-1]]
        early = early_likeness(start, end, back, found, poser=poser, steps_s=steps_s)
        return self._associate(end, found, early)

    def _associate(self, people: list[Carried], found: Candidates, early: Array | None) -> Match:
        return associate(people, found, self._start_score, early)

    def _take(self, frames: Sequence[Frame], poser: PoseEstimator) -> list[FrameResult]:
        """The results of frames that are settled."""
        keyframes = [frame.index in self._keyframes for frame in frames]
        for kept in (self._keyframes, self._posed):
            kept.difference_update(frame.index for frame in frames)
        results = self._roster.take(frames, keyframes, poser)
        self._known.forget(frames)
        return results
