"""The candidates' parts and trackers, on people whose paths are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from candidates import CANDIDATES, REFERENCES, Candidate, NoPoses, code_lines
from candidates_association import InjectedByteTrack, TwoStage
from candidates_carrying import Person, move, part_collapsed, pose_steps
from candidates_flow import Array, View, reduced

from hpe_volleyball.pipeline import run_pipeline
from hpe_volleyball.records import Detections, Frame, FrameResult
from hpe_volleyball.similarity import box_iou
from tests.scene import Scene, followed, frame, shifted, walker

LEFT, RIGHT = np.array([100.0, 100.0, 140.0, 200.0]), np.array([300.0, 100.0, 340.0, 200.0])
ALL = [c for c in (*REFERENCES, *CANDIDATES) if "shipped" not in c.name]
"""The shipped tracker has tests of its own."""
CARRYING = [c for c in CANDIDATES if "velocity" in c.name or "keypoints" in c.name]


def view(of: Frame) -> View:
    return reduced(of.image)


def person(box: Array, number: int = 1) -> Person:
    return Person(number, box, 0.9, 0.0, 0)


def detections(*rows: tuple[Array, float]) -> Detections:
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([score for _, score in rows], np.float32))


def track(candidate: Candidate, interval: int, scene: Scene, count: int) -> list[FrameResult]:
    tracker = candidate.make(50.0, interval, view)
    poser = scene if candidate.poses else NoPoses(scene)
    frames = (frame(index) for index in range(count))
    return list(run_pipeline(frames, detector=scene, tracker=tracker, poser=poser))


def named(candidates: list[Candidate]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("candidate", candidates, ids=lambda c: c.name)


@named(ALL)
@pytest.mark.parametrize("count", [1, 4, 14, 17])
def test_every_frame_comes_once_in_order(candidate: Candidate, count: int) -> None:
    scene = Scene([walker(100, 1), walker(400, -1)])
    results = track(candidate, 4, scene, count)
    assert [result.frame.index for result in results] == list(range(count))
    assert all(index in scene.detected for index in range(0, count, 4))


@named(ALL)
def test_slow_people_apart_keep_their_ids(candidate: Candidate) -> None:
    paths = [walker(100, 1), walker(400, -1)]
    results = track(candidate, 4, Scene(paths), 41)
    ids = [followed(results, path) for path in paths]
    assert [len(set(own.values())) for own in ids] == [1, 1]
    assert set(ids[0].values()) != set(ids[1].values())
    assert all(len(own) >= 37 for own in ids)


@named(CARRYING)
def test_boxes_between_keyframes_lie_where_the_people_are(candidate: Candidate) -> None:
    path = walker(100, 3)
    for result in track(candidate, 4, Scene([path]), 41)[9:]:
        box = path(result.frame.index)
        assert box is not None
        assert box_iou(box[None], result.tracks.boxes)[0].max() > 0.9
        assert result.tracks.detected.all() == result.keyframe


@named([c for c in CARRYING if "keypoints" in c.name])
def test_a_jump_that_only_the_pose_shows_is_followed(candidate: Candidate) -> None:
    def path(index: int) -> Array | None:
        return walker(100)(0) if index < 10 else walker(100 + 6 * (min(index, 17) - 10))(0)

    results = track(candidate, 8, Scene([path]), 25)
    assert len(set(followed(results, path).values())) == 1
    assert len(followed(results, path)) == 25


@named([c for c in CARRYING if "keypoints" in c.name])
def test_somebody_missed_but_seen_stays_in_the_results(candidate: Candidate) -> None:
    path = walker(100, 1)
    results = track(candidate, 4, Scene([path], missed={(0, 12)}), 21)
    assert set(followed(results, path)) == set(range(21))


def test_velocity_alone_makes_up_nobody() -> None:
    [candidate] = [c for c in CANDIDATES if c.name.endswith(", velocity")]
    path = walker(100, 1, end=10)
    results = track(candidate, 4, Scene([path]), 21)
    assert [len(result.tracks.ids) for result in results[9:]] == [0] * 12


def test_frozen_boxes_do_not_move_until_the_next_keyframe() -> None:
    results = track(CANDIDATES[0], 4, Scene([walker(100, 2)]), 16)
    boxes = [result.tracks.boxes[0] for result in results[4:]]
    assert all((boxes[i] == boxes[i - i % 4]).all() for i in range(12))
    assert (boxes[4] != boxes[0]).any()


def test_two_stages_give_strong_detections_first_choice() -> None:
    seen = detections((LEFT + 5, 0.2), (LEFT + 8, 0.9), (RIGHT + 2, 0.2))
    pairs = TwoStage().match({7: LEFT, 9: RIGHT}, seen)
    assert pairs == {7: 1, 9: 2}


@pytest.mark.parametrize(("score", "births"), [(0.39, 0), (0.41, 1)])
def test_two_stages_name_strangers_who_are_strong_enough(score: float, births: int) -> None:
    pairs = TwoStage().match({}, detections((LEFT, score)))
    assert len(pairs) == births


def test_two_stages_take_no_second_box_for_a_stranger() -> None:
    twice = detections((LEFT + 1, 0.9), (LEFT + 3, 0.8), (RIGHT, 0.8))
    assert sorted(TwoStage().match({7: LEFT}, twice).values()) == [0, 2]


@pytest.mark.parametrize("make", [TwoStage, lambda: InjectedByteTrack(50.0)])
def test_a_match_gives_the_same_id_again(make: Callable[[], TwoStage]) -> None:
    association = make()
    first = association.match({}, detections((LEFT, 0.9), (RIGHT, 0.8)))
    boxes = {i: (LEFT, RIGHT)[row] for i, row in first.items()}
    assert len(first) == 2
    association.carried(boxes)
    swapped = detections((RIGHT + 2, 0.9), (LEFT + 2, 0.8))
    assert association.match(boxes, swapped) == {i: 1 - row for i, row in first.items()}


def test_injected_boxes_lead_bytetrack_where_its_own_filter_would_not() -> None:
    led, alone = InjectedByteTrack(50.0), InjectedByteTrack(50.0)
    for association in (led, alone):
        assert association.match({}, detections((LEFT, 0.9))) == {1: 0}
    for step in range(1, 8):
        led.carried({1: shifted(LEFT, 12 * step)})
        alone.carried({})
    far = detections((shifted(LEFT, 96), 0.9))
    assert led.match({}, far) == {1: 0}
    assert alone.match({}, far) == {2: 0}


def test_injected_bytetrack_survives_a_keyframe_without_detections() -> None:
    association = InjectedByteTrack(50.0)
    association.match({}, detections((LEFT, 0.9)))
    association.match({}, detections((LEFT, 0.9)))
    assert association.match({}, detections()) == {}
    assert association.match({}, detections((LEFT, 0.9))) == {1: 0}


def test_poses_show_steps_and_hidden_joints_do_not() -> None:
    scene = Scene([walker(100, 3), walker(300, -2)], hidden={(1, 1)})
    people = [person(scene.people(0)[1][i], i) for i in (0, 1)]
    steps = pose_steps(frame(0), frame(1), people, np.zeros((2, 2)), scene)
    assert steps[0] == pytest.approx([3, 0], abs=1e-3)
    assert np.isnan(steps[1]).all()
    assert scene.posed == [[(0, 2)], [(1, 2)]]


def test_the_pose_of_the_frame_before_is_not_estimated_again() -> None:
    scene = Scene([walker(100, 3)])
    people = [person(scene.people(0)[1][0])]
    for index in range(3):
        pose_steps(frame(index), frame(index + 1), people, np.zeros((1, 2)), scene)
    assert len(scene.posed) == 4


def test_of_two_people_who_collapse_the_surprising_one_has_no_evidence() -> None:
    people = [person(LEFT, 1), person(shifted(LEFT, 30), 2)]
    steps, predicted = np.array([[1.0, 0.0], [-28.0, 0.0]]), np.zeros((2, 2))
    part_collapsed(people, steps, predicted)
    assert steps[0].tolist() == [1, 0]
    assert np.isnan(steps[1]).all()


def test_velocity_is_against_the_camera() -> None:
    somebody = person(LEFT)
    camera = np.array([5.0, 0.0])
    for _ in range(20):
        move(somebody, np.array([7.0, 0.0]), camera, camera)
    assert somebody.velocity == pytest.approx([2, 0], abs=0.01)
    assert somebody.seen
    move(somebody, np.full(2, np.nan), np.array([7.0, 0.0]), camera)
    assert somebody.box[0] == pytest.approx(LEFT[0] + 21 * 7)
    assert not somebody.seen


def test_a_detection_after_an_unseen_way_corrects_the_velocity() -> None:
    somebody = person(LEFT)
    somebody.seen = False
    somebody.found(shifted(LEFT, 40), 0.8, frame(4))
    assert somebody.velocity.tolist() == [5, 0]
    assert somebody.found_frame == 4


def commented() -> int:
    """A docstring.

    Of several lines.
    """
    # A comment.
    text = "# no comment"

    return len(text)  # and another


def test_code_lines_leave_out_what_is_said(tmp_path: Path) -> None:
    assert code_lines(commented) == 3
    file = tmp_path / "some.py"
    file.write_text('"""Says."""\n\nA = 1\n"""Says more."""\n')
    assert code_lines(file) == 1


def test_each_part_of_a_candidate_is_counted_once() -> None:
    for candidate in (*REFERENCES, *CANDIDATES):
        assert len(set(candidate.parts)) == len(candidate.parts)
        assert candidate.code_lines() > 20
