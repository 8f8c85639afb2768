"""Frames at uneven times, as a live source leaves them: how far people get in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from hpe_volleyball.pipeline import run_pipeline
from hpe_volleyball.records import Floats, Frame, FrameResult, Poses
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.tracking.candidates import find_candidates
from hpe_volleyball.tracking.carrying import Carried, detected_place, drift
from hpe_volleyball.tracking.tracing import early_likeness
from hpe_volleyball.tracking.tracker import PlayerTracker
from tests.scene import HEIGHT, RATE, WIDTH, Array, Path, Scene, followed, walker


def frames_at(ticks: Sequence[int]) -> list[Frame]:
    """Black frames after so many fiftieths of a second."""
    black = np.broadcast_to(np.uint8(0), (HEIGHT, WIDTH, 3))
    return [Frame(k, tick / RATE, black) for k, tick in enumerate(ticks)]


def seen_at(path: Path, ticks: Sequence[int]) -> Path:
    """The path by the number of the frame, of one that goes by ticks."""
    return lambda index: path(ticks[index])


def run(scene: Scene, frames: Sequence[Frame], interval: int = 4) -> list[FrameResult]:
    tracker = PlayerTracker(rate=RATE, det_interval=interval, start_score=0.4)
    return list(run_pipeline(frames, detector=scene, tracker=tracker, poser=scene))


def test_the_next_frame_is_looked_into_ahead_where_people_will_be_then() -> None:
    """Each of two walkers once, although the time to the next frame is not that to this one."""
    ticks = list(accumulate([1, 5] * 20))
    scene = Scene([seen_at(path, ticks) for path in (walker(20, 3.0), walker(600, -3.0, y=100))])
    tracker = PlayerTracker(rate=RATE, det_interval=4, start_score=0.4)
    asked: Counter[int] = Counter()
    for here, following in pairwise(frames_at(ticks)):
        scene.posed.clear()
        tracker.foresee(following)
        tracker.push(here, scene, scene)
        for call in scene.posed:
            asked.update(dict(call))
        assert asked[following.index] == 2 or here.index < 16, "velocities are known then"
    assert {asked[k] for k in range(17, len(ticks))} == {2}


def test_a_new_person_is_followed_back_over_a_long_gap() -> None:
    """16 px in the gap before the keyframe: much in 1/50 s, little in 8/50 s."""
    ticks = [0, 1, 2, 3, 4, 5, 6, 7, 15]
    new = seen_at(walker(300, 2.0, first=5), ticks)
    scene = Scene([walker(100), new])
    results = run(scene, frames_at(ticks))
    assert followed(results, new) == dict.fromkeys(range(5, 9), 2)


def test_a_detection_is_followed_back_over_a_long_gap() -> None:
    """20 px in the last of three steps."""
    ticks = [0, 1, 2, 10]
    path = seen_at(walker(200, 2.5), ticks)
    scene, frames = Scene([path]), frames_at(ticks)
    start, end = (
        detected_place(find_candidates(frames[k], scene, scene).anchor(0), None) for k in (0, -1)
    )
    unseen = drift(end, 1 / RATE)
    fits = early_likeness(
        [Carried(start, start.as_anchor(), 0.2, confirmed=True)],
        [Carried(unseen, start.as_anchor(), 0.2, confirmed=True)],
        frames[:-1],
        find_candidates(frames[-1], scene, scene),
        poser=scene,
        steps_s=(np.diff(ticks) / RATE).tolist(),
    )
    assert fits.shape == (1, 1)
    assert fits[0, 0] > 0.9


class Centred(Scene):
    """A pose model that sees people only in crops that fit them well."""

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        told = super().estimate(frames, boxes)
        for frame, here, poses in zip(frames, boxes, told, strict=True):
            overlap = box_iou(here, self.people(frame.index)[1])
            poses.scores[(overlap < 0.75).all(axis=1)] = 0.1
        return told


def test_two_people_who_stop_short_while_the_picture_hangs_keep_their_ids() -> None:
    """Both were about to be where the other one is; where they came from tells who they are."""
    ticks = [*range(24), 31]
    size = 24.0, 60.0

    def down(tick: int) -> Array | None:
        return walker(300, y=153 + 6.0 * (tick - 23) if tick <= 23 else 161, size=size)(0)

    def up(tick: int) -> Array | None:
        return walker(300, y=200 - 6.0 * (tick - 23) if tick <= 23 else 192, size=size)(0)

    paths = [seen_at(path, ticks) for path in (down, up)]
    scene = Centred(paths)
    results = run(scene, frames_at(ticks))
    for number, path in enumerate(paths, 1):
        assert followed(results, path) == dict.fromkeys(range(25), number)
