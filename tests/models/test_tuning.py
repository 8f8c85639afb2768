"""The settings that ONNX Runtime is given, and the keys of what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpe_volleyball.models.tensors import ImageInput
from hpe_volleyball.models.tuning import (
    InputShape,
    batch_buckets,
    detector_threads,
    engine_name,
    pose_threads,
    provider_list,
    session_threads,
    tensorrt_folder,
    tensorrt_options,
)

CROPS = ImageInput("input", None, 256, 192, as_bytes=False)
POSE = InputShape(CROPS, 16, (256, 192))
DETECTOR = InputShape(ImageInput("input", 1, 640, 640, as_bytes=False), None, (640, 640))


def test_cuda_gets_few_batch_sizes() -> None:
    assert batch_buckets("cuda", 16) == (4, 12, 16)
    assert batch_buckets("cuda", 1) == (1,)
    assert batch_buckets("cuda", 2) == (1, 2)
    assert batch_buckets("cuda", 3) == (1, 3)


def test_batches_of_tensorrt_are_filled_up_by_half_at_most() -> None:
    assert batch_buckets("tensorrt", 16) == (1, 2, 3, 4, 6, 8, 12, 16)
    assert batch_buckets("tensorrt", 1) == (1,)
    assert batch_buckets("tensorrt", 14) == (1, 2, 3, 4, 6, 8, 12, 14)
    for most in range(1, 100):
        buckets = batch_buckets("tensorrt", most)
        assert buckets[-1] == most
        for count in range(1, most + 1):
            assert count <= min(size for size in buckets if size >= count) <= 1.5 * count


def test_the_wanted_provider_comes_first_and_the_cpu_last() -> None:
    names = {
        device: [name.removesuffix("ExecutionProvider") for name, _ in provider_list(device)]
        for device in ("cpu", "cuda", "tensorrt", "openvino")
    }
    assert names == {
        "cpu": ["CPU"],
        "cuda": ["CUDA", "CPU"],
        "tensorrt": ["Tensorrt", "CUDA", "CPU"],
        "openvino": ["OpenVINO", "CPU"],
    }
    for device in ("cuda", "tensorrt"):
        cuda = dict(provider_list(device))["CUDAExecutionProvider"]
        assert cuda["cudnn_conv_algo_search"] == "HEURISTIC"
    [(_, openvino), _] = provider_list("openvino", openvino_device="GPU")
    assert openvino == {"device_type": "GPU", "precision": "FP32"}


def test_tensorrt_knows_all_shapes_of_a_run_beforehand() -> None:
    options = tensorrt_options(POSE, Path("cache"), "rtmpose-m")
    assert options["trt_profile_min_shapes"] == "input:1x3x256x192"
    assert options["trt_profile_opt_shapes"] == "input:12x3x256x192"
    assert options["trt_profile_max_shapes"] == "input:16x3x256x192"
    assert options["trt_engine_cache_path"] == str(Path("cache") / "rtmpose-m")
    assert options["trt_timing_cache_path"] == "cache"
    fixed = tensorrt_options(DETECTOR, Path("cache"), "rtmdet-m")
    assert not [name for name in fixed if name.startswith("trt_profile")]
    as_bytes = InputShape(ImageInput("b", None, None, None, as_bytes=True), 16, (256, 192))
    options = tensorrt_options(as_bytes, Path("cache"), "rtmpose-m")
    assert options["trt_profile_max_shapes"] == "b:16x256x192x3"


def test_engines_are_kept_apart_by_all_that_they_depend_on() -> None:
    root = Path("cache")
    folder = tensorrt_folder(root, "NVIDIA GeForce RTX 4060", "1.31.1", "10.14.1")
    assert folder == root / "tensorrt" / "NVIDIA-GeForce-RTX-4060-ort1.31.1-trt10.14.1"
    others = {
        tensorrt_folder(root, "NVIDIA H100", "1.31.1", "10.14.1"),
        tensorrt_folder(root, "NVIDIA GeForce RTX 4060", "1.30.0", "10.14.1"),
        tensorrt_folder(root, "NVIDIA GeForce RTX 4060", "1.31.1", "10.16.1"),
    }
    assert len(others | {folder}) == 4
    name = engine_name("rtmpose-m", "5c0a4bf67953e6d2ac43", POSE)
    assert name == "rtmpose-m-5c0a4bf67953e6d2-16x3x256x192"
    smaller = InputShape(CROPS, 8, (256, 192))
    assert engine_name("rtmpose-m", "5c0a4bf67953e6d2ac43", smaller) != name


@pytest.mark.parametrize("cores", [1, 2, 3, 4, 8, 16, 64])
def test_pose_calls_and_threads_use_all_cores(cores: int) -> None:
    workers, threads = pose_threads(cores)
    assert workers >= 1
    assert threads >= 1
    assert workers + threads - 1 == cores


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8)])
def test_the_detector_leaves_half_of_the_cores_to_poses(cores: int, threads: int) -> None:
    assert detector_threads(cores) == threads


@pytest.mark.parametrize(("usable", "there", "threads"), [(2, 8, 2), (8, 8, 0), (1, None, 0)])
def test_a_session_has_no_more_threads_than_this_process_may_use(
    monkeypatch: pytest.MonkeyPatch, usable: int, there: int | None, threads: int
) -> None:
    monkeypatch.setattr("hpe_volleyball.models.tuning.usable_cores", lambda: usable)
    monkeypatch.setattr("os.cpu_count", lambda: there)
    assert session_threads() == threads
