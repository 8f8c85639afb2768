"""From pixels to model inputs: letterbox, person crops, normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.records import Floats, Image

PAD_VALUE = 114
"""Grey around a letterboxed image (mmdet's configs of RTMDet)."""

BOX_PADDING = 1.25
"""How much larger than its box a person's crop is (mmpose's GetBBoxCenterScale)."""


@dataclass(frozen=True)
class Normalisation:
    """The planes that a model works on: (value - mean) / std of the channels of a BGR picture.

    Attributes:
        channels: The picture's channel for each plane: (0, 1, 2) keeps BGR, (2, 1, 0) gives RGB.
        mean: Of each plane, in byte values.
        std: Of each plane, in byte values.
    """

    channels: tuple[int, int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @cached_property
    def table(self) -> Floats:
        """float32 [3, 256]: what becomes of every byte value, one row per plane."""
        values, pairs = np.arange(256), zip(self.mean, self.std, strict=True)
        return np.stack([(values - mean) / std for mean, std in pairs]).astype(np.float32)

    def apply(self, image: Image, out: Floats) -> None:
        """Write an image as normalised planes.

        A look-up per channel takes half the time of subtracting and multiplying, and is exact.

        Args:
            image: uint8 [H, W, 3].
            out: float32 [3, H, W], written.
        """
        for plane, channel in enumerate(self.channels):
            cv2.LUT(cv2.extractChannel(image, channel), self.table[plane], dst=out[plane])


_MEAN_RGB, _STD_RGB = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)

OF_POSES: Final = Normalisation((2, 1, 0), _MEAN_RGB, _STD_RGB)
"""As in mmpose's configs of RTMPose."""

OF_DETECTORS: Final = Normalisation((0, 1, 2), _MEAN_RGB[::-1], _STD_RGB[::-1])
"""As in mmdet's configs of RTMDet."""


def letterbox(image: Image, canvas: Image) -> tuple[float, float]:
    """Scale an image into the top left of `canvas`, grey around it.

    Returns:
        Canvas pixels per image pixel, in x and in y. They differ a little because the scaled size
        is whole pixels; on 1768x994 one scale for both would be 2 px off at the lower edge.
    """
    height, width = image.shape[:2]
    scale = min(canvas.shape[0] / height, canvas.shape[1] / width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    canvas[new_height:] = PAD_VALUE
    canvas[:, new_width:] = PAD_VALUE
    inside = canvas[:new_height, :new_width]
    cv2.resize(image, (new_width, new_height), dst=inside, interpolation=cv2.INTER_LINEAR)
    return new_width / width, new_height / height


def crop_regions(boxes: Floats, width: int, height: int) -> NDArray[np.int64]:
    """Where the crops of people lie in the picture, in the aspect ratio of a pose model's input.

    mmpose's rule (GetBBoxCenterScale, TopdownAffine without UDP): the box grows by `BOX_PADDING`
    about its centre, then its shorter side grows until the aspect ratio fits. Crops are of whole
    pixels, which takes a third of the time; that moves them by half a pixel at most, less than
    boxes are exact.

    Args:
        boxes: float32 [n, 4], x1 y1 x2 y2.
        width: Of the model's input.
        height: Of the model's input.

    Returns:
        int64 [n, 4]: x and y of the top left pixel, width and height; they may lie outside.
    """
    corners = boxes.astype(np.float64)
    size = (corners[:, 2:] - corners[:, :2]) * BOX_PADDING
    step = np.maximum(size[:, 0] / width, size[:, 1] / height)[:, None]
    sides = np.maximum(1, np.rint(step * (width, height)))
    centre = (corners[:, :2] + corners[:, 2:]) / 2
    # Of the model's pixels the one in the middle is `centre` (mmpose), which is the middle of one
    # of the picture's; `cv2.resize` fits the borders of pixels on each other.
    corner = np.rint(centre - step / 2 * (width, height) + (1 - step) / 2)
    return np.concatenate([corner, sides], axis=1).astype(np.int64)


def in_source(
    located: NDArray[np.float64], regions: NDArray[np.int64], width: int, height: int
) -> NDArray[np.float64]:
    """Points of crops in the pixels of the picture.

    Args:
        located: float64 [n, K, 2], x y in the pixels of the model's input.
        regions: int64 [n, 4], of `crop_regions`.
        width: Of the model's input.
        height: Of the model's input.
    """
    step = regions[:, None, 2:] / (width, height)
    points: NDArray[np.float64] = regions[:, None, :2] + (step - 1) / 2 + step * located
    return points


def crop(image: Image, region: NDArray[np.int64], out: Image) -> None:
    """Cut one region of `crop_regions` out of an image and scale it; black where it lies outside.

    Args:
        image: uint8 [H, W, 3].
        region: x and y of the top left pixel, width and height.
        out: uint8 [height, width, 3], written.
    """
    height, width = out.shape[:2]
    left, top, across, down = region.tolist()
    inside = image[max(0, top) : max(0, top + down), max(0, left) : max(0, left + across)]
    if inside.shape[:2] == (down, across):
        cv2.resize(inside, (width, height), dst=out, interpolation=cv2.INTER_LINEAR)
        return
    ends = np.array([[[0, 0], [1, 1]]], np.float64)
    [(start, end)] = in_source(ends, region[None], width, height)
    cv2.warpAffine(
        image,
        np.column_stack([np.diag(end - start), start]),
        (width, height),
        dst=out,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
