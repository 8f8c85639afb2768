"""A box that goes along with a pose: known motions, and evidence that is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpe_volleyball.similarity import box_iou
from hpe_volleyball.tracking.carrying import Anchor, Place, detected_place, drift, surprise
from hpe_volleyball.tracking.following import follow
from tests.scene import Array, joints_in, shifted

RATE = 50
STEP_S = 1 / RATE
BOX = np.array([100.0, 100.0, 140.0, 200.0])
SURE = np.full(17, 0.9)
ANCHOR = Anchor(BOX, joints_in(BOX), SURE)
START = detected_place(ANCHOR, None)
ELBOWS, WRISTS, ANKLES = [7, 8], [9, 10], [15, 16]


def moved(by: tuple[float, float]) -> Array:
    """The joints of the person after a step."""
    return joints_in(shifted(BOX, *by))


def looked(
    place: Place, keypoints: Array, scores: Array = SURE, step_s: float = STEP_S
) -> Place | None:
    """One person alone, with this pose found."""
    [after] = follow([place], [ANCHOR], keypoints[None], scores[None], step_s)
    return after


def step(place: Place, keypoints: Array, scores: Array = SURE, step_s: float = STEP_S) -> Place:
    after = looked(place, keypoints, scores, step_s)
    assert after is not None
    return after


@pytest.mark.parametrize("speed", [(0.0, 0.0), (5.0, 0.0), (-3.0, 2.0)])
def test_steady_motion_is_followed_exactly(speed: tuple[float, float]) -> None:
    place = START
    for k in range(1, 13):
        place = step(place, moved((k * speed[0], k * speed[1])))
        np.testing.assert_allclose(place.box, shifted(BOX, k * speed[0], k * speed[1]))
    np.testing.assert_allclose(place.velocity / RATE, speed, atol=0.1)
    np.testing.assert_allclose(
        place.box_after(STEP_S), shifted(BOX, 13 * speed[0], 13 * speed[1]), atol=0.1
    )
    assert place.blind_s == 0


def test_frames_left_out_are_time_gone_by() -> None:
    """The same motion, with one to four frames left out between those that are seen."""
    place, k, steps = START, 0, [1, 1, 1, 1, 1, 1, 4, 2, 5, 1, 3]
    for frames in steps:
        k += frames
        np.testing.assert_allclose(place.box, shifted(BOX, 3.0 * (k - frames)), atol=0.01)
        place = step(place, moved((3.0 * k, 0)), step_s=frames * STEP_S)
    assert place.velocity[0] / RATE == pytest.approx(3, abs=0.1)
    unseen = drift(place, 3 * STEP_S)
    np.testing.assert_allclose(unseen.box, shifted(place.box, 9), atol=0.05)
    assert unseen.blind_s == pytest.approx(3 * STEP_S)


def test_a_box_grows_with_the_arms_and_moves_with_the_feet() -> None:
    """A jump of 24 px in 8 frames, in which the arms go from the hips to over the head."""
    place, joints = START, joints_in(BOX)
    for k in range(1, 9):
        lift = np.zeros((17, 2))
        lift[:, 1] = -3.0 * k
        lift[ELBOWS, 1] -= 4.0 * k
        lift[WRISTS, 1] -= 8.0 * k
        place = step(place, joints + lift)
    # Wrists at 148 - 24 - 64 = 60 are above the head, which was the highest joint at 105.
    now = joints + lift
    assert now[:, 1].min() == now[WRISTS, 1].max()
    rise = joints[:, 1].min() - now[:, 1].min()
    np.testing.assert_allclose(place.box, [100, 100 - rise, 140, 200 - 24])
    # The torso alone says how the person moves.
    np.testing.assert_allclose(place.velocity / RATE, [0, -3], atol=0.25)


def test_a_box_shrinks_as_somebody_ducks() -> None:
    scale = np.array([1.0, 0.7])
    low = BOX[2:] - (BOX[2:] - joints_in(BOX)) * scale
    place = START
    for part in (0.25, 0.5, 0.75, 1.0):
        place = step(place, (1 - part) * joints_in(BOX) + part * low)
    truth = np.array([100, 130, 140, 200])
    assert box_iou(place.box[None], truth[None])[0, 0] > 0.95
    assert place.box[3] == pytest.approx(200, abs=1.6)


@pytest.mark.parametrize("joints", [ANKLES, [0, 9, 15], [5, 9]])
def test_joints_that_jump_to_a_neighbour_do_not_pull_the_box(joints: list[int]) -> None:
    keypoints = moved((4, 0))
    keypoints[joints] += (45, 5)
    after = step(START, keypoints)
    assert box_iou(after.box[None], shifted(BOX, 4)[None])[0, 0] > 0.75
    assert after.box[2] < 150
    np.testing.assert_allclose(after.velocity, step(START, moved((4, 0))).velocity)


def test_joints_that_stay_with_a_neighbour_do_not_pull_the_box() -> None:
    place = START
    for k in range(1, 6):
        keypoints = moved((2.0 * k, 0))
        keypoints[[9, 15]] += (45, 0)
        place = step(place, keypoints)
    assert box_iou(place.box[None], shifted(BOX, 10)[None])[0, 0] > 0.75


def test_half_a_torso_on_a_neighbour_is_no_evidence() -> None:
    keypoints = moved((4, 0))
    keypoints[[5, 11]] += (45, 5)
    assert looked(START, keypoints) is None


def test_low_scores_are_no_evidence() -> None:
    assert looked(START, moved((1, 0)), np.full(17, 0.3)) is None
    few = np.where(np.arange(17) < 4, 0.9, 0.1)
    assert looked(START, moved((1, 0)), few) is None
    before = replace(START, scores=np.full(17, 0.3))
    assert looked(before, moved((1, 0))) is None


def test_few_joints_shift_the_box_with_the_torso() -> None:
    """Of six joints the wrists move on their own: the box keeps its size."""
    scores = np.where(np.isin(np.arange(17), [5, 6, 11, 12, 9, 10]), 0.9, 0.1)
    keypoints = moved((3, -2))
    keypoints[WRISTS, 1] -= 10
    after = step(START, keypoints, scores)
    np.testing.assert_allclose(after.box, shifted(BOX, 3, -2))


def test_a_box_that_would_more_than_double_is_shifted_instead() -> None:
    """The joints left and right of a person spread slowly to three times the width."""
    place, joints = START, joints_in(BOX)
    middle = joints.mean(axis=0)
    for k in range(1, 11):
        wide = middle + (joints - middle) * (1 + 0.2 * k, 1.0)
        place = step(place, wide)
    assert np.ptp(wide[:, 0]) == pytest.approx(3 * np.ptp(joints[:, 0]))
    assert place.box[2] - place.box[0] <= 80


def test_a_jump_to_the_neighbour_is_refused() -> None:
    """All joints land on somebody 45 px away, in one frame."""
    assert looked(START, moved((45, 0))) is None
    running = replace(START, velocity=RATE * np.array([6.0, 0.0]))
    assert looked(running, moved((6, 0))) is not None
    assert looked(running, moved((-45, 0))) is None


@pytest.mark.parametrize(("rate", "within"), [(25, True), (100, False)])
def test_the_reach_is_that_of_the_time_between_frames(rate: int, within: bool) -> None:
    """12 px from the predicted place: an eighth of a body in 1/25 s, or in 1/100 s."""
    after = looked(START, moved((12, 0)), step_s=1 / rate)
    assert (after is not None) == within


def test_a_person_seen_again_is_no_longer_blind() -> None:
    unseen = drift(replace(START, velocity=RATE * np.array([2.0, 0.0])), STEP_S)
    after = step(unseen, moved((4, 0)))
    assert after.blind_s == 0
    np.testing.assert_allclose(after.box, shifted(BOX, 4))


def test_surprise_is_how_much_a_pose_changes_the_velocity() -> None:
    running = replace(START, velocity=RATE * np.array([4.0, 0.0]))
    assert surprise(running, step(running, moved((4, 0)))) == pytest.approx(0, abs=1e-9)
    sudden = surprise(running, step(running, moved((1, 4))))
    assert sudden == pytest.approx(5 / 3 * surprise(running, step(running, moved((4, 3)))))
    assert sudden > 0


def test_people_are_followed_each_by_their_own_pose() -> None:
    """Together as alone: seen, standing still, unsure, gone astray, with few joints, and blind."""
    few = np.where(np.isin(np.arange(17), [5, 6, 11, 12, 9, 10]), 0.9, 0.1)
    blind = drift(replace(START, velocity=np.array([30.0, 10.0])), STEP_S)
    places = [START, START, START, START, START, blind]
    keypoints = np.stack([moved(by) for by in ((3, 1), (0, 0), (2, 0), (60, 0), (3, -2), (1, 0))])
    scores = np.stack([SURE, SURE, np.full(17, 0.2), SURE, few, SURE])
    together = follow(places, [ANCHOR] * 6, keypoints, scores, STEP_S)
    assert [place is None for place in together] == [False, False, True, True, False, False]
    for place, pose, score, after in zip(places, keypoints, scores, together, strict=True):
        alone = looked(place, pose, score)
        assert (alone is None) == (after is None)
        for name in ("box", "velocity", "keypoints", "scores", "joints", "blind_s"):
            np.testing.assert_array_equal(getattr(alone, name, None), getattr(after, name, None))


def test_nobody_is_followed_nowhere() -> None:
    assert follow([], [], np.zeros((0, 17, 2)), np.zeros((0, 17)), STEP_S) == []
