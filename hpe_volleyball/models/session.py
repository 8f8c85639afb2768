"""Opens ONNX models in ONNX Runtime, on the device that was asked for and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from hpe_volleyball.errors import DeviceError, ModelError
from hpe_volleyball.models.devices import PROVIDERS, Device, Granted
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.providers import choose_device, not_granted

_PRECISIONS = {
    onnx.TensorProto.FLOAT: "fp32",
    onnx.TensorProto.FLOAT16: "fp16",
    onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.UINT8: "int8",
}
# ONNX Runtime's exceptions have no common base but Exception.
_LOAD_ERRORS: tuple[type[Exception], ...] = tuple(
    error
    for error in vars(ort_errors).values()
    if isinstance(error, type) and issubclass(error, Exception)
)
# 4 is "fatal": what goes wrong reaches the user as an exception, not as native log lines.
_LOG_FATAL_ONLY = 4


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, shape and type of an input or output; a string or None is a free axis."""

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str

    @property
    def shape_text(self) -> str:
        """The shape for messages; free axes are shown as "?"."""
        return "x".join(str(d) if isinstance(d, int) else "?" for d in self.shape) or "scalar"


class Session:
    """One model, loaded and ready to run.

    Attributes:
        path: The model file.
        sha256: Hash of the file, in hex.
        provider: The execution provider really in use, e.g. "CPUExecutionProvider".
        inputs: What the model takes.
        outputs: What the model gives.
        note: Why a better device was not taken, if "auto" was asked for; else "".
    """

    def __init__(self, path: Path, native: ort.InferenceSession, note: str) -> None:
        self.path = path
        self.sha256 = sha256_of(path)
        self.provider: str = native.get_providers()[0]
        self.inputs = _specs(native.get_inputs())
        self.outputs = _specs(native.get_outputs())
        self.note = note
        self._native = native

    @property
    def takes_images(self) -> bool:
        """The model has one input, and it is a batch of float images [batch, 3, H, W]."""
        if len(self.inputs) != 1:
            return False
        spec = self.inputs[0]
        return len(spec.shape) == 4 and spec.shape[1] == 3 and spec.dtype == "tensor(float)"

    @property
    def precision(self) -> str:
        """What most of the weights are stored in: "fp32", "fp16", "int8", or "none"."""
        graph = onnx.load(self.path, load_external_data=False).graph
        sizes: Counter[str] = Counter()
        for weight in graph.initializer:
            sizes[_PRECISIONS.get(weight.data_type, "")] += prod(weight.dims)
        del sizes[""]
        return sizes.most_common(1)[0][0] if sizes else "none"

    def describe(self) -> str:
        """The inputs and outputs in one line, for messages."""
        inputs, outputs = (
            ", ".join(f"{spec.name} {spec.shape_text}" for spec in specs)
            for specs in (self.inputs, self.outputs)
        )
        return f"inputs {inputs}; outputs {outputs}"

    def run(self, feeds: Mapping[str, NDArray[np.float32]]) -> list[NDArray[Any]]:
        """Run the model once; arrays in the order of `outputs`.

        Raises:
            ModelError: the model does not run with these inputs.
        """
        try:
            outputs: list[NDArray[Any]] = self._native.run(None, dict(feeds))
        except _LOAD_ERRORS as error:
            shapes = {name: value.shape for name, value in feeds.items()}
            raise ModelError(
                f"{self.path}: the model does not run with inputs {shapes}: {_one_line(error)}"
            ) from error
        return outputs


def open_session(
    path: Path, device: Device = "auto", *, threads: int = 0, optimised: bool = True
) -> Session:
    """Open a model.

    Args:
        path: The ONNX file.
        device: "cpu", "cuda", or "auto": CUDA where it is granted, else the CPU.
        threads: CPU threads; 0 leaves the choice to ONNX Runtime.
        optimised: Run the graph with all optimisations of ONNX Runtime, not as it is stored.

    Raises:
        ModelError: the file is missing or is not a model that ONNX Runtime can load.
        DeviceError: CUDA was asked for and is not granted.
    """
    if not path.is_file():
        found = "a directory" if path.is_dir() else "nothing"
        raise ModelError(f"{path}: expected an ONNX model file, found {found}")
    choice = choose_device(device)
    native = _load(path, choice.device, threads, optimised=optimised)
    if native.get_providers()[0] != PROVIDERS[choice.device]:
        raise DeviceError(not_granted(choice.device, "ONNX Runtime refused it for this model"))
    return Session(path, native, choice.note)


def _load(path: Path, device: Granted, threads: int, *, optimised: bool) -> ort.InferenceSession:
    levels = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    )
    options.intra_op_num_threads = threads
    options.log_severity_level = _LOG_FATAL_ONLY
    providers: list[Any] = [PROVIDERS["cpu"]]
    if device == "cuda":
        # The number of people changes from call to call; EXHAUSTIVE would search again for each.
        providers.insert(0, (PROVIDERS["cuda"], {"cudnn_conv_algo_search": "HEURISTIC"}))
    try:
        return ort.InferenceSession(str(path), options, providers=providers)
    except _LOAD_ERRORS as error:
        raise ModelError(
            f"{path}: expected an ONNX model, ONNX Runtime cannot load it: {_one_line(error)}"
        ) from error


def _specs(values: Sequence[Any]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(v.name, tuple(v.shape), v.type) for v in values)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
