"""The tracker on synthetic rallies: true models, noisy ones, and hours of them."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pytest
import supervision as sv
from trackers import ByteTrackTracker

from hpe_volleyball.evaluation.people import People
from hpe_volleyball.evaluation.track_scores import TrackScores, track_agreement
from hpe_volleyball.pipeline import Detector, PoseEstimator, run_pipeline
from hpe_volleyball.records import Frame, FrameResult
from hpe_volleyball.synthetic import (
    DetectorErrors,
    NoisyDetector,
    NoisyPose,
    PoseErrors,
    Rally,
    RallyConfig,
)
from hpe_volleyball.synthetic.rally import Truth
from hpe_volleyball.tracking.reasons import KEYFRAME
from hpe_volleyball.tracking.tracker import PlayerTracker

RATE = 50.0
START_SCORE = 0.4
BLACK = np.broadcast_to(np.uint8(0), (1080, 1920, 3))
TRUE_DETECTOR = DetectorErrors(
    missed=0,
    missed_hidden=0,
    jitter=0,
    score=0.98,
    score_spread=0,
    dips=0,
    doubles=0,
    false_boxes=0,
    merge_iou=1,
)
TRUE_POSE = PoseErrors(jitter=0, hidden_jitter=0, swapped=0, hidden_score=0.88, score_spread=0)
HIDDEN = 0.5
"""People hidden more than this behind others are neither asked for nor punished."""


@dataclass(frozen=True)
class Match:
    """One rally, its truth, and models that know it."""

    rally: Rally
    reference: People
    detector: Detector
    poser: PoseEstimator

    def frames(self) -> Iterator[Frame]:
        return (Frame(i, i / RATE, BLACK) for i in range(self.rally.n_frames))

    def run(
        self, interval: int, *, lookahead: bool = True
    ) -> tuple[list[FrameResult], PlayerTracker]:
        tracker = PlayerTracker(
            rate=RATE, det_interval=interval, start_score=START_SCORE, lookahead=lookahead
        )
        results = run_pipeline(
            self.frames(), detector=self.detector, tracker=tracker, poser=self.poser
        )
        return list(results), tracker

    def scores(self, results: list[FrameResult]) -> TrackScores:
        return track_agreement(self.reference, people_of(results))


def people_of(results: list[FrameResult]) -> People:
    tracks = [r.tracks for r in results]
    return People(
        frame=np.repeat(np.arange(len(tracks)), [len(t.ids) for t in tracks]),
        ids=np.concatenate([t.ids for t in tracks]),
        boxes=np.concatenate([t.boxes for t in tracks]),
    )


class KnownRally(Rally):
    """A rally that works out each moment once; frames behind the last one are those before it."""

    def __init__(self, config: RallyConfig, repeats: int = 1) -> None:
        super().__init__(config)
        self._once = self.n_frames
        self.n_frames *= repeats
        self._known: Callable[[int], Truth] = cache(super().truth)

    def truth(self, index: int) -> Truth:
        """Forwards, then backwards, and so on."""
        there, back = divmod(index, self._once)
        return self._known(self._once - 1 - back if there % 2 else back)


@lru_cache(maxsize=4)
def match(seed: int, *, noisy: bool, seconds: float = 4.0) -> Match:
    rally = KnownRally(RallyConfig(seconds=seconds, seed=seed))
    truths = [rally.truth(i) for i in range(rally.n_frames)]
    return Match(
        rally,
        People(
            frame=np.repeat(np.arange(rally.n_frames), [len(t.ids) for t in truths]),
            ids=np.concatenate([t.ids for t in truths]),
            boxes=np.concatenate([t.boxes for t in truths]),
            ignored=np.concatenate([t.occlusion for t in truths]) > HIDDEN,
        ),
        NoisyDetector(rally, None if noisy else TRUE_DETECTOR, seed),
        NoisyPose(rally, None if noisy else TRUE_POSE, seed),
    )


@cache
def bytetrack(seed: int) -> TrackScores:
    """`trackers`' ByteTrack on the noisy detections of every frame."""
    game = match(seed, noisy=True)
    tracker = ByteTrackTracker(
        frame_rate=RATE,
        track_activation_threshold=START_SCORE,
        high_conf_det_threshold=0.8 * START_SCORE,
        minimum_consecutive_frames=1,
    )
    numbers, ids, boxes = [], [], []
    for frame in game.frames():
        seen = game.detector.detect(frame)
        found = tracker.update(sv.Detections(xyxy=seen.boxes.copy(), confidence=seen.scores.copy()))
        if found.tracker_id is not None:
            known = found.tracker_id >= 0
            numbers += [frame.index] * int(known.sum())
            ids += found.tracker_id[known].tolist()
            boxes += found.xyxy[known].tolist()
    return track_agreement(
        game.reference,
        People(np.array(numbers, np.int64), np.array(ids, np.int32), np.array(boxes, np.float32)),
    )


