"""What a long run may gather: little memory, and no more than a few detections saved up."""

from __future__ import annotations

import pytest

from hpe_volleyball.records import Detections, Frame
from hpe_volleyball.tracking.reasons import KEYFRAME
from hpe_volleyball.tracking.tracker import PlayerTracker
from tests.scene import Scene, frame, walker

CALM = 200
"""Frames without a doubt, worth 30 extra detections."""


@pytest.mark.parametrize("lookahead", [True, False])
def test_times_of_frames_long_gone_are_not_kept(lookahead: bool) -> None:
    scene = Scene([walker(100)])
    tracker = PlayerTracker(rate=50, det_interval=4, start_score=0.4, lookahead=lookahead)
    for k in range(100):
        tracker.push(frame(k), scene, scene)
        assert len(tracker._steps._before_s) <= 5


class Turning(Scene):
    """First calm; then nobody is seen, and boxes lie side by side and above each other in turn."""

    def detect(self, frame: Frame) -> Detections:
        if frame.index >= CALM:
            x, y = ((8, 0), (0, 27))[len(self.detected) % 2]
            self.paths = [walker(108 - x, y=200 - y), walker(108 + x, y=200 + y)]
        return super().detect(frame)


@pytest.mark.parametrize("lookahead", [True, False])
def test_a_calm_beginning_saves_up_few_extra_detections(lookahead: bool) -> None:
    """Eight, however long it lasts, and three in twenty frames of the time in doubt."""
    doubtful = range(CALM, CALM + 40)
    hidden = {(person, k) for person in (0, 1) for k in doubtful}
    scene = Turning([walker(100), walker(116)], hidden=hidden)
    tracker = PlayerTracker(rate=50, det_interval=4, start_score=0.4, lookahead=lookahead)
    for k in range(doubtful.stop):
        tracker.push(frame(k), scene, scene)
        assert k in doubtful or set(tracker.detector_calls) == {KEYFRAME}
    extra = tracker.detector_calls.total() - tracker.detector_calls[KEYFRAME]
    assert 10 <= extra <= 8 + 0.15 * 40
