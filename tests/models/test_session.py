"""Sessions: real errors for bad files, the provider that was asked for."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from hpe_volleyball.errors import DeviceError, ModelError
from hpe_volleyball.models.session import open_session
from tests import graphs
from tests.runs import Models

HAS_CUDA = "CUDAExecutionProvider" in ort.get_available_providers()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"not a model" * 50, "cannot load it"), (b"", "cannot load it")],
    ids=["garbage", "empty"],
)
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as error:
        open_session(path, "cpu")
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found nothing"):
        open_session(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="found a directory"):
        open_session(tmp_path)


def test_session_says_what_it_runs(tmp_path: Path) -> None:
    path = graphs.detector(tmp_path / "det.onnx", [[1, 2, 3, 4, 0.5]], [0])
    session = open_session(path, "cpu")
    assert session.provider == "CPUExecutionProvider"
    assert session.inputs[0].shape_text == "?x3x?x?"
    assert session.describe() == "inputs input ?x3x?x?; outputs dets 1x1x5, labels 1x1"
    assert len(session.sha256) == 64


def test_cuda_is_granted_or_refused_with_the_reason(tmp_path: Path) -> None:
    path = graphs.detector(tmp_path / "det.onnx", [[1, 2, 3, 4, 0.5]], [0])
    auto = open_session(path, "auto")
    if auto.provider == "CUDAExecutionProvider":
        assert open_session(path, "cuda").provider == "CUDAExecutionProvider"
        return
    assert auto.note.startswith("running on the CPU: ")
    with pytest.raises(DeviceError, match="--device cuda is not granted") as error:
        open_session(path, "cuda")
    reason = "a CUDA library is missing|refused" if HAS_CUDA else "built without CUDA"
    assert error.match(reason)


def test_a_graph_runs_as_stored_or_optimised(demo_models: Models) -> None:
    plain = open_session(demo_models.pose, "cpu", optimised=False)
    fast = open_session(demo_models.pose, "cpu")
    levels = [s._native.get_session_options().graph_optimization_level for s in (plain, fast)]
    names = ort.GraphOptimizationLevel
    assert levels == [names.ORT_DISABLE_ALL, names.ORT_ENABLE_ALL]
    crops = np.random.default_rng(3).standard_normal((2, 3, 256, 192)).astype(np.float32)
    for one, other in zip(plain.run({"input": crops}), fast.run({"input": crops}), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
