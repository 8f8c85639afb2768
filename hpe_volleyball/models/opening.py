"""Opens ONNX models in ONNX Runtime, on the device that was asked for and no other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime as ort

from hpe_volleyball.errors import DeviceError, ModelError
from hpe_volleyball.models.devices import GPU, PROVIDERS, Device, Granted
from hpe_volleyball.models.folders import cache_folder
from hpe_volleyball.models.nvidia import read_driver
from hpe_volleyball.models.providers import (
    OPENVINO_DEVICES,
    ORT_ERRORS,
    choose_device,
    native_messages,
    not_granted,
    tensorrt_version,
)
from hpe_volleyball.models.session import Session, nodes_by_provider, one_line
from hpe_volleyball.models.tuning import (
    InputShape,
    batch_buckets,
    cpu_quota,
    engine_name,
    provider_list,
    tensorrt_folder,
    tensorrt_options,
)

FREE_SIZE = 640
"""Side of the pictures for models where it is free; at 320 RTMDet-nano misses people far away."""

# 4 is "fatal": what goes wrong reaches the user as an exception, not as native log lines.
_LOG_FATAL_ONLY = 4
_SHARING = Lock()
"""Sessions may be opened side by side, but their common memory is made once."""


def open_session(
    path: Path,
    device: Device = "auto",
    *,
    threads: int = 0,
    max_batch: int = 1,
    free_size: int = FREE_SIZE,
    optimised: bool = True,
    spinning: bool = False,
    on_wait: Callable[[str], None] | None = None,
) -> Session:
    """Open a model.

    On a GPU the model is run once with every batch size that calls are filled up to, so that
    later calls find everything prepared.

    Args:
        path: The ONNX file.
        device: Where to run; "auto": CUDA where it works, else the CPU.
        threads: CPU threads; 0: as many as there are cores, or as a container's limit allows.
        max_batch: Most images in one call, for models with a free batch.
        free_size: Height and width of the images, for models where they are free.
        optimised: Run the graph with all optimisations of ONNX Runtime, not as it is stored.
        spinning: Let threads of the CPU wait busily for work: faster by itself, slower beside
            others that need the cores.
        on_wait: Told what takes minutes.

    Raises:
        ModelError: the file is missing or is not a model that ONNX Runtime can load.
        DeviceError: the device that was asked for does not work, or not with this model.
    """
    if not path.is_file():
        found = "a directory" if path.is_dir() else "nothing"
        raise ModelError(f"{path}: expected an ONNX model file, found {found}")
    choice = choose_device(device)
    options = _session_options(threads, optimised=optimised, spinning=spinning)
    if choice.device == "cpu":
        _save_memory(options)
        return Session(path, _load(path, options, provider_list("cpu")), choice.note)
    native, shape = _open_elsewhere(
        path,
        choice.device,
        options,
        max_batch=max_batch,
        free_size=free_size,
        on_wait=on_wait,
    )
    buckets = batch_buckets(shape.batch) if choice.device in GPU and shape.batch else ()
    session = Session(path, native, choice.note, buckets)
    if choice.device in GPU:
        _warm_up(session, shape)
    return session


def _session_options(threads: int, *, optimised: bool, spinning: bool) -> ort.SessionOptions:
    levels = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    )
    options.intra_op_num_threads = threads or cpu_quota()
    options.log_severity_level = _LOG_FATAL_ONLY
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    return options


def _save_memory(options: ort.SessionOptions) -> None:
    """Let sessions on the CPU share what memory they have taken, and plan none for a shape.

    What one has given back the other takes. A plan is one more block for every shape of input,
    and the number of people changes: with batches of 1 to 8 in two calls side by side memory grew
    by 122 MB in place of 212, and the calls took as long.
    """
    with _SHARING:
        _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.enable_mem_pattern = False


@cache
def _share_memory() -> None:
    """Make one allocator for all sessions of this process that ask for it."""
    place = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(place, ort.OrtArenaCfg(0, -1, -1, -1))


def _load(
    path: Path, options: ort.SessionOptions, providers: list[tuple[str, dict[str, Any]]]
) -> ort.InferenceSession:
    # Before 1.25 this fusion breaks the chain of blocked convolutions: a sixth slower (RTMDet).
    disabled = ["QuickGeluFusion"] if _ort_version() < (1, 25) else None
    try:
        return ort.InferenceSession(
            str(path), options, providers=providers, disabled_optimizers=disabled
        )
    except ORT_ERRORS as error:
        raise ModelError(
            f"{path}: expected an ONNX model, ONNX Runtime cannot load it: {one_line(error)}"
        ) from error


def _open_elsewhere(
    path: Path,
    device: Granted,
    options: ort.SessionOptions,
    *,
    max_batch: int,
    free_size: int,
    on_wait: Callable[[str], None] | None,
) -> tuple[ort.InferenceSession, InputShape]:
    """Open a model on a device other than the CPU, and see that it runs there."""
    # First on the CPU: it tells a bad file from a bad device, and the shape of the input.
    plain = Session(
        path,
        _load(path, _session_options(1, optimised=True, spinning=False), provider_list("cpu")),
        "",
    )
    shape = _input_shape(plain, max_batch, free_size)
    tensorrt = _tensorrt_cache(plain, shape, on_wait) if device == "tensorrt" else None
    variants = OPENVINO_DEVICES if device == "openvino" else ("",)
    why = ""
    for variant in variants:
        providers = provider_list(device, openvino_device=variant, tensorrt=tensorrt)
        with native_messages() as messages:
            native = _load(path, options, providers)
        wanted = [name for name, _ in providers]
        granted = native.get_providers()
        nodes = nodes_by_provider(native)
        if granted == wanted and (not nodes or PROVIDERS[device] in nodes):
            return native, shape
        reason = messages[-1] if messages else f"granted were {granted}, with the nodes {nodes}"
        why = f"ONNX Runtime refused it for {path.name}: {reason}"
    raise DeviceError(not_granted(device, why))


def _tensorrt_cache(
    plain: Session, shape: InputShape, on_wait: Callable[[str], None] | None
) -> dict[str, Any]:
    gpu = read_driver().gpus[0].name
    folder = tensorrt_folder(cache_folder(), gpu, ort.__version__, tensorrt_version())
    engine = engine_name(plain.path.stem, plain.sha256, shape)
    try:
        (folder / engine).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeviceError(
            f"--device tensorrt: its cache {folder} cannot be written ({error.strerror}); free it"
        ) from error
    if on_wait is not None and not any((folder / engine).iterdir()):
        on_wait(f"building the TensorRT engine of {plain.path.name}: minutes, once")
    return tensorrt_options(shape, folder, engine)


def _input_shape(session: Session, max_batch: int, free_size: int) -> InputShape:
    if not session.takes_images:
        raise ModelError(
            f"{session.path}: expected a model with one image input [batch, 3, H, W], found "
            f"{session.describe()}"
        )
    spec = session.inputs[0]
    batch, _, height, width = spec.shape
    return InputShape(
        spec.name,
        None if isinstance(batch, int) else max_batch,
        (
            height if isinstance(height, int) else free_size,
            width if isinstance(width, int) else free_size,
        ),
        not all(isinstance(axis, int) for axis in spec.shape),
    )


def _warm_up(session: Session, shape: InputShape) -> None:
    fixed = session.inputs[0].shape[0]
    for batch in session.buckets or (fixed if isinstance(fixed, int) else 1,):
        image = np.zeros((batch, 3, *shape.size), np.float32)
        for _ in range(2):  # the first run chooses and allocates, the second shows that it is done
            session.run({shape.name: image})


def _ort_version() -> tuple[int, ...]:
    return tuple(int(part) for part in ort.__version__.split(".")[:2])
