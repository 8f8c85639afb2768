"""RTMPose: equal to rtmlib fed RGB, mmpose's scores, batching, keypoint counts."""

from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.preprocess import crop_regions, in_source
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmpose import RTMPose, decode_simcc
from hpe_volleyball.models.session import Session
from hpe_volleyball.records import Frame, Poses
from tests import graphs
from tests.frames import blank, clip_frames, cut_out

NOBODY = np.zeros((0, 4), np.float32)


@pytest.mark.shared
@pytest.mark.parametrize("batch", [1, 16])
def test_keypoints_are_those_of_rtmlib_fed_rgb(
    shared: Path, real_detector: Path, real_pose: Path, batch: int
) -> None:
    from rtmlib import RTMPose as Reference

    detector = RTMDet(open_session(real_detector, "cpu"))
    ours = RTMPose(open_session(real_pose, "cpu"), batch=batch)
    reference = Reference(str(real_pose), (192, 256))
    clip = shared / "clips" / "balance-3people-60fps.mp4"
    frames = [
        Frame(i, 0, image) for i, image in enumerate(clip_frames(clip, every=30, size=(1088, 1920)))
    ]
    seen = [detector.detect(frame) for frame in frames]
    boxes = [people.boxes[people.scores >= 0.3] for people in seen]
    assert sum(map(len, boxes)) >= 8
    found = np.concatenate([poses.keypoints for poses in ours.estimate(frames, boxes)])
    # The crop of this box is the picture itself.
    whole = np.array([[19.2, 25.6, 172.8, 230.4]], np.float32)
    regions = [crop_regions(people, 192, 256) for people in boxes]
    of_crops = [
        in_source(reference(person[:, :, ::-1], whole)[0], region[None], 192, 256)
        for frame, here in zip(frames, regions, strict=True)
        for region in here
        for person in [cut_out(frame.image, region, 192, 256)]
    ]
    np.testing.assert_allclose(found, np.concatenate(of_crops), atol=1e-3)
    of_pictures = [
        reference(frame.image[:, :, ::-1], people)[0]
        for frame, people in zip(frames, boxes, strict=True)
    ]
    step = np.concatenate(regions)[:, 2] / 192
    shift = np.abs(found - np.concatenate(of_pictures)) / step[:, None, None]
    # rtmlib's crops are not of whole pixels; the bins are half a pixel of the crop.
    assert np.median(shift) < 0.25
    assert np.mean(shift < 1) > 0.98


