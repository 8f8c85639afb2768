"""Which devices models can run on here, and if they cannot, why and what to do.

ONNX Runtime lists providers whose libraries are missing and then runs on the CPU without an error,
so a provider counts only after a tiny model really ran on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnxruntime as ort

from hpe_volleyball.errors import DeviceError
from hpe_volleyball.models.devices import PROVIDERS, Device, Granted
from hpe_volleyball.models.libraries import (
    compiled_in,
    cuda_major,
    how_to_bring,
    how_to_install,
    load_tensorrt,
    missing_library,
)
from hpe_volleyball.models.native import (
    ORT_ERRORS,
    RECORD_NODES,
    native_messages,
    nodes_by_provider,
    one_line,
)
from hpe_volleyball.models.nvidia import read_driver, why_not_enough

NO_FALLBACK = {"enable_fallback": 0}
"""For `ort.InferenceSession`: where a provider fails, in a run too, its Python code would open the
model anew on the CPU and go on, with no more than a print."""
OPENVINO_DEVICES = ("GPU", "CPU")
"""OpenVINO's own devices, the better first. Its "AUTO" counts as granted and leaves every node to
ONNX Runtime's CPU provider (seen with onnxruntime-openvino 1.24.1)."""


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
        return how_to_install(device)
    missing = ""
    if device in {"cuda", "tensorrt"}:
        missing = why_not_enough(read_driver(), cuda_major()) or missing_library("cuda")
    if device == "tensorrt" and not missing:
        load_tensorrt()
        missing = missing_library("tensorrt")
    if missing or not trial:
        return missing
    return _try(device)


def _try(device: Granted) -> str:
    """Run a tiny model on a device; why it did not, or ""."""
    wanted = PROVIDERS[device]
    options = ort.SessionOptions()
    options.add_session_config_entry(*RECORD_NODES)
    feeds = {"input": np.ones((1, 3, 8, 8), np.float32)}
    for settings in _trial_settings(device):
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
    fix = f"; {how_to_bring(device)}" if "cuDNN is not available" in why else ""
    return f"ONNX Runtime refused {wanted}: {why}{fix}"


def _trial_settings(device: Granted) -> list[dict[str, Any]]:
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
