"""Frames of real clips for tests."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

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
