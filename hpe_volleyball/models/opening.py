"""Opens ONNX models in ONNX Runtime, on the device that was asked for and no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import onnxruntime as ort

from hpe_volleyball.errors import DeviceError, ModelError
from hpe_volleyball.files import is_directory, is_file
from hpe_volleyball.models.devices import PROVIDERS, Device, Granted
from hpe_volleyball.models.folders import cache_folder
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.libraries import tensorrt_version
from hpe_volleyball.models.native import (
    ORT_ERRORS,
    RECORD_NODES,
    native_messages,
    nodes_by_provider,
    one_line,
    operators,
)
from hpe_volleyball.models.nvidia import read_driver
from hpe_volleyball.models.providers import (
    NO_FALLBACK,
    OPENVINO_DEVICES,
    choose_device,
    not_granted,
)
from hpe_volleyball.models.session import Session
from hpe_volleyball.models.tuning import (
    InputShape,
    batch_buckets,
    engine_name,
    provider_list,
    session_threads,
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

    On a GPU the model is run with every batch size that calls are filled up to, so that later calls
    find everything prepared.

    Args:
        path: The ONNX file.
        device: Where to run; "auto": CUDA where it works, else the CPU.
        threads: CPU threads; 0: as many as there are cores that this process may use.
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
    if not is_file(path):
        found = "a directory" if is_directory(path) else "nothing"
        raise ModelError(f"{path}: expected an ONNX model file, found {found}")
    choice = choose_device(device)
    options = _session_options(threads, optimised=optimised, spinning=spinning)
    if choice.device == "cpu":
        _save_memory(options)
        return Session(path, _load_on_cpu(path, options))
    return _open_elsewhere(
        path,
        choice.device,
        options,
        max_batch=max_batch,
        free_size=free_size,
        on_wait=on_wait,
    )


def _session_options(threads: int, *, optimised: bool, spinning: bool) -> ort.SessionOptions:
    levels = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    )
    options.intra_op_num_threads = threads or session_threads()
    options.log_severity_level = _LOG_FATAL_ONLY
    options.add_session_config_entry(*RECORD_NODES)
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
    return ort.InferenceSession(
        str(path), options, providers=providers, disabled_optimizers=disabled, **NO_FALLBACK
    )


def _load_on_cpu(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    try:
        return _load(path, options, provider_list("cpu"))
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
) -> Session:
    """Open a model on a device other than the CPU, and on a GPU see that it runs there."""
    # First on the CPU: it tells a bad file from a bad device, and the shape of the input.
    plain = _load_on_cpu(path, _session_options(1, optimised=True, spinning=False))
    shape = _input_shape(Session(path, plain), max_batch, free_size)
    if device == "openvino":
        variants = [provider_list(device, openvino_device=name) for name in OPENVINO_DEVICES]
        return Session(path, _granted(path, device, options, variants))
    tensorrt = _tensorrt_cache(path, plain, shape, on_wait) if device == "tensorrt" else None
    variants = [provider_list(device, tensorrt=tensorrt)]
    buckets = batch_buckets(device, shape.batch) if shape.batch else ()
    native = _granted(path, device, options, variants)
    copies = {}
    if device == "cuda":
        copies = {size: _granted(path, device, options, variants) for size in buckets[:-1]}
    session = Session(path, native, buckets, copies)
    try:
        _warm_up(session, shape)
    except ModelError as error:
        raise DeviceError(not_granted(device, str(error))) from error
    return session


def _granted(
    path: Path,
    device: Granted,
    options: ort.SessionOptions,
    variants: Sequence[list[tuple[str, dict[str, Any]]]],
) -> ort.InferenceSession:
    """Open a model with the first of some lists of providers that is granted."""
    why = ""
    for providers in variants:
        with native_messages() as messages:
            try:
                native = _load(path, options, providers)
            except ORT_ERRORS as error:
                native = None
                messages.append(one_line(error))
        if native is not None:
            granted, nodes = native.get_providers(), nodes_by_provider(native)
            if granted == [name for name, _ in providers] and (
                not nodes or PROVIDERS[device] in nodes
            ):
                return native
            messages = messages or [f"granted were {granted}, with the nodes {nodes}"]
        why = f"ONNX Runtime refused it for {path.name}: {messages[-1]}"
    raise DeviceError(not_granted(device, why))


def _tensorrt_cache(
    path: Path,
    plain: ort.InferenceSession,
    shape: InputShape,
    on_wait: Callable[[str], None] | None,
) -> dict[str, Any]:
    """Options for a model whose engine is kept, or will be.

    Raises:
        DeviceError: TensorRT cannot build this model, or the cache cannot be written.
    """
    if "NonMaxSuppression" in operators(plain):
        # TopK in front of it takes 5000 of 8400 points, TensorRT 3840 at most (mmdeploy issue
        # 2236, TensorRT issue 4390); what is found out after minutes otherwise.
        why = (
            f"{path.name} does its own NMS, which TensorRT cannot build; `hpe-volleyball quantize "
            f"--device cuda --det {path}` writes a detector without it"
        )
        raise DeviceError(not_granted("tensorrt", why))
    gpu = read_driver().gpus[0].name
    folder = tensorrt_folder(cache_folder(), gpu, ort.__version__, tensorrt_version())
    engine = engine_name(path.stem, sha256_of(path), shape)
    try:
        (folder / engine).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeviceError(
            f"--device tensorrt: its cache {folder} cannot be written ({error.strerror}); free it"
        ) from error
    if on_wait is not None and not any((folder / engine).iterdir()):
        on_wait(f"building the TensorRT engine of {path.name}: minutes, once")
    return tensorrt_options(shape, folder, engine)


def _input_shape(session: Session, max_batch: int, free_size: int) -> InputShape:
    images = session.images
    if images is None:
        raise ModelError(
            f"{session.path}: expected a model with one image input [batch, 3, H, W], found "
            f"{session.describe()}"
        )
    return InputShape(
        images,
        max_batch if images.batch is None else None,
        (images.height or free_size, images.width or free_size),
    )


def _warm_up(session: Session, shape: InputShape) -> None:
    for batch in session.buckets or (shape.images.batch or 1,):
        pictures = shape.images.black(batch, *shape.size)
        for _ in range(2):  # the first run chooses and allocates, the second shows that it is done
            session.run({shape.images.name: pictures})


def _ort_version() -> tuple[int, ...]:
    return tuple(int(part) for part in ort.__version__.split(".")[:2])
