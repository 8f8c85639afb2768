"""What each device needs, whether it is there, and if not, why and what to do.

ONNX Runtime lists providers whose libraries are missing and then runs on the CPU without an error,
so a provider counts only after a tiny model really ran on it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import io
import os
import platform
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from hpe_volleyball.errors import DeviceError
from hpe_volleyball.models.devices import PROVIDERS, Device, Granted
from hpe_volleyball.models.nvidia import read_driver, why_not_enough

# ONNX Runtime's exceptions have no common base but Exception; what its native code throws without
# one of them is a RuntimeError. Its messages quote the model, and where that is damaged they can be
# no valid text.
ORT_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    UnicodeDecodeError,
    *(
        error
        for error in vars(ort_state).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ),
)
RECORD_NODES = ("session.record_ep_graph_assignment_info", "1")
"""Option of a session that `nodes_by_provider` needs."""
NO_FALLBACK = {"enable_fallback": 0}
"""For `ort.InferenceSession`: where a provider fails, in a run too, its Python code would open the
model anew on the CPU and go on, with no more than a print."""
OPENVINO_DEVICES = ("GPU", "CPU")
"""OpenVINO's own devices, the better first. Its "AUTO" counts as granted and leaves every node to
ONNX Runtime's CPU provider (seen with onnxruntime-openvino 1.24.1)."""

FLAVOURS = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
"""Distributions of ONNX Runtime."""
_LIBRARIES = {
    "Linux": "libonnxruntime_providers_{}.so",
    "Windows": "onnxruntime_providers_{}.dll",
}
_TENSORRT_LIBRARIES = {
    "Linux": ("libnvinfer.so.10", "libnvinfer_plugin.so.10", "libnvonnxparser.so.10"),
    "Windows": ("nvinfer_10.dll", "nvinfer_plugin_10.dll", "nvonnxparser_10.dll"),
}
"""TensorRT 10, which ONNX Runtime up to 1.31 is linked with, in the order of their needs."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that models will run on."""

    device: Granted
    note: str
    """Why it is no better one, where "auto" looked for one; else ""."""


def choose_device(asked: Device) -> Choice:
    """The device that is asked for, or with "auto" the best that works: CUDA, else the CPU.

    TensorRT and OpenVINO have to be asked for: the first builds for minutes before its first run,
    the second is no faster than ONNX Runtime's own CPU code. The CPU needs no trial.

    Raises:
        DeviceError: the device that was asked for does not work.
    """
    if asked == "auto":
        missing = why_not("cuda")
        if not missing:
            return Choice("cuda", "")
        return Choice("cpu", f"running on the CPU, CUDA does not work: {missing}")
    # TensorRT proves itself with the real model; a trial would build one more engine.
    missing = why_not(asked, trial=asked not in {"tensorrt", "cpu"})
    if missing:
        raise DeviceError(not_granted(asked, missing))
    return Choice(asked, "")


def not_granted(device: Granted, why: str) -> str:
    """What to tell the user who asked for a device that does not work."""
    return f"--device {device} is not granted: {why} (or use --device cpu)"


@cache
def why_not(device: Granted, *, trial: bool = True) -> str:
    """What keeps models from running on a device, and the fix; "" if they do.

    Args:
        device: Which one.
        trial: Run a tiny model; without it only missing pieces are found.
    """
    if PROVIDERS[device] not in compiled_in():
        return _not_built_in(device)
    missing = ""
    if device in {"cuda", "tensorrt"}:
        missing = why_not_enough(read_driver(), cuda_major()) or _missing_library("cuda")
    if device == "tensorrt" and not missing:
        load_tensorrt()
        missing = _missing_library("tensorrt")
    if missing or not trial:
        return missing
    return _try(device)


def compiled_in() -> list[str]:
    """The providers of the installed ONNX Runtime, whether or not they can be used."""
    return list(ort.get_available_providers())


def installed_flavours() -> dict[str, str]:
    """The installed distributions of ONNX Runtime with their versions; more than one is a mistake.

    They share one directory and overwrite each other's files.
    """
    found = {}
    for package in FLAVOURS:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def cuda_major() -> int:
    """Major version of the CUDA that ONNX Runtime is built with; 0 without CUDA."""
    number = str(getattr(ort, "cuda_version", "")).partition(".")[0]
    return int(number) if number.isdigit() else 0


def tensorrt_version() -> str:
    """Version of the TensorRT library that is loaded, "10.14.1"; "" if there is none."""
    library = load_tensorrt()
    if library is None:
        return ""
    number = int(library.getInferLibVersion())  # 101401 is 10.14.1
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


@cache
def load_tensorrt() -> ctypes.CDLL | None:
    """Load TensorRT, from the pip package or the system, so that its provider finds it.

    Returns:
        The library `nvinfer`, or None if it is not there.
    """
    names = _TENSORRT_LIBRARIES.get(platform.system(), ())
    spec = importlib.util.find_spec("tensorrt_libs")
    folders = spec.submodule_search_locations if spec else None
    loaded = []
    for name in names:
        packaged = Path(folders[0]) / name if folders else Path(name)
        with contextlib.suppress(OSError):
            loaded.append(
                ctypes.CDLL(str(packaged) if packaged.is_file() else name, mode=ctypes.RTLD_GLOBAL)
            )
    return loaded[0] if len(loaded) == len(names) > 0 else None


