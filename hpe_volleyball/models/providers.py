"""What each device needs, whether it is there, and if not, why."""

from __future__ import annotations

import contextlib
import ctypes
import io
import platform
from dataclasses import dataclass
from pathlib import Path

import onnxruntime as ort

from hpe_volleyball.errors import DeviceError
from hpe_volleyball.models.devices import PROVIDERS, Device, Granted


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that models will run on."""

    device: Granted
    note: str
    """Why it is no better one, where "auto" looked for one; else ""."""


def choose_device(asked: Device) -> Choice:
    """The device that is asked for, or the best that works.

    Raises:
        DeviceError: the device is not there.
    """
    if asked == "cpu":
        return Choice("cpu", "")
    missing = _why_no_cuda()
    if not missing:
        return Choice("cuda", "")
    if asked == "cuda":
        raise DeviceError(not_granted("cuda", missing))
    return Choice("cpu", f"running on the CPU: {missing}")


def not_granted(device: Granted, why: str) -> str:
    """What to tell the user who asked for a device that is not there."""
    return f"--device {device} is not granted: {why} (or use --device cpu)"


def _why_no_cuda() -> str:
    """What CUDA lacks on this machine, or "" if nothing is known to be missing.

    ONNX Runtime lists the CUDA provider even where its libraries are missing, and then falls back
    to the CPU without an error; loading the provider's library shows what is missing.
    """
    if PROVIDERS["cuda"] not in ort.get_available_providers():
        return (
            f"the installed onnxruntime {ort.__version__} is built without CUDA; "
            "install onnxruntime-gpu in its place"
        )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find
        ort.preload_dlls(msvc=False)
    name = {
        "Windows": "onnxruntime_providers_cuda.dll",
        "Linux": "libonnxruntime_providers_cuda.so",
    }.get(platform.system())
    if name is None:
        return f"CUDA is not available on {platform.system()}"
    try:
        ctypes.CDLL(str(Path(ort.__file__).parent / "capi" / name))
    except OSError as error:
        # The provider needs symbols of libonnxruntime_providers_shared, which only ONNX Runtime
        # itself loads; when nothing else is missing, the error is about them.
        if "undefined symbol" not in str(error):
            return (
                f"a CUDA library is missing ({' '.join(str(error).split())}); "
                "pip install 'hpe-volleyball[cuda]' brings CUDA and cuDNN"
            )
    return ""
