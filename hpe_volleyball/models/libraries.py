"""ONNX Runtime as it is installed: its distribution, its CUDA, the libraries that it loads."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import io
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import onnxruntime as ort

from hpe_volleyball.models.devices import PROVIDERS, Granted
from hpe_volleyball.models.native import one_line

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


def how_to_install(device: Granted) -> str:
    """What to tell about a provider that is not compiled in: how to have one that is."""
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
def missing_library(name: str) -> str:
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
            return f"a library is missing ({one_line(error)}); {how_to_bring(name)}"
    return ""


def how_to_bring(name: str) -> str:
    """How to get the libraries that a provider needs."""
    if name == "tensorrt":
        return "`pip install 'hpe-volleyball[tensorrt]'` brings TensorRT 10 and cuDNN"
    extra = "cuda12" if cuda_major() == 12 else "cuda"
    return f"`pip install 'hpe-volleyball[{extra}]'` brings CUDA and cuDNN"