@pytest.mark.parametrize("interval", [1, 4, 8])
def test_with_true_models_everybody_is_followed(interval: int) -> None:
    game = match(0, noisy=False)
    results, _ = game.run(interval)
    scores = game.scores(results)
    assert scores.idf1 > 0.98
    assert scores.recall > 0.98
    assert scores.precision > 0.98
    assert scores.switches <= 1
    for result in results:
        assert result.keyframe or not result.tracks.detected.any()
    skipped = np.array([r.frame.index for r in results if not r.keyframe])
    if len(skipped):
        between = track_agreement(game.reference, people_of(results), frames=skipped)
        assert between.box_iou > 0.9
        assert between.recall > 0.98


@pytest.mark.parametrize("seed", [1, 2])
def test_every_fourth_frame_is_better_than_bytetrack_on_all(seed: int) -> None:
    game = match(seed, noisy=True)
    results, tracker = game.run(4)
    scores, plain = game.scores(results), bytetrack(seed)
    assert plain.idf1 < 0.8
    assert scores.idf1 >= 0.99
    assert scores.switches == 0
    assert scores.recall >= 0.98
    assert scores.precision >= 0.98
    calls = tracker.detector_calls
    assert calls.total() == sum(r.keyframe for r in results)
    assert calls.total() <= 0.32 * len(results)
    assert calls[KEYFRAME] == 51


@pytest.mark.parametrize("seed", [1, 2])
def test_without_lookahead_it_is_not_much_worse(seed: int) -> None:
    game = match(seed, noisy=True)
    results, tracker = game.run(4, lookahead=False)
    scores = game.scores(results)
    assert scores.idf1 >= game.scores(game.run(4)[0]).idf1 - 0.01
    assert scores.idf1 >= 0.985
    assert scores.switches == 0
    assert scores.recall >= 0.97
    assert tracker.detector_calls.total() <= 0.31 * len(results)


def test_where_detections_came_from_tells_who_they_are() -> None:
    """In this rally two ids are exchanged if they are not followed back to the keyframe before."""
    game = match(34, noisy=True)
    scores = game.scores(game.run(8)[0])
    assert scores.switches == 0
    assert scores.idf1 >= 0.995


def play_on(frames: int, interval: int = 4) -> Iterator[PlayerTracker]:
    """Track a rally of two against two to and fro; the tracker after every 2000 frames."""
    config = RallyConfig(seconds=4.0, team_size=2, play="defence")
    rally = KnownRally(config, repeats=-(-frames // 200))
    # Many more misses and false boxes than usual: people come and go all the time.
    errors = DetectorErrors(missed=0.2, missed_run_s=1.2, false_boxes=0.3)
    detector, poser = NoisyDetector(rally, errors), NoisyPose(rally)
    tracker = PlayerTracker(rate=RATE, det_interval=interval, start_score=START_SCORE)
    ids: set[int] = set()
    given = 0
    for index in range(frames):
        for result in tracker.push(Frame(index, index / RATE, BLACK), detector, poser):
            given += 1
            ids.update(result.tracks.ids.tolist())
        roster = tracker._roster
        assert len(roster.tracks) <= 30
        assert len(roster._ended) <= 30
        assert len(tracker._window) == len(tracker._path) <= interval
        assert len(tracker._held) <= interval
        assert len(tracker._keyframes) <= 2 * interval
        rows = [len(t.rows) for t in (*roster.tracks, *roster._ended)]
        assert max(rows, default=0) <= 2 * interval
        if index % 2000 == 1999:
            yield tracker
    assert given > frames - 2 * interval
    assert len(ids) > frames / 1000, "people have come and gone"


def test_eight_thousand_frames_leave_nothing_in_the_tracker() -> None:
    sizes = [len(pickle.dumps(tracker)) - BLACK.size for tracker in play_on(8_000)]
    assert len(sizes) == 4
    assert max(sizes) < 200_000


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_frames_leave_nothing_anywhere() -> None:
    tracemalloc.start()
    try:
        traced = [tracemalloc.get_traced_memory()[0] for _ in play_on(100_000)]
    finally:
        tracemalloc.stop()
    assert len(traced) == 50
    assert max(traced[1:]) - traced[0] < 300_000
