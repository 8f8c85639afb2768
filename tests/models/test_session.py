"""A session says what it runs and where, and batches are filled up without a trace."""

from pathlib import Path

import numpy as np
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from hpe_volleyball.errors import DeviceError, ModelError
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.models.session import Session
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


def test_the_size_is_free_where_nothing_was_built_for_another(tmp_path: Path) -> None:
    session = open_session(graphs.detector(tmp_path / "det.onnx", [[1, 2, 3, 4, 0.5]], [0]), "cpu")
    free = {}
    for provider in ("CPU", "CUDA", "Tensorrt", "OpenVINO"):
        session.provider = f"{provider}ExecutionProvider"
        free[provider] = session.any_size
    assert free == {"CPU": True, "CUDA": True, "Tensorrt": False, "OpenVINO": False}
    fixed = graphs.detector(tmp_path / "f.onnx", [[1, 2, 3, 4, 0.5]], [0], image=(1, 3, 96, 96))
    assert not open_session(fixed, "cpu").any_size


def test_on_the_cpu_a_call_is_as_large_as_it_has_images(tmp_path: Path) -> None:
    path = graphs.pose(tmp_path / "pose.onnx", [(3, 4, 0.9, 0.9)] * 17)
    session = open_session(path, "cpu", max_batch=16)
    assert [session.filled_batch(count) for count in (1, 5, 16)] == [1, 5, 16]
    session.buckets = batch_buckets("tensorrt", 16)
    assert [session.filled_batch(count) for count in (1, 5, 13, 16, 20)] == [1, 6, 16, 16, 20]


def test_filled_up_calls_give_the_same_poses(real_pose: Path) -> None:
    plain, filled = open_session(real_pose, "cpu"), open_session(real_pose, "cpu")
    filled.buckets = batch_buckets("tensorrt", 16)
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    boxes = np.array([[20 + 9 * i, 10, 90 + 9 * i, 200] for i in range(5)], np.float32)
    frame = Frame(0, 0.0, image)
    [one], [other] = (RTMPose(s).estimate([frame], [boxes]) for s in (plain, filled))
    np.testing.assert_allclose(one.keypoints, other.keypoints, atol=1e-3)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)


def test_a_batch_size_with_a_copy_of_the_model_is_run_by_it(tmp_path: Path) -> None:
    left, right = (
        open_session(graphs.pose(tmp_path / f"{x}.onnx", [(x, 4, 0.9, 0.9)] * 17), "cpu")
        for x in (10, 20)
    )
    session = Session(left.path, left._native, (2, 4), {2: right._native})
    poser = RTMPose(session, batch=4)
    frame = Frame(0, 0.0, np.zeros((256, 192, 3), np.uint8))
    box = np.array([[0, 0, 192, 256]], np.float32)
    places = [
        poser.estimate([frame], [box.repeat(count, axis=0)])[0].keypoints[:, 0, 0]
        for count in (1, 2, 3, 4, 6)
    ]
    few, many = places[0][0], places[3][0]
    assert few > many
    assert [p.tolist() for p in places] == [
        [few],
        [few] * 2,
        [many] * 3,
        [many] * 4,
        [many] * 4 + [few] * 2,
    ]


class Failing:
    """Stands where ONNX Runtime's native session is, and fails as a device can."""

    def __init__(self, session: Session, error: Exception) -> None:
        self._real = session._native._sess
        self.error = error
        session._native._sess = self

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def run(self, *_: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    "error", [ort_state.EPFail("cuDNN has no plan"), RuntimeError("CUDA failure 700")]
)
def test_a_failing_device_is_an_error_and_not_another_device(
    tmp_path: Path, error: Exception
) -> None:
    session = open_session(graphs.detector(tmp_path / "det.onnx", [[1, 2, 3, 4, 0.5]], [0]), "cpu")
    Failing(session, error)
    with pytest.raises(ModelError, match=f"does not run with inputs .*: {error}"):
        session.run({"input": np.zeros((1, 3, 32, 32), np.float32)})


@pytest.mark.parametrize(
    "text",
    [
        "bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 805306368",
        "CUDA failure 2: out of memory ; GPU=0",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
    ],
)
def test_a_full_gpu_says_what_to_do(tmp_path: Path, text: str) -> None:
    session = open_session(graphs.detector(tmp_path / "det.onnx", [[1, 2, 3, 4, 0.5]], [0]), "cpu")
    Failing(session, ort_state.RuntimeException(text))
    image = {"input": np.zeros((1, 3, 32, 32), np.float32)}
    with pytest.raises(ModelError):  # the CPU has no such memory
        session.run(image)
    session.provider = "CUDAExecutionProvider"
    with pytest.raises(DeviceError, match="too little free memory for det"):
        session.run(image)
