"""The buffers that pictures are written into for one call of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.models.preprocess import Normalisation
from hpe_volleyball.models.tensors import ImageInput


class ImageBatch:
    """Pictures of one size, and what the model is fed for them; made once, used for many calls.

    Args:
        images: The model's input.
        size: Number of pictures, height and width.
        normalisation: Of models that are fed planes.

    Attributes:
        pictures: uint8 [batch, H, W, 3], to be written. `ready` is called after each.
        fed: The model's input, of the shape that it wants.
    """

    def __init__(
        self, images: ImageInput, size: tuple[int, int, int], normalisation: Normalisation
    ) -> None:
        self.pictures = np.zeros((*size, 3), np.uint8)
        self.fed: NDArray[Any] = self.pictures if images.as_bytes else images.black(*size)
        self._normalisation = normalisation

    def ready(self, number: int) -> None:
        """Turn one of the pictures, which is written, into what the model is fed."""
        if self.fed is not self.pictures:
            self._normalisation.apply(self.pictures[number], self.fed[number])
