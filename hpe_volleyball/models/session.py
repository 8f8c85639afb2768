"""A model in ONNX Runtime: what it takes and gives, where it runs, and running it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.contents import read_contents
from hpe_volleyball.models.devices import PROVIDERS
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.providers import ORT_ERRORS


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
        metadata: What the file says about itself.
        note: Why a better device was not taken, if "auto" was asked for; else "".
        nodes: How many nodes of the graph each provider runs.
        buckets: Batch sizes that are prepared, ascending; empty: any will do.
    """

    def __init__(
        self, path: Path, native: ort.InferenceSession, note: str, buckets: tuple[int, ...] = ()
    ) -> None:
        self.path = path
        self.sha256 = sha256_of(path)
        self.provider: str = native.get_providers()[0]
        self.inputs = _specs(native.get_inputs())
        self.outputs = _specs(native.get_outputs())
        self.metadata: dict[str, str] = dict(native.get_modelmeta().custom_metadata_map)
        self.note = note
        self.nodes = nodes_by_provider(native)
        self.buckets = buckets
        self._native = native

    @property
    def takes_images(self) -> bool:
        """The model has one input, and it is a batch of float images [batch, 3, H, W]."""
        if len(self.inputs) != 1:
            return False
        spec = self.inputs[0]
        return len(spec.shape) == 4 and spec.shape[1] == 3 and spec.dtype == "tensor(float)"

    @property
    def any_size(self) -> bool:
        """Images of any height and width will do, and none has been prepared."""
        free = all(not isinstance(axis, int) for axis in self.inputs[0].shape[2:])
        return free and self.provider == PROVIDERS["cpu"]

    @cached_property
    def precision(self) -> str:
        """What most of the weights are stored in: "fp32", "fp16", "int8", or "none"."""
        return read_contents(self.path).precision

    def filled_batch(self, count: int) -> int:
        """The batch size to fill a call with `count` images up to."""
        return next((size for size in self.buckets if size >= count), count)

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
        except ORT_ERRORS as error:
            shapes = {name: value.shape for name, value in feeds.items()}
            raise ModelError(
                f"{self.path}: the model does not run with inputs {shapes}: {one_line(error)}"
            ) from error
        return outputs


def nodes_by_provider(native: ort.InferenceSession) -> dict[str, int]:
    """How many nodes of the optimised graph each provider runs; empty before ONNX Runtime 1.24."""
    if not hasattr(native, "get_provider_graph_assignment_info"):
        return {}
    counts: Counter[str] = Counter()
    for part in native.get_provider_graph_assignment_info():
        counts[part.ep_name] += len(part.get_nodes())
    return dict(counts)


def _specs(values: Sequence[Any]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(v.name, tuple(v.shape), v.type) for v in values)


def one_line(error: BaseException) -> str:
    """What an error of ONNX Runtime says, for a message."""
    return " ".join(str(error).split())
