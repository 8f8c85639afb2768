"""Poses on every M-th frame: fewer crops, straight lines in between, rows marked."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from hpe_volleyball.errors import OptionError
from hpe_volleyball.options import InferOptions
from hpe_volleyball.records import Detections, Floats, Frame, FrameResult, Poses
from hpe_volleyball.tracking.carrying import (
    Anchor,
    Place,
    between_poses,
    detected_place,
    drift,
    glide,
)
from tests.scene import RATE, Array, Path, Scene, joints_in, walker

PAIR: list[Path] = [walker(80, 2.0), walker(560, -3.0, y=120, size=(36, 90))]


def bouncing(index: int) -> Array:
    """Up and down by 10 px, a corner in the path at every 4th frame."""
    phase = index % 8
    y = 200 + 2.5 * min(phase, 8 - phase)
    return np.array([300, y - 50, 340, y + 50], np.float64)


class Run:
    """A scene that was tracked."""

    def __init__(self, scene: Scene, results: list[FrameResult]) -> None:
        self.results = results
        self.crops = sum(boxes for call in scene.posed for _, boxes in call)

    def estimated(self) -> list[bool]:
        """For each frame, whether all of its poses were estimated."""
        return [r.poses.estimated is None or bool(r.poses.estimated.all()) for r in self.results]


def run(paths: list[Path], interval: int, every: int, *, lookahead: bool = True) -> Run:
    scene = Scene(paths)
    return Run(scene, scene.run(41, interval, lookahead=lookahead, pose_interval=every))


@pytest.mark.parametrize("interval", [4, 8])
@pytest.mark.parametrize("every", [2, 4])
def test_poses_are_looked_for_on_every_mth_frame(interval: int, every: int) -> None:
    sparse, full = run(PAIR, interval, every), run(PAIR, interval, 1)
    assert all(full.estimated())
    looked = [i for i, yes in enumerate(sparse.estimated()) if yes]
    assert looked == list(range(0, 41, every))
    assert sparse.crops <= full.crops / every * 1.3


def test_detections_are_followed_back_through_those_frames_alone() -> None:
    # Unseen at the keyframe 12, so that the detection there is followed back.
    scene = Scene(PAIR, hidden={(0, 12)})
    results = scene.run(13, 4, pose_interval=2)
    assert [result.tracks.ids.tolist() for result in results] == [[1, 2]] * 13
    looks = Counter(index for call in scene.posed for index, boxes in call if boxes)
    assert set(looks) == set(range(0, 13, 2))


def test_so_they_are_where_the_video_ends_before_the_keyframe() -> None:
    scene = Scene(PAIR, hidden={(0, 8)})
    results = scene.run(10, 6, pose_interval=2)
    assert [result.tracks.ids.tolist() for result in results] == [[1, 2]] * 10
    looks = Counter(index for call in scene.posed for index, boxes in call if boxes)
    assert set(looks) == {0, 2, 4, 6, 8, 9}, "the last frame is a keyframe, 8 was looked into"


@pytest.mark.parametrize("lookahead", [True, False])
def test_ids_and_steady_paths_are_those_of_all_poses(lookahead: bool) -> None:
    sparse = run(PAIR, 4, 2, lookahead=lookahead)
    full = run(PAIR, 4, 1, lookahead=lookahead)
    settled = 0 if lookahead else 12  # frames until velocities are known
    for one, other in list(zip(sparse.results, full.results, strict=True))[settled:]:
        assert one.tracks.ids.tolist() == other.tracks.ids.tolist()
        np.testing.assert_allclose(one.tracks.boxes, other.tracks.boxes, atol=2.5)
        np.testing.assert_allclose(one.poses.keypoints, other.poses.keypoints, atol=2.5)


def test_in_between_joints_lie_half_way() -> None:
    results = run([bouncing], 8, 4).results
    for before, middle, after in zip(results[0:-4:4], results[2:-2:4], results[4::4], strict=True):
        half = (before.poses.keypoints + after.poses.keypoints) / 2
        np.testing.assert_allclose(middle.poses.keypoints, half, atol=0.1)


class Cropped(Scene):
    """The detector errs by 6 px every other time, and a pose by half of its box's error."""

    def detect(self, frame: Frame) -> Detections:
        found = super().detect(frame)
        err = np.array([6, 0, 6, 0], np.float32) * (frame.index % 16 == 8)
        return Detections(found.boxes + err, found.scores)

    def _poses(self, index: int, boxes: Floats) -> Poses:
        poses = super()._poses(index, boxes)
        _, [truth] = self.people(index)
        poses.keypoints[..., 0] += (boxes[:, :1] - truth[0]) / 2
        return poses


def test_the_lines_end_in_the_poses_of_the_detections() -> None:
    """Not in those found in the carried boxes, which the results do not have."""
    results = Cropped([walker(80, 2.0)]).run(41, 8, pose_interval=2)
    for before, middle, after in zip(results[0:-2:2], results[1:-1:2], results[2::2], strict=True):
        half = (before.poses.keypoints + after.poses.keypoints) / 2
        np.testing.assert_allclose(middle.poses.keypoints, half, atol=1e-3)


def test_what_is_estimated_is_the_pose_itself() -> None:
    for result in run([bouncing], 8, 4).results[::4]:
        truth = joints_in(bouncing(result.frame.index))
        np.testing.assert_allclose(result.poses.keypoints[0], truth, atol=0.1)


def place(x: float) -> Place:
    box = np.array([x, 0, x + 40, 100], np.float64)
    return detected_place(Anchor(box, joints_in(box), np.full(17, 0.9)), None)


def test_a_path_that_ends_unseen_stays_as_it_was_carried() -> None:
    start = place(0)
    path = [glide(start, 1 / RATE)]
    path.append(glide(path[0], 1 / RATE))
    assert between_poses(start, path) == path


def test_steps_between_two_poses_are_equal() -> None:
    start = place(0)
    path = [glide(start, 1 / RATE)]
    path += [glide(path[0], 1 / RATE), place(30)]
    lefts = [start.box[0], *(p.box[0] for p in between_poses(start, path))]
    assert [b - a for a, b in pairwise(lefts)] == pytest.approx([10, 10, 10])


def test_more_than_the_detections_interval_is_refused() -> None:
    with pytest.raises(OptionError, match="--pose-interval 5: expected at most --det-interval"):
        InferOptions(det_interval=4, pose_interval=5)


def test_nothing_is_known_of_the_way_past_a_frame_in_which_the_pose_was_not_found() -> None:
    start = place(0)
    unseen = drift(start, 1 / RATE)
    path = [unseen, glide(unseen, 1 / RATE), place(30)]
    assert [p.box[0] for p in between_poses(start, path)] == [0, 0, 30]


def test_joints_in_between_are_as_sure_as_on_the_less_sure_side() -> None:
    start, end = place(0), place(20)
    start.scores[0], end.scores[1] = 0.3, 0.1
    middle, _ = between_poses(start, [glide(start, 1 / RATE), end])
    assert middle.scores.tolist() == [0.3, 0.1, *[0.9] * 15]
