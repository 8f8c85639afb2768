"""Frames for tests: of real clips, grey ones, and what is cut out of them."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.models.preprocess import crop
from hpe_volleyball.records import Frame, Image


def blank(width: int = 64, height: int = 48, index: int = 0) -> Frame:
    """A grey frame."""
    return Frame(index, index / 50, np.full((height, width, 3), 90, np.uint8))


def clip_frames(path: Path, *, every: int, size: tuple[int, int]) -> Iterator[Image]:
    """Every n-th picture of a clip, its top left part of this width and height."""
    width, height = size
    with av.open(str(path)) as container:
        for i, frame in enumerate(container.decode(video=0)):
            if i % every == 0:
                image = frame.to_ndarray(format="bgr24")[:height, :width]
                yield np.ascontiguousarray(image, np.uint8)


def cut_out(image: Image, region: NDArray[np.int64], width: int, height: int) -> Image:
    """A crop of this size, over a buffer that is not empty."""
    out = np.full((height, width, 3), 77, np.uint8)
    crop(image, region, out)
    return out
