"""A model in ONNX Runtime: what it takes and gives, where it runs, and running it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from hpe_volleyball.errors import DeviceError, ModelError
from hpe_volleyball.models.contents import read_contents
from hpe_volleyball.models.devices import GPU, PROVIDERS
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.native import ORT_ERRORS, nodes_by_provider, one_line
from hpe_volleyball.models.tensors import ImageInput, TensorSpec

_NO_MEMORY = re.compile(r"failed to allocate|out of memory|ALLOC_FAILED", re.IGNORECASE)
"""What the arena of ONNX Runtime, CUDA, cuDNN and cuBLAS say of a GPU that is full."""
_ON_GPU = frozenset(PROVIDERS[device] for device in GPU)


class Session:
    """One model, loaded and ready to run.

    Attributes:
        path: The model file.
        sha256: Hash of the file, in hex.
        provider: The execution provider really in use, e.g. "CPUExecutionProvider".
        inputs: What the model takes.
        outputs: What the model gives.
        metadata: What the file says about itself.
        images: The input, where it is one for pictures; else None.
        nodes: How many nodes of the graph each provider runs.
        buckets: Batch sizes that are prepared, ascending; empty: any will do.

    Args:
        path: The model file.
        native: The model in ONNX Runtime.
        buckets: As above.
        copies: More of `native`, each for calls of one batch size.
    """

    def __init__(
        self,
        path: Path,
        native: ort.InferenceSession,
        buckets: tuple[int, ...] = (),
        copies: Mapping[int, ort.InferenceSession] = MappingProxyType({}),
    ) -> None:
        self.path = path
        self.sha256 = sha256_of(path)
        self.provider: str = native.get_providers()[0]
        self.inputs = _specs(native.get_inputs())
        self.outputs = _specs(native.get_outputs())
        self.metadata: dict[str, str] = dict(native.get_modelmeta().custom_metadata_map)
        self.images = ImageInput.of(self.inputs, self.metadata)
        self.nodes = nodes_by_provider(native)
        self.buckets = buckets
        self._native = native
        self._copies = copies

    @property
    def any_size(self) -> bool:
        """Images of any height and width will do: all of a video's have one size.

        CUDA's provider makes its plan anew for it once; TensorRT's engine was built for another.
        """
        free = self.images is not None and (
            self.images.height is None and self.images.width is None
        )
        return free and self.provider in {PROVIDERS["cpu"], PROVIDERS["cuda"]}

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

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once; arrays in the order of `outputs`.

        Raises:
            ModelError: the model does not run with these inputs.
            DeviceError: the GPU has too little memory.
        """
        batch = len(next(iter(feeds.values())))
        native = self._copies.get(batch, self._native)
        try:
            outputs: list[NDArray[Any]] = native.run(None, dict(feeds))
        except ORT_ERRORS as error:
            if self.provider in _ON_GPU and _NO_MEMORY.search(str(error)):
                raise DeviceError(
                    f"the GPU has too little free memory for {self.path.name} and {batch} images "
                    f"({one_line(error)}); close other programs that use it, or take --pose-batch "
                    "4, --mode lightweight or --device cpu"
                ) from error
            shapes = {name: value.shape for name, value in feeds.items()}
            raise ModelError(
                f"{self.path}: the model does not run with inputs {shapes}: {one_line(error)}"
            ) from error
        return outputs


def _specs(values: Sequence[Any]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(v.name, tuple(v.shape), v.type) for v in values)