def test_scores_are_the_smaller_maximum_and_misses_are_marked(tmp_path: Path) -> None:
    peaks = [(40, 60, 0.7, 0.5), (40, 60, 0.4, 0.9), (40, 60, -0.5, 0.9), (40, 60, 1.2, 1.1)]
    peaks += [(0, 0, 0.5, 0.5)] * 13
    pose = RTMPose(open_session(graphs.pose(tmp_path / "pose.onnx", peaks), "cpu"))
    frame = blank(400, 300)
    [poses] = pose.estimate([frame], [np.array([[0, 0, 192, 256]], np.float32)])
    np.testing.assert_allclose(poses.scores[0, :4], [0.5, 0.4, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(poses.keypoints[0, 2], [0, 0])
    # The crop is the box grown by 1.25 about (96, 128): bin 40 is crop pixel 20, bin 60 is 30.
    # An eighth of a pixel is lost by cutting whole ones.
    np.testing.assert_allclose(poses.keypoints[0, 0], [-24 + 20 * 1.25, -32 + 30 * 1.25], atol=0.13)


def test_decode_reads_the_split_ratio_from_the_lengths() -> None:
    x, y = np.zeros((1, 1, 384), np.float32), np.zeros((1, 1, 768), np.float32)
    x[0, 0, 101], y[0, 0, 300] = 0.6, 0.8
    located, scores = decode_simcc(x, y, 192, 256)
    np.testing.assert_allclose(located, [[[50.5, 100]]])
    np.testing.assert_allclose(scores, [[0.6]])
    for other in (np.float16, np.float64):
        assert decode_simcc(x.astype(other), y.astype(other), 192, 256)[1].dtype == np.float32


@pytest.mark.parametrize("batch", ["batch", 4])
def test_people_of_many_frames_share_batches(tmp_path: Path, batch: int | str) -> None:
    """Free and fixed batches; frames without people keep their place."""
    path = graphs.pose(tmp_path / "pose.onnx", [(8, 8, 1, 1)] * 26, batch=batch)
    pose = RTMPose(open_session(path, "cpu"), batch=3)
    rng = np.random.default_rng(5)
    corners = rng.uniform(0, 30, (7, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + 20], axis=1)
    split = [NOBODY, boxes[:4], NOBODY, boxes[4:], NOBODY]
    found = pose.estimate([blank(index=i) for i in range(5)], split)
    assert [len(p.keypoints) for p in found] == [0, 4, 0, 3, 0]
    centres = np.concatenate([p.keypoints[:, 0] for p in found])
    # All people have the same size, so the same peak lies at the same offset from each crop.
    offset = centres - crop_regions(boxes, 192, 256)[:, :2]
    np.testing.assert_allclose(offset, np.broadcast_to(offset[0], offset.shape), atol=1e-4)


def test_no_people_give_no_poses(tmp_path: Path) -> None:
    pose = RTMPose(open_session(graphs.pose(tmp_path / "p.onnx", [(8, 8, 1, 1)] * 133), "cpu"))
    [poses] = pose.estimate([blank()], [NOBODY])
    assert poses.keypoints.shape == (0, 133, 2)


@pytest.mark.parametrize(
    ("count", "name"), [(17, "coco17"), (26, "halpe26"), (133, "wholebody133")]
)
def test_the_skeleton_follows_the_model(tmp_path: Path, count: int, name: str) -> None:
    path = graphs.pose(tmp_path / "p.onnx", [(8, 8, 1, 1)] * count, size=(288, 384))
    pose = RTMPose(open_session(path, "cpu"))
    assert pose.skeleton.name == name
    assert (pose.input_width, pose.input_height) == (288, 384)


def test_models_of_other_kinds_are_refused(tmp_path: Path) -> None:
    detector = graphs.detector(tmp_path / "det.onnx", [], [])
    with pytest.raises(ModelError, match=r"expected a pose model .* found .*dets"):
        RTMPose(open_session(detector, "cpu"))
    hands = graphs.pose(tmp_path / "hands.onnx", [(8, 8, 1, 1)] * 21)
    with pytest.raises(ModelError, match="17, 26, 133 keypoints"):
        RTMPose(open_session(hands, "cpu"))
    flat: dict[str, NDArray[Any]] = {
        name: np.zeros(48, np.float32) for name in ("simcc_x", "simcc_y")
    }
    path = graphs.constant_model(tmp_path / "flat.onnx", flat, image=("batch", 3, 24, 24))
    with pytest.raises(ModelError, match="expected a pose model with a fixed input size"):
        RTMPose(open_session(path, "cpu"))


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_calls_side_by_side_give_the_same_poses(real_pose: Path, batch: int) -> None:
    rng = np.random.default_rng(7)
    frames = [Frame(i, 0.0, rng.integers(0, 255, (360, 640, 3), np.uint8)) for i in range(2)]
    corners = rng.uniform(0, 300, (7, 2))
    people = np.concatenate([corners, corners + rng.uniform(20, 200, (7, 2))], axis=1)
    boxes = [people[:4].astype(np.float32), people[4:].astype(np.float32)]
    one = RTMPose(open_session(real_pose, "cpu", threads=1), batch=batch)
    several = RTMPose(open_session(real_pose, "cpu", threads=1), batch=batch, workers=3)
    for expected, found in zip(
        one.estimate(frames, boxes), several.estimate(frames, boxes), strict=True
    ):
        np.testing.assert_allclose(found.keypoints, expected.keypoints, atol=1e-3)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


@pytest.mark.parametrize("workers", [1, 2])
def test_poses_come_frame_by_frame_when_they_are_begun(real_pose: Path, workers: int) -> None:
    rng = np.random.default_rng(3)
    frames = [Frame(i, 0.0, rng.integers(0, 255, (360, 640, 3), np.uint8)) for i in range(3)]
    people = np.array([[10, 10, 90, 200], [300, 50, 380, 300]], np.float32)
    boxes = [people, people[:0], people[1:]]
    poser = RTMPose(open_session(real_pose, "cpu", threads=1), workers=workers)
    begun = poser.begin(frames, boxes)
    # The last one can be waited for first.
    found = [poses.result() for poses in reversed(begun)][::-1]
    for poses, frame, here in zip(found, frames, boxes, strict=True):
        [alone] = poser.estimate([frame], [here])
        assert len(poses.keypoints) == len(here)
        np.testing.assert_allclose(poses.keypoints, alone.keypoints, atol=1e-3)


def test_calls_side_by_side_are_small_and_equal(real_pose: Path) -> None:
    poser = RTMPose(open_session(real_pose, "cpu", threads=1), workers=2)
    for count in range(30):
        parts = poser._parts(count)
        assert [i for part in parts for i in range(count)[part]] == list(range(count))
        sizes = [part.stop - part.start for part in parts]
        assert max(sizes, default=0) <= 3
        assert max(sizes, default=0) - min(sizes, default=0) <= 1
        assert count < 2 or len(parts) % 2 == 0


def test_a_call_that_failed_does_not_hold_up_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next recording of a batch has the same model."""
    pose = RTMPose(open_session(graphs.pose(tmp_path / "p.onnx", [(8, 8, 1, 1)] * 17), "cpu"))
    boxes = [np.array([[10, 10, 90, 200]], np.float32)]

    def fail(*_: object) -> None:
        raise ModelError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(Session, "run", fail)
        with pytest.raises(ModelError, match="out of memory"):
            pose.estimate([blank()], boxes)
    found: list[Poses] = []
    again = Thread(target=lambda: found.extend(pose.estimate([blank()], boxes)), daemon=True)
    again.start()
    again.join(20)
    assert [len(poses.keypoints) for poses in found] == [1]
