"""RTMDet: images -> Detections, for exports with the NMS inside the model and for cut ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.catalogue import LOWEST_SCORE, SIZE_STEP
from hpe_volleyball.models.image_batch import ImageBatch
from hpe_volleyball.models.opening import FREE_SIZE
from hpe_volleyball.models.preprocess import OF_DETECTORS, letterbox
from hpe_volleyball.models.rtmdet_decode import Decoder
from hpe_volleyball.models.session import Session
from hpe_volleyball.models.tensors import ImageInput
from hpe_volleyball.records import Detections, Floats, Frame

_PERSON_LABEL = 0  # in COCO's order, and the only label of the person detectors

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
        ModelError: the model is no such detector, or its input cannot have this size; of `detect`:
            the outputs have other shapes.
    """

    def __init__(self, session: Session, *, size: int | None = None, fitted: bool = True) -> None:
        self._images, self._rows = _find_images(session)
        self.input_height, self.input_width = _input_size(session, self._images, size)
        self._fitted = fitted and session.any_size
        self._session = session
        self._canvas = self._buffers(0, 0)

    def detect(self, frame: Frame) -> Detections:
        """People in a frame with scores from 0.1 up, in the model's order (best first)."""
        width, height = self._fitting(frame.size)
        if self._canvas.pictures.shape[1:3] != (height, width):
            self._canvas = self._buffers(height, width)
        scale_x, scale_y = letterbox(frame.image, self._canvas.pictures[0])
        self._canvas.ready(0)
        outputs = self._session.run({self._images.name: self._canvas.fed})
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

    def _buffers(self, height: int, width: int) -> ImageBatch:
        return ImageBatch(self._images, (1, height, width), OF_DETECTORS)


def _find_images(session: Session) -> tuple[ImageInput, _Rows]:
    """The input, and how boxes and labels of the first picture come from the outputs."""
    names = [output.name for output in session.outputs]
    try:
        decoder = Decoder.of(session.metadata, names)
    except ValueError as error:
        raise ModelError(
            f"{session.path}: expected a detector as `hpe-volleyball quantize` writes it, {error}; "
            "make it again with that command"
        ) from error
    if session.images is None or not (decoder or {"dets", "labels"} <= set(names)):
        raise ModelError(
            f"{session.path}: expected a detector (one image input, outputs dets and labels), "
            f"found {session.describe()}"
            + ("; are --det and --pose swapped?" if "simcc_x" in names else "")
        )
    if decoder is not None:
        return session.images, decoder.decode
    dets, labels = names.index("dets"), names.index("labels")

    def rows(outputs: Sequence[NDArray[Any]]) -> tuple[Floats, NDArray[np.integer[Any]]]:
        # Exports leave the lengths of these axes free, so they are not known before.
        boxes, kinds = outputs[dets], outputs[labels]
        if boxes.ndim != 3 or boxes.shape[2] != 5 or kinds.shape != boxes.shape[:2]:
            raise ModelError(
                f"{session.path}: expected dets [batch, n, 5], upright boxes with scores, and "
                f"labels [batch, n], found {boxes.shape} and {kinds.shape}; take a detector of "
                "this form"
            )
        return boxes[0].astype(np.float32, copy=False), kinds[0]

    return session.images, rows


def _input_size(session: Session, images: ImageInput, size: int | None) -> tuple[int, int]:
    """Height and width of the model's input."""
    height, width = images.height, images.width
    if height is not None and width is not None:
        if size is not None and (size, size) != (height, width):
            raise ModelError(
                f"{session.path}: found an input fixed at {width}x{height}, --det-size asks for "
                f"{size}; leave it out or take a model with a free input size"
            )
        return height, width
    return (FREE_SIZE, FREE_SIZE) if size is None else (size, size)
