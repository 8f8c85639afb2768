"""What is too old is named, with what to do; the driver of this machine can be asked."""

from __future__ import annotations

import ctypes
import platform
from types import SimpleNamespace
from typing import Any

import pytest

from hpe_volleyball.models.nvidia import Driver, Gpu, read_driver, why_not_enough

PASCAL = Gpu("NVIDIA GeForce GTX 1070 Ti", (6, 1), 8 * 2**30)
TURING = Gpu("NVIDIA GeForce GTX 1660 Ti", (7, 5), 6 * 2**30)
ADA = Gpu("NVIDIA GeForce RTX 4060", (8, 9), 8 * 2**30)
TOO_OLD_DRIVER = (
    "NVIDIA's driver 535.183.01 is too old: it runs CUDA up to 12.2, the installed ONNX Runtime is "
    "built with CUDA 13; install driver 580 or newer or `pip install 'hpe-volleyball[cuda12]'` "
    "(CUDA 12, driver 525 or newer)"
)
TOO_OLD_GPU = (
    "the GPU is too old: NVIDIA GeForce GTX 1070 Ti has compute capability 6.1, the installed ONNX "
    "Runtime is built with CUDA 13, which needs 7.5 (Turing, GeForce RTX 20 and GTX 16) or newer; "
    "`pip install 'hpe-volleyball[cuda12]'` (CUDA 12, driver 525 or newer)"
)


@pytest.mark.parametrize(
    ("driver", "cuda", "found"),
    [
        (Driver("", "580.65.06", (13, 0), (TURING,)), 13, ""),
        (Driver("", "590.10", (13, 1), (ADA, PASCAL)), 13, ""),
        (Driver("", "580.65.06", (13, 0), (PASCAL,)), 12, ""),
        (Driver("", "525.60.13", (12, 0), (PASCAL,)), 12, ""),
        (Driver("", "535.183.01", (12, 2), (ADA,)), 13, TOO_OLD_DRIVER),
        (Driver("", "580.65.06", (13, 0), (PASCAL,)), 13, TOO_OLD_GPU),
        (Driver("no driver"), 13, "no driver"),
    ],
)
def test_a_driver_and_gpu_are_enough_or_told_why_not(driver: Driver, cuda: int, found: str) -> None:
    assert why_not_enough(driver, cuda) == found


def test_a_cuda_of_the_future_asks_for_a_newer_driver_without_a_number() -> None:
    message = why_not_enough(Driver("", "580.65.06", (13, 0), (ADA,)), 14)
    assert "install a newer driver" in message
    assert why_not_enough(Driver("", "700", (14, 0), (ADA,)), 14) == ""


def test_the_driver_of_this_machine_has_gpus_or_a_problem() -> None:
    driver = read_driver()
    assert bool(driver.gpus) != bool(driver.problem)
    if driver.gpus:
        assert driver.cuda >= (11, 0)
        assert all(gpu.name and gpu.memory_bytes > 2**28 for gpu in driver.gpus)
    elif platform.system() == "Linux":
        assert "libcuda.so.1" in driver.problem or driver.version


@pytest.mark.parametrize(("number", "cuda"), [(12080, (12, 8)), (13000, (13, 0))])
def test_the_newest_cuda_is_read_from_the_drivers_number(
    monkeypatch: pytest.MonkeyPatch, number: int, cuda: tuple[int, int]
) -> None:
    """The driver API counts 1000 * major + 10 * minor (cuDriverGetVersion)."""

    def put(value: int) -> Any:
        def answer(into: Any) -> int:
            into._obj.value = value
            return 0

        return answer

    def library(name: str) -> Any:
        if "cuda" not in name:
            raise OSError
        return SimpleNamespace(
            cuInit=lambda _: 0, cuDriverGetVersion=put(number), cuDeviceGetCount=put(0)
        )

    monkeypatch.setattr(ctypes, "CDLL", library)
    assert read_driver.__wrapped__() == Driver("NVIDIA's driver  finds no GPU", "", cuda)
