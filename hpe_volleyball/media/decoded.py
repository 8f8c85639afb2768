"""Decoded pictures as frames: BGR while they are worked on, as decoded while they wait."""

from __future__ import annotations

import weakref
from threading import Lock

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from hpe_volleyball.pool import PicturePool
from hpe_volleyball.records import Frame, Image

_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


class Converter:
    """Makes BGR pictures, turned upright, of decoded ones; for several threads.

    Args:
        width: Of the upright picture, px.
        height: Of the upright picture, px.
        rotation: Counter-clockwise turn that the file asks for, degrees.
    """

    def __init__(self, width: int, height: int, rotation: int = 0) -> None:
        self.size = (width, height)
        self._pool = PicturePool((height, width, 3))
        self._turn = _TURNS.get(rotation)
        self._reformatter = VideoReformatter()
        self._lock = Lock()

    def to_bgr(self, picture: VideoFrame) -> Image:
        """A new picture, uint8 [H, W, 3]."""
        image = self._pool.take()
        self.write_bgr(picture, image)
        return image

    def write_bgr(self, picture: VideoFrame, out: Image) -> None:
        """Write the picture into `out`, uint8 [H, W, 3]."""
        with self._lock:
            # One thread: swscale's threads only fight the decoder's.
            bgr = self._reformatter.reformat(picture, format="bgr24", threads=1)
        plane = bgr.planes[0]
        shape, strides = (bgr.height, bgr.width, 3), (plane.line_size, 3, 1)
        pixels = np.ndarray(shape, np.uint8, buffer=memoryview(plane), strides=strides)
        if self._turn is None:
            np.copyto(out, pixels)
        else:
            cv2.rotate(pixels, self._turn, dst=out)


class DecodedFrame(Frame):
    """A frame that keeps its picture as it was decoded, half as large as BGR.

    Args:
        index: Number of the frame.
        time_s: Presentation time, seconds.
        pts: Presentation time in the stream's time base.
        picture: As the decoder gave it.
        converter: Makes BGR of it, at once and whenever it is asked for after `let_go`.
    """

    __slots__ = ("_kept",)
    _kept: _Kept

    def __init__(
        self, index: int, time_s: float, pts: int, picture: VideoFrame, converter: Converter
    ) -> None:
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "time_s", time_s)
        object.__setattr__(self, "pts", pts)
        object.__setattr__(self, "_kept", _Kept(picture, converter))

    @property
    def image(self) -> Image:
        """The picture; what `let_go` has let go is there as long as somebody holds it."""
        return self._kept.image()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, px."""
        return self._kept.converter.size

    def let_go(self) -> None:
        """Keep the decoded picture alone."""
        self._kept.bgr = None

    def copy_image(self, out: Image) -> None:
        """Write the picture into `out`, of the same shape."""
        image = self._kept.bgr
        if image is None:
            self._kept.converter.write_bgr(self._kept.picture, out)
        else:
            np.copyto(out, image)


class _Kept:
    """The decoded picture, and BGR made of it for as long as it is needed."""

    __slots__ = ("_last", "bgr", "converter", "picture")

    def __init__(self, picture: VideoFrame, converter: Converter) -> None:
        self.picture = picture
        self.converter = converter
        self.bgr: Image | None = converter.to_bgr(picture)
        self._last = weakref.ref(self.bgr)

    def image(self) -> Image:
        """BGR: what is there, or made anew."""
        image = self._last()
        if image is None:
            image = self.converter.to_bgr(self.picture)
            self._last = weakref.ref(image)
        return image
