"""RTMDet: images -> Detections, for exports with the NMS inside the model and for cut ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.catalogue import LOWEST_SCORE, SIZE_STEP
from hpe_volleyball.models.opening import FREE_SIZE
from hpe_volleyball.models.preprocess import (
    MEAN_RGB,
    PAD_VALUE,
    STD_RGB,
    letterbox,
    normalisation_table,
    normalise,
)
from hpe_volleyball.models.rtmdet_decode import Decoder
from hpe_volleyball.models.session import Session
from hpe_volleyball.records import Detections, Floats, Frame

_PERSON_LABEL = 0  # in COCO's order, and the only label of the person detectors
_BGR = (0, 1, 2)
_NORMALISATION = normalisation_table(MEAN_RGB[::-1], STD_RGB[::-1])

_Rows = Callable[[Sequence[NDArray[Any]]], tuple[Floats, NDArray[np.integer[Any]]]]


class RTMDet:
    """Finds people with an RTMDet model.

    Args:
        session: A model with one image input [batch, 3, H, W] and the outputs `dets`
            [batch, n, 5] (x1 y1 x2 y2 score in input pixels) and `labels` [batch, n]; or one
            whose decode and NMS were cut off by `hpe-volleyball quantize`.
        size: Longer side of the input in pixels, for models with a free input size.
        fitted: Where the session takes any size, give the input the shape of the picture, in steps
            of 32 pixels; else it is a square, grey where the picture does not reach.

    Raises:
        ModelError: the model is no such detector, or its input cannot have this size.
    """

    def __init__(self, session: Session, *, size: int | None = None, fitted: bool = True) -> None:
        self._rows = _find_outputs(session)
        self.input_height, self.input_width = _input_size(session, size)
        self._fitted = fitted and session.any_size
        self._session = session
        self._canvas = np.zeros((0, 0, 3), np.uint8)
        self._blob = np.zeros((0, 3, 0, 0), np.float32)

    def detect(self, frame: Frame) -> Detections:
        """People in a frame with scores from 0.1 up, in the model's order (best first)."""
        self._prepare(*self._fitting(frame.size))
        scale_x, scale_y = letterbox(frame.image, self._canvas)
        normalise(self._canvas, _NORMALISATION, _BGR, self._blob[0])
        outputs = self._session.run({self._session.inputs[0].name: self._blob})
        dets, labels = self._rows(outputs)
        dets = dets[(labels == _PERSON_LABEL) & (dets[:, 4] >= LOWEST_SCORE)]
        boxes: Floats = dets[:, :4] / np.array([scale_x, scale_y] * 2, np.float32)
        height, width = frame.image.shape[:2]
        np.clip(boxes, 0, np.array([width, height] * 2, np.float32), out=boxes)
        inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        return Detections(boxes[inside], np.minimum(dets[inside, 4], 1))

    def _fitting(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the input for a picture of this size.

        Of a square that holds a 16:9 picture 0.44 is grey, and takes as long as the rest. Left out
        it is zeros to the net, as all that lies beyond its input.
        """
        if not self._fitted:
            return self.input_width, self.input_height
        width, height = (
            SIZE_STEP * ceil(self.input_width * side / max(size) / SIZE_STEP) for side in size
        )
        return width, height

    def _prepare(self, width: int, height: int) -> None:
        """Make the buffers, if they have another size."""
        if self._canvas.shape[:2] != (height, width):
            self._canvas = np.full((height, width, 3), PAD_VALUE, np.uint8)
            self._blob = np.empty((1, 3, height, width), np.float32)


def _find_outputs(session: Session) -> _Rows:
    """How boxes and labels of the first picture come from the model's outputs."""
    names = [output.name for output in session.outputs]
    try:
        decoder = Decoder.of(session.metadata, names) if session.takes_images else None
    except ValueError as error:
        raise ModelError(
            f"{session.path}: expected a detector as `hpe-volleyball quantize` writes it, {error}; "
            "make it again with that command"
        ) from error
    if decoder is not None:
        return decoder.decode
    if not (session.takes_images and {"dets", "labels"} <= set(names)):
        raise ModelError(
            f"{session.path}: expected a detector (one image input, outputs dets and labels), "
            f"found {session.describe()}"
            + ("; are --det and --pose swapped?" if "simcc_x" in names else "")
        )
    dets, labels = names.index("dets"), names.index("labels")
    return lambda outputs: (outputs[dets][0], outputs[labels][0])


def _input_size(session: Session, size: int | None) -> tuple[int, int]:
    """Height and width of the model's input."""
    height, width = session.inputs[0].shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        if size is not None and (size, size) != (height, width):
            raise ModelError(
                f"{session.path}: found an input fixed at {width}x{height}, --det-size asks for "
                f"{size}; leave it out or take a model with a free input size"
            )
        return height, width
    return (FREE_SIZE, FREE_SIZE) if size is None else (size, size)
