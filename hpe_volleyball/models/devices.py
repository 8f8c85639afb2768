"""Names of the devices, and ONNX Runtime's names of what runs on them; knows no library."""

from __future__ import annotations

from typing import Literal

Device = Literal["auto", "cpu", "cuda"]
"""What can be asked for."""
Granted = Literal["cpu", "cuda"]
"""What a session can run on."""

PROVIDERS: dict[Granted, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
}
"""ONNX Runtime's execution provider of each device."""

GPU: frozenset[str] = frozenset({"cuda"})
"""Devices that are a GPU."""
