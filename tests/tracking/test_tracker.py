"""The tracker on made-up scenes: who has which id in which frame, and in which box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from hpe_volleyball.records import Detections, Frame, FrameResult
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.tracking.reasons import AGAIN, BACK, KEYFRAME, UNLIKE
from hpe_volleyball.tracking.tracker import PlayerTracker
from tests.scene import Array, Path, Scene, followed, frame, joints_in, walker

TRIO = [
    walker(80, 2.0),
    walker(560, -3.0, y=120, size=(36, 90)),
    walker(300, 0.5, y=280, size=(50, 120)),
]
"""Three people who pass each other at different heights of the picture."""


def at(results: Sequence[FrameResult], index: int) -> FrameResult:
    assert results[index].frame.index == index
    return results[index]


def box_of(path: Path, index: int) -> Array:
    box = path(index)
    assert box is not None
    return box


def jumper(index: int) -> Array | None:
    """Springs up and down twice a second, by 40 px: up to 2.5 body heights a second."""
    y = 220 + 20 * np.cos(2 * np.pi * index / 25)
    return np.array([180, y - 50, 220, y + 50])


@pytest.mark.parametrize("lookahead", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 30])
@pytest.mark.parametrize("interval", [1, 2, 4, 7, 50])
def test_every_frame_comes_out_once_and_in_order(
    interval: int, count: int, lookahead: bool
) -> None:
    scene = Scene(TRIO)
    results = scene.run(count, interval, lookahead=lookahead)
    assert [r.frame.index for r in results] == list(range(count))
    keyframes = [r.frame.index for r in results if r.keyframe]
    assert keyframes == sorted(scene.detected)
    planned = set(range(0, count, interval))
    if lookahead and count:
        planned.add(count - 1)
    assert keyframes == sorted(planned), "nothing in this scene is in doubt"
    for result in results:
        ids = result.tracks.ids.tolist()
        assert len(set(ids)) == len(ids)
        assert set(ids) <= {1, 2, 3}


@pytest.mark.parametrize(
    ("interval", "lookahead"),
    [
        *((interval, lookahead) for interval in (4, 7, 20, 50) for lookahead in (True, False)),
    ],
)
def test_nobody_in_plain_view_is_without_a_row(interval: int, lookahead: bool) -> None:
    results = Scene(TRIO).run(101, interval, lookahead=lookahead)
    assert all(r.tracks.ids.tolist() == [1, 2, 3] for r in results)


@pytest.mark.parametrize("lookahead", [True, False])
def test_detections_on_every_frame_are_the_results(lookahead: bool) -> None:
    results = Scene(TRIO).run(60, 1, lookahead=lookahead)
    for result in results:
        assert result.keyframe
        assert result.tracks.detected.all()
        truth = np.array([box_of(path, result.frame.index) for path in TRIO], np.float32)
        np.testing.assert_array_equal(result.tracks.ids, [1, 2, 3])
        np.testing.assert_array_equal(result.tracks.boxes, truth)
        np.testing.assert_array_equal(result.tracks.scores, np.full(3, 0.9, np.float32))


@pytest.mark.parametrize("lookahead", [True, False])
@pytest.mark.parametrize("interval", [4, 8])
def test_boxes_of_skipped_frames_go_along(interval: int, lookahead: bool) -> None:
    """Somebody walks past the jumper, hidden for a moment: there a guess is left out."""
    paths = [*TRIO, jumper]
    results = Scene(paths).run(97, interval, lookahead=lookahead)
    overlaps: list[float] = []
    left_out = 0
    for result in results:
        index = result.frame.index
        ids = result.tracks.ids
        assert set(ids.tolist()) <= {1, 2, 3, 4}
        left_out += 4 - len(ids)
        assert (result.tracks.detected == result.keyframe).all()
        truth = np.array([box_of(path, index) for path in paths])[ids - 1]
        own = np.diag(box_iou(result.tracks.boxes, truth))
        if result.keyframe:
            np.testing.assert_array_equal(result.tracks.boxes, truth.astype(np.float32))
        overlaps.extend(own.tolist())
    assert left_out <= (0 if lookahead else 3)
    keyframes = [r.frame.index for r in results if r.keyframe]
    assert max(np.diff(keyframes)) <= interval
    assert len(keyframes) <= 97 // interval + 3
    assert np.mean(overlaps) > 0.97
    assert np.min(overlaps) > 0.8


def test_poses_belong_to_their_tracks() -> None:
    for result in Scene([*TRIO, jumper]).run(60, 4):
        for box, keypoints in zip(result.tracks.boxes, result.poses.keypoints, strict=True):
            truth = joints_in(box.astype(np.float64))
            assert np.abs(keypoints - truth).max() < 8
        assert (result.poses.scores == np.float32(0.9)).all()


@pytest.mark.parametrize("interval", [1, 4])
def test_without_lookahead_every_frame_is_settled_at_once(interval: int) -> None:
    scene = Scene(TRIO)
    tracker = PlayerTracker(rate=50, det_interval=interval, start_score=0.4, lookahead=False)
    for index in range(20):
        [result] = tracker.push(frame(index), scene, scene)
        assert result.frame.index == index
    assert tracker.finish(scene, scene) == []


def test_with_lookahead_a_window_waits_for_the_one_behind_it() -> None:
    scene = Scene(TRIO)
    tracker = PlayerTracker(rate=50, det_interval=4, start_score=0.4)
    given = [[r.frame.index for r in tracker.push(frame(k), scene, scene)] for k in range(11)]
    settled = {4: [0], 8: [1, 2, 3, 4]}
    assert given == [settled.get(k, []) for k in range(11)]
    assert [r.frame.index for r in tracker.finish(scene, scene)] == [5, 6, 7, 8, 9, 10]


def test_an_empty_picture_asks_for_no_poses() -> None:
    scene = Scene([])
    results = scene.run(20)
    assert all(len(r.tracks.ids) == len(r.poses.keypoints) == 0 for r in results)
    assert scene.detected == [0, 4, 8, 12, 16, 19]
    assert not any(boxes for call in scene.posed for _, boxes in call)


def test_one_look_a_frame_is_enough_for_people_apart() -> None:
    scene = Scene(TRIO)
    scene.run(41, 4)
    asked = Counter(dict.fromkeys(range(41), 0))
    for call in scene.posed:
        asked.update(dict(call))
    assert set(asked.values()) == {3}


def test_nobody_looks_ahead_for_somebody_lost() -> None:
    gone = {(2, k) for k in range(6, 41)}
    scene = Scene(TRIO, missed=gone, hidden=gone)
    scene.run(41, 4)
    asked: Counter[int] = Counter()
    for call in scene.posed:
        asked.update(dict(call))
    assert all(asked[k] >= 3 for k in range(18))
    assert all(asked[k] == 2 for k in range(21, 41))


def test_the_detector_may_miss_somebody_for_a_while() -> None:
    """0.3 s and more without a detection, at 50 fps: the rows go on, in the right place."""
    path = walker(100, 3.0)
    scene = Scene([path, *TRIO[1:]], missed={(0, k) for k in range(33, 52)})
    results = scene.run(90)
    assert followed(results, path) == dict.fromkeys(range(90), 1)
    for index in range(90):
        [row] = np.flatnonzero(at(results, index).tracks.ids == 1)
        assert box_iou(results[index].tracks.boxes[[row]], box_of(path, index)[None]) > 0.85
    fading = [float(at(results, k).tracks.scores[0]) for k in range(33, 49)]
    assert fading == sorted(fading, reverse=True)


def test_a_person_out_of_sight_for_half_a_second_keeps_the_id() -> None:
    """Neither detector nor pose sees anything; rows end and come back."""
    gone = {(0, k) for k in range(30, 56)}
    path = walker(100, 2.0)
    scene = Scene([path], missed=gone, hidden=gone)
    ids = followed(scene.run(90), path)
    assert set(ids.values()) == {1}
    assert set(range(30)) | set(range(56, 90)) <= set(ids)
    assert not set(range(38, 52)) & set(ids), "no made-up boxes"


def test_whoever_was_gone_for_long_is_somebody_new() -> None:
    """For more than three seconds, and back in the same place."""
    before, after = walker(300, end=40), walker(300, first=200)
    ids = followed(Scene([before, after]).run(240), after)
    assert ids == dict.fromkeys(range(200, 240), 2)


@pytest.mark.parametrize("interval", [1, 4])
def test_a_person_detected_twice_is_one(interval: int) -> None:
    """A second box around the upper part, with a good score, in every frame."""
    path = TRIO[0]
    double = {k: [(box_of(path, k) - np.array([3, 3, 3, 35]), 0.8)] for k in range(60)}
    scene = Scene(TRIO, false=double)
    for result in scene.run(60, interval):
        assert result.tracks.ids.tolist() == [1, 2, 3]
        assert box_iou(result.tracks.boxes[:1], box_of(path, result.frame.index)[None]) > 0.9


@pytest.mark.parametrize("lookahead", [True, False])
def test_a_weak_box_seen_once_leaves_nothing(lookahead: bool) -> None:
    box = np.array([400.0, 50, 440, 150])
    scene = Scene(TRIO, false={20: [(box, 0.55)]})
    results = scene.run(80, lookahead=lookahead)
    assert 20 in scene.detected
    assert all(r.tracks.ids.tolist() == [1, 2, 3] for r in results)


@pytest.mark.parametrize("lookahead", [True, False])
def test_a_weak_box_on_half_a_person_confirms_and_does_not_move(lookahead: bool) -> None:
    path = walker(100, 2.0)
    upper = {k: [(box_of(path, k) - np.array([0, 0, 0, 35]), 0.2)] for k in (8, 12)}
    scene = Scene([path], missed={(0, 8), (0, 12)}, false=upper)
    for result in scene.run(30, 4, lookahead=lookahead):
        index = result.frame.index
        assert result.tracks.ids.tolist() == [1]
        np.testing.assert_allclose(result.tracks.boxes[0], box_of(path, index), atol=0.5)
        assert result.tracks.detected[0] == (result.keyframe and index not in upper)
        assert result.tracks.scores[0] > 0.15


def test_a_weak_person_seen_twice_is_there_from_the_first_time_on() -> None:
    path = walker(300, 1.0, y=150, first=10)
    scene = Scene([path], scores={(0, k): 0.5 for k in range(200)})
    scene.missed = {(0, k) for k in range(10, 16)}
    ids = followed(scene.run(60), path)
    # Detected at 16 for the first time, confirmed at 20; followed back to behind keyframe 12.
    assert ids == dict.fromkeys(range(13, 60), 1)


def test_a_weak_person_gets_an_id_at_the_second_detection_without_lookahead() -> None:
    path = walker(300, 1.0, y=150, first=18)
    scene = Scene([path], scores={(0, k): 0.5 for k in range(200)})
    results = scene.run(60, lookahead=False)
    first = min(followed(results, path))
    assert first == sorted(k for k in scene.detected if k >= 18)[1]
    assert followed(results, path) == dict.fromkeys(range(first, 60), 1)


@pytest.mark.parametrize("first", [17, 18, 19, 20])
def test_somebody_who_comes_in_is_followed_back(first: int) -> None:
    """Found at keyframe 20 (or 24): rows begin in the frame in which the person appeared."""
    path = walker(20, 2.0, first=first)
    ids = followed(Scene([*TRIO[1:], path]).run(60), path)
    assert ids == dict.fromkeys(range(first, 60), 3)


@pytest.mark.parametrize("interval", [1, 4, 8])
def test_rows_end_where_somebody_leaves_the_picture(interval: int) -> None:
    """To the right with 8 px a frame: nobody is left to be seen after frame 44."""
    path = walker(300, 8.0)

    def leaving(index: int) -> Array | None:
        box = path(index)
        return None if box is None or box[0] >= 636 else np.minimum(box, 640)

    results = Scene([walker(100), leaving]).run(80, interval)
    shown = [r.frame.index for r in results if 2 in r.tracks.ids]
    assert shown == list(range(len(shown)))
    assert 42 <= shown[-1] <= 49
    for result in results:
        assert set(result.tracks.ids.tolist()) <= {1, 2}
        assert (result.tracks.boxes[:, 2] <= 640).all()
        assert (result.tracks.boxes[:, 0] < 640).all()


def test_somebody_who_stops_being_there_leaves_no_rows_behind() -> None:
    """Gone within a window, away from the border: at most a tenth of a second is guessed."""
    path = walker(300, 1.0, end=30)
    results = Scene([walker(100), path]).run(60)
    assert max(r.frame.index for r in results if 2 in r.tracks.ids) <= 35


def test_people_who_pass_each_other_keep_their_ids() -> None:
    """They overlap by up to 0.6; the one behind is not detected while they do."""
    left, right = walker(200, 3.0, y=200), walker(440, -3.0, y=215, size=(44, 120))
    near = {
        (0, k) for k in range(120) if box_iou(box_of(left, k)[None], box_of(right, k)[None]) > 0.3
    }
    assert len(near) > 5
    for interval in (1, 4, 8):
        results = Scene([left, right], missed=near, hidden=near).run(81, interval)
        ends = [{k: followed(results, p)[k] for k in (0, 80)} for p in (left, right)]
        assert ends == [{0: 1, 80: 1}, {0: 2, 80: 2}]


def half_seen(at: float = 108) -> Scene:
    """Two people side by side, hidden in frames 45 to 48; at the end one box lies between them.

    Args:
        at: Where it lies; the people are at 100 and 116.
    """
    both = [(person, k) for person in (0, 1) for k in range(45, 49)]
    between = walker(at)(48)
    assert between is not None
    return Scene(
        [walker(100), walker(116)],
        hidden=set(both),
        missed={(0, 48), (1, 48)},
        false={48: [(between, 0.9)]},
    )


def test_a_window_in_doubt_is_halved_up_to_its_last_frame() -> None:
    """Its first half leaves no doubt."""
    scene = half_seen()
    tracker = PlayerTracker(rate=50, det_interval=8, start_score=0.4)
    results = [r for k in range(56) for r in tracker.push(frame(k), scene, scene)]
    assert tracker.detector_calls == {KEYFRAME: 7, BACK: 3}
    assert scene.detected == [*range(0, 49, 8), 44, 46, 47]
    results += tracker.finish(scene, scene)
    assert [r.frame.index for r in results if r.keyframe][:10] == [*range(0, 41, 8), 44, 46, 47, 48]
    assert len(results) == 56
    clear = [r for r in results if r.frame.index not in (47, 48)]
    assert all(r.tracks.ids.tolist() == [1, 2] for r in clear)


def test_without_lookahead_a_doubt_makes_the_next_frame_a_keyframe() -> None:
    results = half_seen().run(70, 8, lookahead=False)
    assert [r.frame.index for r in results if r.keyframe] == [*range(0, 49, 8), 49, 57, 65]


def test_without_lookahead_a_smaller_doubt_will_do() -> None:
    """A look at the next frame may still put right what was settled wrongly."""
    keyframes = [
        [r.frame.index for r in half_seen(102).run(60, 8, lookahead=ahead) if r.keyframe]
        for ahead in (True, False)
    ]
    assert keyframes == [[*range(0, 57, 8), 59], [*range(0, 49, 8), 49, 57]]


class Undecided(Scene):
    """Two people who are never seen, and boxes side by side and above each other in turn."""

    def detect(self, frame: Frame) -> Detections:
        x, y = ((8, 0), (0, 27))[len(self.detected) % 2]
        self.paths = [walker(108 - x, y=200 - y), walker(108 + x, y=200 + y)]
        return super().detect(frame)


@pytest.mark.parametrize("lookahead", [True, False])
@pytest.mark.parametrize("interval", [1, 3, 4, 8, 20])
def test_extra_detections_are_few_and_counted(interval: int, lookahead: bool) -> None:
    """There is a doubt at every keyframe."""
    scene = Undecided([], hidden={(person, k) for person in (0, 1) for k in range(400)})
    tracker = PlayerTracker(rate=50, det_interval=interval, start_score=0.4, lookahead=lookahead)
    for count in range(1, 401):
        tracker.push(frame(count - 1), scene, scene)
        extra = tracker.detector_calls.total() - tracker.detector_calls[KEYFRAME]
        assert extra <= 0.15 * count + 8
    assert tracker.detector_calls.total() == len(scene.detected)
    assert len(set(scene.detected)) == len(scene.detected), "no frame is looked at twice"
    assert set(tracker.detector_calls) <= {KEYFRAME, AGAIN, BACK, UNLIKE}
    assert extra > 20 or interval == 1


def test_the_last_frame_is_a_keyframe_and_its_new_people_are_shown() -> None:
    path = walker(20, 2.0, first=8)
    results = Scene([walker(300), path]).run(11, 8)
    assert at(results, 10).keyframe
    assert followed(results, path) == {8: 2, 9: 2, 10: 2}


def test_tracks_that_meet_on_one_person_part_again() -> None:
    """One of two disappears behind the other for 20 frames and comes out on the other side."""
    front = walker(300)
    back = walker(200, 2.0)
    hidden = {(1, k) for k in range(42, 59)}
    scene = Scene([front, back], missed=hidden, hidden=hidden)
    results = scene.run(110)
    assert followed(results, front) == dict.fromkeys(range(110), 1)
    ids = followed(results, back)
    assert {ids[k] for k in [*range(30), *range(70, 110)]} == {2}
    for result in results:
        overlap = np.triu(box_iou(result.tracks.boxes, result.tracks.boxes), 1)
        assert (overlap < 0.9).all()


def test_poses_of_detections_alone_when_tracked_people_are_not_asked_for() -> None:
    paths, weak = TRIO[:2], {(0, i): 0.35 for i in range(10, 20)}
    ghost = {5: [(np.array([400.0, 20, 440, 120]), 0.35)]}
    detections = Scene(paths, scores=weak, false=ghost)
    results = detections.run(30, 1, pose_tracked=False)
    crops = [sum(n for _, n in calls) for calls in detections.posed]
    assert crops == [2 if index != 5 else 3 for index in range(30)]
    for result in results:
        truth = np.array([box_of(path, result.frame.index) for path in paths], np.float32)
        assert result.tracks.ids.tolist() == [1, 2]
        np.testing.assert_array_equal(result.tracks.boxes, truth)
        np.testing.assert_array_equal(result.poses.scores, np.full((2, 17), 0.9, np.float32))
