"""Devices are tried, and what is missing on this machine is named."""

from __future__ import annotations

from typing import get_args

import pytest

from hpe_volleyball.errors import DeviceError
from hpe_volleyball.models.devices import PROVIDERS, Granted
from hpe_volleyball.models.libraries import compiled_in, installed_flavours
from hpe_volleyball.models.nvidia import read_driver
from hpe_volleyball.models.providers import choose_device, why_not
from tests.child import run_python


def test_the_cpu_works() -> None:
    assert why_not("cpu") == ""
    assert choose_device("cpu").device == "cpu"


@pytest.mark.parametrize("device", get_args(Granted))
def test_what_is_not_built_in_says_what_to_install(device: Granted) -> None:
    if PROVIDERS[device] in compiled_in():
        pytest.skip("it is built in")
    [(flavour, version)] = installed_flavours().items()
    missing = why_not(device)
    assert f"the installed {flavour} {version} is built without {PROVIDERS[device]}" in missing
    assert "pip install onnxruntime-" in missing


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_without_an_nvidia_driver_that_is_what_is_missing(device: Granted) -> None:
    if PROVIDERS[device] not in compiled_in() or not read_driver().problem:
        pytest.skip("it is not built in, or there is a driver")
    with pytest.raises(DeviceError) as error:
        choose_device(device)
    assert str(error.value) == (
        f"--device {device} is not granted: {read_driver().problem} (or use --device cpu)"
    )


def test_auto_takes_cuda_or_says_why_not() -> None:
    choice, missing = choose_device("auto"), why_not("cuda")
    assert choice.device == ("cpu" if missing else "cuda")
    assert choice.note == (f"running on the CPU, CUDA does not work: {missing}" if missing else "")


def test_what_onnxruntime_writes_of_a_refusal_is_caught() -> None:
    if "CUDAExecutionProvider" not in compiled_in() or not why_not("cuda"):
        pytest.skip("CUDA is not built in, or works")
    code = """
        from hpe_volleyball.models.providers import _try
        print(_try("cuda"))
    """
    ended = run_python(code)
    assert ended.stdout.startswith("ONNX Runtime refused CUDAExecutionProvider: ")
    assert "Failed to create CUDAExecutionProvider" in ended.stdout
    assert ended.stderr == ""
