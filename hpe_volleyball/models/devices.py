"""Names of the devices, and ONNX Runtime's names of what runs on them; knows no library."""

from __future__ import annotations

from typing import Literal

Device = Literal["auto", "cpu", "cuda", "tensorrt", "openvino"]
"""What can be asked for."""
Granted = Literal["cpu", "cuda", "tensorrt", "openvino"]
"""What a session can run on."""
Precision = Literal["auto", "fp32", "fp16", "int8"]
"""Of the model files that can be asked for."""

PROVIDERS: dict[Granted, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""ONNX Runtime's execution provider of each device."""

GPU: frozenset[Granted] = frozenset({"cuda", "tensorrt"})
"""Devices that are an NVIDIA GPU."""
