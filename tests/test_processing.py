"""What the options ask for reaches the tracker, and who decides about people left out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hpe_volleyball.loaded import Models
from hpe_volleyball.media.video import VideoInfo, probe
from hpe_volleyball.options import InferOptions
from hpe_volleyball.processing import new_tracker, process
from hpe_volleyball.records import FrameResult
from hpe_volleyball.timing import StageClocks
from tests.clips import fixed_rate
from tests.scene import RATE, Scene, frame, walker

COUNT = 21


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    folder = tmp_path_factory.mktemp("processing")
    return probe(fixed_rate(folder / "match.mp4", 3, Fraction(int(RATE))))


def run(scene: Scene, info: VideoInfo, **asked: Any) -> list[FrameResult]:
    """The results of frames 0..COUNT-1."""
    options = InferOptions(**asked)
    frames = (frame(index) for index in range(COUNT))
    models, tracker = Models(scene, scene, {}), new_tracker(info, options)
    return list(process(frames, models, tracker, StageClocks(), options))


@pytest.mark.parametrize(("det_score", "people"), [(0.2, 2), (0.4, 1), (0.6, 1), (0.95, 0)])
def test_an_unknown_person_needs_the_score_that_is_asked_for(
    info: VideoInfo, det_score: float, people: int
) -> None:
    scores = {(1, index): 0.3 for index in range(COUNT)}
    results = run(Scene([walker(100), walker(400)], scores=scores), info, det_score=det_score)
    assert {len(result.tracks.ids) for result in results} == {people}


@pytest.mark.parametrize("every", [1, 2, 4])
def test_poses_are_estimated_on_the_frames_that_are_asked_for(info: VideoInfo, every: int) -> None:
    results = run(Scene([walker(100, 2)]), info, pose_interval=every)
    estimated = [
        result.frame.index
        for result in results
        if result.poses.estimated is None or result.poses.estimated.all()
    ]
    assert estimated == list(range(0, COUNT, every))


@pytest.mark.parametrize("lookahead", [True, False])
def test_results_come_at_once_where_that_is_asked_for(info: VideoInfo, *, lookahead: bool) -> None:
    scene, tracker = Scene([walker(100)]), new_tracker(info, InferOptions(lookahead=lookahead))
    waited = [index for index in range(8) if not tracker.push(frame(index), scene, scene)]
    assert waited == ([0, 1, 2, 3, 5, 6, 7] if lookahead else [])


@pytest.mark.parametrize(("det_score", "shown"), [(0.25, 1), (0.35, 0)])
def test_who_is_left_out_is_shown_from_the_score_that_is_asked_for(
    info: VideoInfo, det_score: float, shown: int
) -> None:
    spectator = (np.array([500.0, 100, 540, 200]), 0.3)
    scene = Scene([walker(100)], false={index: [spectator] for index in range(COUNT)})
    court = ((0, 0), (320, 0), (320, 360), (0, 360))
    results = run(scene, info, court=court, det_score=det_score)
    assert {len(result.left_out) for result in results} == {shown}
    assert {len(result.tracks.ids) for result in results} == {1}
