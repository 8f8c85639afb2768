"""The ONNX Runtime that is installed."""

from __future__ import annotations

import platform

import onnxruntime
import pytest

from hpe_volleyball.models.devices import PROVIDERS
from hpe_volleyball.models.libraries import (
    compiled_in,
    cuda_major,
    how_to_install,
    installed_flavours,
)


def test_the_installed_distribution_is_the_one_that_is_imported() -> None:
    assert list(installed_flavours().values()) == [onnxruntime.__version__]
    assert PROVIDERS["cpu"] in compiled_in()
    assert (cuda_major() > 0) == (PROVIDERS["cuda"] in compiled_in())


def test_where_there_is_no_cuda_nothing_is_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pip install onnxruntime-gpu" in how_to_install("cuda")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert how_to_install("cuda").endswith(", which there is not on Darwin")
    assert "pip install onnxruntime-openvino" in how_to_install("openvino")
