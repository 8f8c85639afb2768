"""What a model takes and gives: named tensors, and pictures as one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

INPUT_KEY: Final = "hpe_volleyball.input"
"""Entry of a model's metadata that says what its input holds, where `BGR_BYTES` do."""

BGR_BYTES: Final = "BGR bytes"
"""Pictures as OpenCV has them, uint8 [batch, H, W, 3], which the model normalises itself: a quarter
of the bytes to write and to bring to a GPU."""

Axis = int | str | None
"""Length of an axis; a string or None: it is free."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, shape and type of an input or output."""

    name: str
    shape: tuple[Axis, ...]
    dtype: str

    @property
    def shape_text(self) -> str:
        """The shape for messages; free axes are shown as "?"."""
        return "x".join(str(d) if isinstance(d, int) else "?" for d in self.shape) or "scalar"


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The one input of a model for pictures; None is a free axis.

    Attributes:
        name: Of the input.
        batch: Pictures in one call.
        height: Of a picture.
        width: Of a picture.
        as_bytes: It takes `BGR_BYTES`; else normalised planes, float32 [batch, 3, H, W].
    """

    name: str
    batch: int | None
    height: int | None
    width: int | None
    as_bytes: bool

    @classmethod
    def of(cls, inputs: Sequence[TensorSpec], metadata: Mapping[str, str]) -> ImageInput | None:
        """What the inputs of a model tell; None: they are not those of a model for pictures."""
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            return None
        [spec] = inputs
        axes = [axis if isinstance(axis, int) else None for axis in spec.shape]
        if spec.dtype == "tensor(float)" and axes[1] == 3:
            return cls(spec.name, axes[0], axes[2], axes[3], as_bytes=False)
        # Bytes of another origin could be RGB, or want to be normalised.
        if spec.dtype == "tensor(uint8)" and axes[3] == 3 and metadata.get(INPUT_KEY) == BGR_BYTES:
            return cls(spec.name, axes[0], axes[1], axes[2], as_bytes=True)
        return None

    def shape(self, batch: int, height: int, width: int) -> tuple[int, int, int, int]:
        """The shape of a call's input."""
        return (batch, height, width, 3) if self.as_bytes else (batch, 3, height, width)

    def black(self, batch: int, height: int, width: int) -> NDArray[Any]:
        """An input of zeros."""
        return np.zeros(self.shape(batch, height, width), np.uint8 if self.as_bytes else np.float32)
