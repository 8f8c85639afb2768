"""What NVIDIA's driver says, and whether that is enough for a generation of CUDA.

The driver's own libraries are asked (CUDA driver API, NVML), so nothing has to be installed.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU."""

    name: str
    capability: tuple[int, int]
    """Compute capability: (7, 5) is Turing, GeForce RTX 20 and GTX 16."""
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Driver:
    """NVIDIA's driver as this process sees it."""

    problem: str = ""
    """Why there is no GPU to use; else ""."""
    version: str = ""
    """As NVIDIA counts, "580.65.06"; "" if unknown."""
    cuda: tuple[int, int] = (0, 0)
    """The newest CUDA that it runs."""
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """What a generation of CUDA asks for.

    By NVIDIA's release notes, and by the GPUs that ONNX Runtime's wheels have code for (its pull
    request 26516).
    """

    driver: str
    capability: tuple[int, int]
    oldest_gpu: str


NEEDS = {
    12: Needs("525", (6, 0), "Pascal, GeForce GTX 10"),
    13: Needs("580", (7, 5), "Turing, GeForce RTX 20 and GTX 16"),
}
"""By the major version of CUDA."""


def why_not_enough(driver: Driver, cuda_major: int) -> str:
    """What is too old or missing for ONNX Runtime built with this CUDA, and the fix; else ""."""
    if driver.problem:
        return driver.problem
    needs = NEEDS.get(cuda_major)
    asked = f"the installed ONNX Runtime is built with CUDA {cuda_major}"
    older = (
        " or `pip install 'hpe-volleyball[cuda12]'` (CUDA 12, driver 525 or newer)"
        if cuda_major > 12
        else ""
    )
    if driver.cuda[0] < cuda_major:
        wanted = f"driver {needs.driver} or newer" if needs else "a newer driver"
        return (
            f"NVIDIA's driver {driver.version or 'here'} is too old: it runs CUDA up to "
            f"{driver.cuda[0]}.{driver.cuda[1]}, {asked}; install {wanted}{older}"
        )
    first = driver.gpus[0]  # the one that sessions use
    if needs and first.capability < needs.capability:
        return (
            f"the GPU is too old: {first.name} has compute capability "
            f"{_dotted(first.capability)}, {asked}, which needs {_dotted(needs.capability)} "
            f"({needs.oldest_gpu}) or newer;{older.removeprefix(' or') or ' use another GPU'}"
        )
    return ""


@cache
def read_driver() -> Driver:
    """Ask the driver; a machine without one is a `Driver` with a problem."""
    windows = platform.system() == "Windows"
    name = "nvcuda.dll" if windows else "libcuda.so.1"
    try:
        cuda = ctypes.CDLL(name)
    except OSError:
        return Driver(
            f"NVIDIA's driver is not installed (there is no {name}): this needs an NVIDIA GPU and "
            "its driver"
        )
    version = _driver_version("nvml.dll" if windows else "libnvidia-ml.so.1")
    state = cuda.cuInit(0)
    if state:
        return Driver(f"NVIDIA's driver {version} gives no GPU ({_error(cuda, state)})", version)
    count, number = ctypes.c_int(), ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(number))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    return Driver(
        "" if count.value else f"NVIDIA's driver {version} finds no GPU",
        version,
        (number.value // 1000, number.value % 1000 // 10),
        tuple(_gpu(cuda, index) for index in range(count.value)),
    )


def _gpu(cuda: ctypes.CDLL, index: int) -> Gpu:
    device, memory = ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(256)
    cuda.cuDeviceGet(ctypes.byref(device), index)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device)

    def attribute(number: int) -> int:
        value = ctypes.c_int()
        cuda.cuDeviceGetAttribute(ctypes.byref(value), number, device)
        return value.value

    # 75 and 76: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
    capability = (attribute(75), attribute(76))
    return Gpu(name.value.decode(errors="replace"), capability, memory.value)


def _error(cuda: ctypes.CDLL, state: int) -> str:
    text = ctypes.c_char_p()
    cuda.cuGetErrorString(state, ctypes.byref(text))
    return (text.value or f"error {state}".encode()).decode(errors="replace")


def _driver_version(library: str) -> str:
    try:
        nvml = ctypes.CDLL(library)
    except OSError:
        return ""
    version = ctypes.create_string_buffer(80)
    ask: tuple[Callable[[], int], ...] = (
        nvml.nvmlInit_v2,
        lambda: int(nvml.nvmlSystemGetDriverVersion(version, len(version))),
        nvml.nvmlShutdown,
    )
    return "" if any(call() for call in ask) else version.value.decode(errors="replace")


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"
