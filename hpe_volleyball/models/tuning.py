"""Settings of ONNX Runtime for each device, as plain data; models are opened with them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from hpe_volleyball.cores import usable_cores
from hpe_volleyball.models.devices import PROVIDERS, Granted
from hpe_volleyball.models.tensors import ImageInput

_CUDA: dict[str, Any] = {
    # EXHAUSTIVE tries all algorithms for each new shape: 10 s for 16 shapes where HEURISTIC takes
    # 31 ms, with the same speed afterwards (PaddleX issue 5057).
    "cudnn_conv_algo_search": "HEURISTIC",
    "cudnn_conv_use_max_workspace": "1",
}
_MOST_PEOPLE = 12
"""On the court; TensorRT is told to be fastest there."""

_MOST_POSE_CALLS = 4
"""More calls side by side leave each with one or two people of a team."""


@dataclass(frozen=True, slots=True)
class InputShape:
    """Shape of the image input over a run.

    Attributes:
        images: The input.
        batch: Most images in one call; None if the model fixes the batch.
        size: Height and width.
    """

    images: ImageInput
    batch: int | None
    size: tuple[int, int]

    @property
    def free(self) -> bool:
        """Some axis of the model is free."""
        return None in {self.images.batch, self.images.height, self.images.width}

    def text(self, batch: int) -> str:
        """As TensorRT's provider wants it, "input:4x3x256x192"."""
        shape = self.images.shape(batch, *self.size)
        return f"{self.images.name}:{'x'.join(map(str, shape))}"


def batch_buckets(device: Granted, most: int) -> tuple[int, ...]:
    """Batch sizes that calls are filled up to on a GPU, ascending; `most` is the last.

    A convolution of CUDA's provider keeps one plan, for the shape of its last call, and makes
    another where that changes (`Conv::UpdateState`, ONNX Runtime 1.20 to 1.27). So each size has a
    session of its own there, and there are three: most calls are for nearly everybody on the court,
    or for the few whom the pose before did not lead to. TensorRT has one plan for all sizes: 1, 2,
    3, 4, 6, 8, 12, 16, 24, ..., so that less than a third of a call is filling.
    """
    if device == "cuda":
        return tuple(sorted({ceil(most / 4), ceil(most * 3 / 4), most}))
    powers = [1 << i for i in range(most.bit_length())]
    steps = {size for power in powers for size in (power, power * 3 // 2)}
    return (*sorted(size for size in steps if size < most), most)


def provider_list(
    device: Granted, *, openvino_device: str = "", tensorrt: dict[str, Any] | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """The providers of a session with their options, the wanted one first.

    Args:
        device: What the model is to run on.
        openvino_device: OpenVINO's own name of a device.
        tensorrt: Made by `tensorrt_options`.
    """
    cpu: tuple[str, dict[str, Any]] = (PROVIDERS["cpu"], {})
    cuda = (PROVIDERS["cuda"], _CUDA)
    if device == "cuda":
        return [cuda, cpu]
    if device == "tensorrt":
        return [(PROVIDERS["tensorrt"], tensorrt or {}), cuda, cpu]
    if device == "openvino":
        # Without the precision OpenVINO computes in bfloat16 where the processor can.
        options = {"device_type": openvino_device, "precision": "FP32"}
        return [(PROVIDERS["openvino"], options), cpu]
    return [cpu]


def tensorrt_options(shape: InputShape, folder: Path, engine: str) -> dict[str, Any]:
    """Options of TensorRT's provider: what it builds is kept, for all batch sizes of a run.

    Args:
        shape: What the model will be given.
        folder: Of this GPU and these versions; the timing cache of all models lies there.
        engine: Name of the model's own folder in it.
    """
    options = {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder / engine),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
    }
    if shape.free:
        most = shape.batch or 1
        options["trt_profile_min_shapes"] = shape.text(1)
        options["trt_profile_opt_shapes"] = shape.text(min(most, _MOST_PEOPLE))
        options["trt_profile_max_shapes"] = shape.text(most)
    return options


def tensorrt_folder(root: Path, gpu: str, onnxruntime: str, tensorrt: str) -> Path:
    """Where engines are kept: they fit one kind of GPU and one version of each program."""
    key = f"{gpu}-ort{onnxruntime}-trt{tensorrt}"
    return root / "tensorrt" / re.sub(r"[^A-Za-z0-9.]+", "-", key)


def engine_name(stem: str, sha256: str, shape: InputShape) -> str:
    """Folder of one model's engines; another model, or other shapes, get another one."""
    return f"{stem}-{sha256[:16]}-{shape.text(shape.batch or 1).partition(':')[2]}"


def pose_threads(cores: int | None = None) -> tuple[int, int]:
    """Calls of the pose model side by side on the CPU, and threads of its session.

    Crops are independent, so calls side by side waste nothing on waiting for each other, as the
    threads of one call do. Small calls share the threads that are left: with w callers and a pool
    of t - 1 threads, w + t - 1 are at work.

    Args:
        cores: How many there are; None: as many as this process may use.
    """
    cores = cores or usable_cores()
    workers = min(cores, _MOST_POSE_CALLS)
    return workers, cores - workers + 1


def detector_threads(cores: int | None = None) -> int:
    """Threads of the detector's session on the CPU, where it runs beside poses: half of the cores.

    The other half is at work on poses; two threads need half as much processor time again as one.

    Args:
        cores: As for `pose_threads`.
    """
    return max(1, (cores or usable_cores()) // 2)


def session_threads() -> int:
    """Threads of a session that has the processor to itself; 0: as many as ONNX Runtime chooses.

    It takes one for each physical core of the machine, however few this process may use; twice as
    many threads as processors make it half as fast.
    """
    cores = usable_cores()
    return cores if cores < (os.cpu_count() or 1) else 0