def _not_built_in(device: Granted) -> str:
    there = " and ".join(f"{name} {number}" for name, number in installed_flavours().items())
    built = f"the installed {there or 'onnxruntime'} is built without {PROVIDERS[device]}"
    if device == "openvino":
        wanted = "onnxruntime-openvino"
    elif platform.system() in _LIBRARIES:
        wanted = "onnxruntime-gpu"
    else:
        return f"{built}, which there is not on {platform.system()}"
    remove = " ".join(installed_flavours())
    return f"{built}; `pip uninstall {remove}`, then `pip install {wanted}`"


@cache
def _missing_library(name: str) -> str:
    """What ONNX Runtime's library of a provider lacks to be loaded; "" if nothing."""
    pattern = _LIBRARIES.get(platform.system())
    if pattern is None:
        return f"CUDA is not available on {platform.system()}"
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find
        ort.preload_dlls(msvc=False)
    try:
        ctypes.CDLL(str(Path(ort.__file__).parent / "capi" / pattern.format(name)))
    except OSError as error:
        # The provider needs symbols of libonnxruntime_providers_shared, which only ONNX Runtime
        # itself loads; when nothing else is missing, the error is about them.
        if "undefined symbol" not in str(error):
            return f"a library is missing ({one_line(error)}); {_brings(name)}"
    return ""


def _brings(name: str) -> str:
    """How to get the libraries that a provider needs."""
    if name == "tensorrt":
        return "`pip install 'hpe-volleyball[tensorrt]'` brings TensorRT 10 and cuDNN"
    extra = "cuda12" if cuda_major() == 12 else "cuda"
    return f"`pip install 'hpe-volleyball[{extra}]'` brings CUDA and cuDNN"


def _try(device: Granted) -> str:
    """Run a tiny model on a device; why it did not, or ""."""
    wanted = PROVIDERS[device]
    options = ort.SessionOptions()
    options.add_session_config_entry(*RECORD_NODES)
    feeds = {"input": np.ones((1, 3, 8, 8), np.float32)}
    for settings in trial_settings(device):
        with native_messages() as messages:
            try:
                session = ort.InferenceSession(
                    _tiny_model(), options, providers=[(wanted, settings)], **NO_FALLBACK
                )
                if wanted in session.get_providers():
                    session.run(None, feeds)
                    nodes = nodes_by_provider(session)
                    if not nodes or set(nodes) == {wanted}:
                        return ""
                    messages.append(f"of a trial's nodes it takes {nodes.get(wanted, 0)}")
            except ORT_ERRORS as error:
                messages.append(one_line(error))
    why = messages[-1] if messages else "it gives no reason"
    # cuDNN is loaded when the first convolution runs, so that nothing was missing before.
    fix = f"; {_brings(device)}" if "cuDNN is not available" in why else ""
    return f"ONNX Runtime refused {wanted}: {why}{fix}"


def trial_settings(device: Granted) -> list[dict[str, Any]]:
    """The provider's options to try in turn."""
    if device == "openvino":
        return [{"device_type": name} for name in OPENVINO_DEVICES]
    return [{}]


@cache
def _tiny_model() -> bytes:
    """A convolution and SiLU, as both nets have them.

    The first needs the library that convolutions need, cuDNN on CUDA, the others the code that ONNX
    Runtime itself was compiled to for this GPU.
    """
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 - a tenth of a second

    weights = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "weights")
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 8, 8])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 4, 6, 6])
    nodes = [
        helper.make_node("Conv", ["input", "weights"], ["map"]),
        helper.make_node("Sigmoid", ["map"], ["gate"]),
        helper.make_node("Mul", ["map", "gate"], ["output"]),
    ]
    graph = helper.make_graph(nodes, "tiny", [image], [output], [weights])
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()  # type: ignore[no-any-return]


def nodes_by_provider(native: ort.InferenceSession) -> dict[str, int]:
    """How many nodes of the optimised graph each provider runs.

    The session needs `RECORD_NODES` among its options.

    Returns:
        Empty before ONNX Runtime 1.24.
    """
    if not hasattr(native, "get_provider_graph_assignment_info"):
        return {}
    counts: Counter[str] = Counter()
    for part in native.get_provider_graph_assignment_info():
        counts[part.ep_name] += len(part.get_nodes())
    return dict(counts)


def operators(native: ort.InferenceSession) -> set[str]:
    """Which operators the optimised graph has; as `nodes_by_provider`."""
    parts = native.get_provider_graph_assignment_info()
    return {node.op_type for part in parts for node in part.get_nodes()}


def one_line(error: BaseException) -> str:
    """What an error of ONNX Runtime says, for a message."""
    return " ".join(str(error).split())


@contextlib.contextmanager
def native_messages() -> Iterator[list[str]]:
    """Catch what ONNX Runtime writes to the process's standard error: the only place for reasons.

    Yields:
        Filled with the messages, without time and place, when the body has ended.
    """
    messages: list[str] = []
    with tempfile.TemporaryFile() as file, contextlib.redirect_stdout(io.StringIO()):
        try:
            real = os.dup(2)
        except OSError:  # a program without standard error
            yield messages
            return
        os.dup2(file.fileno(), 2)
        try:
            yield messages
        finally:
            os.dup2(real, 2)
            os.close(real)
            file.seek(0)
            text = re.sub(r"\x1b\[[0-9;]*m", "", file.read().decode(errors="replace"))
            found = re.findall(r"\[[EWF]:onnxruntime:[^]]*\] (.+)", text)
            messages[:0] = [" ".join(line.split()) for line in found]
