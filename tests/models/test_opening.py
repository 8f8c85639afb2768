"""Opening a model: bad files, devices granted or refused, and what is optimised."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import onnxruntime as ort
import pytest

from hpe_volleyball.errors import DeviceError, ModelError
from hpe_volleyball.models.devices import PROVIDERS, Granted
from hpe_volleyball.models.native import operators
from hpe_volleyball.models.opening import _tensorrt_cache, open_session
from hpe_volleyball.models.providers import why_not
from hpe_volleyball.models.tensors import ImageInput
from hpe_volleyball.models.tuning import InputShape
from tests import graphs
from tests.runs import Models


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


@pytest.mark.parametrize("device", get_args(Granted))
def test_a_device_is_granted_or_refused_with_the_reason(
    constant_models: Models, device: Granted
) -> None:
    missing = why_not(device, trial=device != "tensorrt")
    if not missing:
        assert open_session(constant_models.det, device).provider == PROVIDERS[device]
        return
    with pytest.raises(DeviceError, match=f"--device {device} is not granted: ") as error:
        open_session(constant_models.det, device)
    assert missing in str(error.value)


def test_auto_is_the_gpu_where_it_works(constant_models: Models) -> None:
    auto = open_session(constant_models.det, "auto")
    assert auto.provider == PROVIDERS["cpu" if why_not("cuda") else "cuda"]


def test_a_graph_runs_as_stored_or_optimised(demo_models: Models) -> None:
    plain = open_session(demo_models.pose, "cpu", optimised=False)
    fast = open_session(demo_models.pose, "cpu")
    levels = [s._native.get_session_options().graph_optimization_level for s in (plain, fast)]
    names = ort.GraphOptimizationLevel
    assert levels == [names.ORT_DISABLE_ALL, names.ORT_ENABLE_ALL]
    crops = np.random.default_rng(3).standard_normal((2, 3, 256, 192)).astype(np.float32)
    for one, other in zip(plain.run({"input": crops}), fast.run({"input": crops}), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(("asked", "threads"), [(0, 3), (2, 2)])
def test_a_session_has_the_threads_of_what_this_process_may_use(
    demo_models: Models, monkeypatch: pytest.MonkeyPatch, asked: int, threads: int
) -> None:
    monkeypatch.setattr("hpe_volleyball.models.opening.session_threads", lambda: 3)
    session = open_session(demo_models.pose, "cpu", threads=asked)
    assert session._native.get_session_options().intra_op_num_threads == threads


@pytest.mark.parametrize(("spinning", "entry"), [(False, "0"), (True, "1")])
def test_threads_wait_busily_only_where_that_is_wanted(
    demo_models: Models, spinning: bool, entry: str
) -> None:
    session = open_session(demo_models.pose, "cpu", spinning=spinning)
    options = session._native.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry


def test_a_model_whose_error_is_no_text(tmp_path: Path) -> None:
    """ONNX Runtime quotes the broken name in a message that is no UTF-8."""
    model = graphs.detector(tmp_path / "det.onnx", [[0, 0, 9, 9, 0.9]], [0])
    content = model.read_bytes()
    assert b"Identity" in content
    model.write_bytes(content.replace(b"Identity", b"\xbadentity"))
    with pytest.raises(ModelError, match="expected an ONNX model"):
        open_session(model, "cpu")


def test_tensorrt_refuses_a_detector_with_nms_at_once(real_detector: Path, real_pose: Path) -> None:
    detector, pose = (open_session(path, "cpu")._native for path in (real_detector, real_pose))
    assert "NonMaxSuppression" not in operators(pose)
    shape = InputShape(ImageInput("input", None, None, None, as_bytes=False), 1, (640, 640))
    with pytest.raises(DeviceError, match="does its own NMS, which TensorRT cannot build") as error:
        _tensorrt_cache(real_detector, detector, shape, None)
    assert f"`hpe-volleyball quantize --device cuda --det {real_detector}`" in str(error.value)


def test_nothing_is_kept_or_sent_about_what_is_run(tmp_path: Path) -> None:
    model, home = graphs.pose(tmp_path / "pose.onnx", [(0, 0, 1, 1)] * 17), tmp_path / "home"
    home.mkdir()
    asking = ("ORT_", "XDG_", "CI", "GITHUB_")  # also what ONNX Runtime takes for a test of its own
    env = {name: value for name, value in os.environ.items() if not name.startswith(asking)}
    code = (
        "import hpe_volleyball, sys; from pathlib import Path;"
        "from hpe_volleyball.models.opening import open_session;"
        "open_session(Path(sys.argv[1]), 'cpu')"
    )
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, model],
        env={**env, "HOME": str(home)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert (told.stdout, told.stderr) == ("", "")
    assert list(home.rglob("*")) == []
