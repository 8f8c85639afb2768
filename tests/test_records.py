"""Records refuse arrays of another type or shape, and say what they expected."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_volleyball.records import Bools, Detections, Frame, FrameResult, Poses, Tracks

IMAGE = np.zeros((4, 6, 3), np.uint8)


def poses(people: int) -> Poses:
    return Poses(np.zeros((people, 17, 2), np.float32), np.zeros((people, 17), np.float32))


def test_an_image_has_three_channels_of_bytes() -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \[n, n, 3\], found float64 \(4, 6, 3\)"):
        Frame(0, 0.0, IMAGE.astype(np.float64))
    with pytest.raises(ValueError, match=r"found uint8 \(4, 6\)"):
        Frame(0, 0.0, IMAGE[..., 0])


def test_detections_have_a_score_for_each_box() -> None:
    with pytest.raises(ValueError, match=r"Detections.scores: expected float32 \[2\]"):
        Detections(np.zeros((2, 4), np.float32), np.zeros(3, np.float32))
    with pytest.raises(ValueError, match=r"Detections.boxes: expected float32 \[n, 4\]"):
        Detections(np.zeros((2, 5), np.float32), np.zeros(2, np.float32))


@pytest.mark.parametrize("field", ["ids", "boxes", "scores", "detected"])
def test_tracks_are_checked_in_every_field(field: str) -> None:
    fields = {
        "ids": np.ones(2, np.int32),
        "boxes": np.zeros((2, 4), np.float32),
        "scores": np.zeros(2, np.float32),
        "detected": np.ones(2, np.bool_),
    }
    Tracks(**fields)  # type: ignore[arg-type]
    for wrong in (fields[field].astype(np.float64), fields[field][:1]):
        with pytest.raises(ValueError, match=r"Tracks\."):
            Tracks(**{**fields, field: wrong})  # type: ignore[arg-type]


def test_poses_have_a_score_for_each_keypoint() -> None:
    with pytest.raises(ValueError, match=r"Poses.scores: expected float32 \[1, 17\]"):
        Poses(np.zeros((1, 17, 2), np.float32), np.zeros((1, 16), np.float32))
    with pytest.raises(ValueError, match=r"Poses.keypoints: expected float32 \[n, n, 2\]"):
        Poses(np.zeros((1, 17, 3), np.float32), np.zeros((1, 17), np.float32))


@pytest.mark.parametrize("which", [np.array([2, 0]), np.array([True, False, True])])
def test_rows_are_taken_from_every_field(which: NDArray[np.intp] | Bools) -> None:
    numbers = np.arange(3, dtype=np.float32)
    tracks = Tracks(
        np.arange(1, 4, dtype=np.int32),
        np.repeat(numbers[:, None], 4, axis=1),
        numbers,
        np.array([True, False, False]),
    ).rows(which)
    kept = np.arange(3)[which].tolist()
    assert tracks.ids.tolist() == [k + 1 for k in kept]
    assert tracks.boxes[:, 0].tolist() == tracks.scores.tolist() == kept
    assert tracks.detected.tolist() == [k == 0 for k in kept]
    joints = np.repeat(numbers[:, None], 17, axis=1)
    found = Poses(np.stack([joints, joints], axis=2), joints, np.array([True, False, False]))
    taken = found.rows(which)
    assert taken.keypoints[:, 0, 1].tolist() == taken.scores[:, 0].tolist() == kept
    assert taken.estimated is not None
    assert taken.estimated.tolist() == [k == 0 for k in kept]
    assert poses(3).rows(which).estimated is None


def test_a_result_has_a_pose_for_each_track() -> None:
    frame = Frame(0, 0.0, IMAGE)
    assert FrameResult(frame, Tracks.empty(), poses(0), keyframe=True).keyframe
    with pytest.raises(ValueError, match="found 1 poses and 0 tracks"):
        FrameResult(frame, Tracks.empty(), poses(1), keyframe=True)


def test_nobody_is_no_rows_of_the_right_types() -> None:
    nobody = Detections.empty()
    assert (nobody.boxes.shape, nobody.scores.shape) == ((0, 4), (0,))
    tracks = Tracks.empty()
    assert tracks.ids.dtype == np.int32
    assert tracks.detected.dtype == np.bool_
    assert tracks.boxes.shape == (0, 4)


def test_records_cannot_be_changed() -> None:
    frame = Frame(0, 0.0, IMAGE)
    with pytest.raises(FrozenInstanceError):
        frame.index = 1  # type: ignore[misc]


def test_a_new_image_is_a_copy() -> None:
    frame = Frame(0, 0.0, np.zeros((4, 6, 3), np.uint8))
    frame.new_image()[:] = 7
    assert not frame.image.any()


def test_a_copy_of_a_result_shares_nothing_with_it() -> None:
    one = Poses(
        np.zeros((1, 2, 2), np.float32), np.zeros((1, 2), np.float32), np.zeros(1, np.bool_)
    )
    zeros = np.zeros((1, 4), np.float32)
    tracks = Tracks(np.zeros(1, np.int32), zeros, zeros[:, 0].copy(), np.zeros(1, np.bool_))
    result = FrameResult(Frame(3, 0.1, IMAGE, 5), tracks, one, keyframe=True, left_out=zeros.copy())
    copy = result.copy()
    assert (copy.frame.index, copy.frame.time_s, copy.frame.pts) == (3, 0.1, 5)
    assert copy.keyframe
    for array in arrays(copy):
        array[...] = 1
    assert not any(array.any() for array in arrays(result))


def arrays(result: FrameResult) -> list[NDArray[Any]]:
    """All arrays of a result."""
    parts = (result.frame, result.tracks, result.poses, result)
    values = [getattr(part, field.name) for part in parts for field in fields(part)]
    found = [value for value in values if isinstance(value, np.ndarray)]
    assert len(found) == 9
    return found
