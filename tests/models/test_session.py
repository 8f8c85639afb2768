"""A session says what it runs and where, and batches are filled up without a trace."""

from pathlib import Path

import numpy as np

from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.models.tuning import batch_buckets
from hpe_volleyball.records import Frame
from tests import graphs


def test_session_says_what_it_runs(tmp_path: Path) -> None:
    path = graphs.detector(tmp_path / "det.onnx", [[1, 2, 3, 4, 0.5]], [0])
    session = open_session(path, "cpu")
    assert session.provider == "CPUExecutionProvider"
    assert session.inputs[0].shape_text == "?x3x?x?"
    assert session.describe() == "inputs input ?x3x?x?; outputs dets 1x1x5, labels 1x1"
    assert len(session.sha256) == 64


def test_the_nodes_tell_where_the_model_runs(real_detector: Path) -> None:
    session = open_session(real_detector, "cpu")
    assert list(session.nodes) == ["CPUExecutionProvider"]
    assert session.nodes["CPUExecutionProvider"] > 300


def test_on_the_cpu_a_call_is_as_large_as_it_has_images(tmp_path: Path) -> None:
    path = graphs.pose(tmp_path / "pose.onnx", [(3, 4, 0.9, 0.9)] * 17)
    session = open_session(path, "cpu", max_batch=16)
    assert [session.filled_batch(count) for count in (1, 5, 16)] == [1, 5, 16]
    session.buckets = batch_buckets(16)
    assert [session.filled_batch(count) for count in (1, 5, 13, 16, 20)] == [1, 6, 16, 16, 20]


def test_filled_up_calls_give_the_same_poses(real_pose: Path) -> None:
    plain, filled = open_session(real_pose, "cpu"), open_session(real_pose, "cpu")
    filled.buckets = batch_buckets(16)
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    boxes = np.array([[20 + 9 * i, 10, 90 + 9 * i, 200] for i in range(5)], np.float32)
    frame = Frame(0, 0.0, image)
    [one], [other] = (RTMPose(s).estimate([frame], [boxes]) for s in (plain, filled))
    np.testing.assert_allclose(one.keypoints, other.keypoints, atol=1e-3)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
