"""Decoded pictures as frames: BGR while they are worked on, as decoded while they wait."""

from __future__ import annotations

import weakref
from threading import Lock

import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from hpe_volleyball.media.orientation import UPRIGHT, Orientation
from hpe_volleyball.pool import PicturePool
from hpe_volleyball.records import Frame, Image

_UNSPECIFIED, _MATRICES, _RANGES = 2, (0, 1, 2, 4, 5, 6, 7, 9), range(3)
"""FFmpeg's codes of colours, most of them those of ITU-T H.273, that its filters convert; files may
hold any."""
_BT709, _HD_HEIGHT = 1, 720
"""What names no matrix is read by that of HD from this height on and by BT.601 below, as players
do."""
_BGR = "bgr24"


class Converter:
    """Makes BGR pictures, turned upright, of decoded ones; for several threads.

    Of an interlaced picture only the field with the first line is taken: the other one shows
    another moment, in which whoever moves is elsewhere.

    Args:
        width: Of the upright picture, px.
        height: Of the upright picture, px.
        orientation: How the file asks for its pictures to be shown.
    """

    def __init__(self, width: int, height: int, orientation: Orientation = UPRIGHT) -> None:
        self.size = (width, height)
        self._pool = PicturePool((height, width, 3))
        self._orientation = orientation
        self._kind: tuple[int | str, ...] = ()
        """Of the pictures that the graph was made for."""
        self._graph = Graph()
        self._lock = Lock()

    def to_bgr(self, picture: VideoFrame) -> Image:
        """A new picture, uint8 [H, W, 3]."""
        with self._lock:
            self._prepare(picture)
            self._graph.push(picture)
            bgr = self._graph.vpull()
        plane = bgr.planes[0]
        shape, strides = (bgr.height, bgr.width, 3), (plane.line_size, 3, 1)
        pixels = np.ndarray(shape, np.uint8, buffer=memoryview(plane), strides=strides)
        if picture.interlaced_frame:
            pixels = _with_all_lines(pixels, picture.height)
        if self._orientation.changes:
            upright = self._pool.take()
            self._orientation.apply(pixels, upright)
            return upright
        # Filters hand on what is BGR already: the decoded picture itself.
        return pixels.copy() if picture.format.name == _BGR else pixels

    def _prepare(self, picture: VideoFrame) -> None:
        """Have a graph for pictures of this kind.

        FFmpeg's filters use the memory of their pictures again, its reformatter does not: new
        memory of 6 MB takes longer than to convert a picture.
        """
        # Codes that FFmpeg's filters do not convert stop them; of these two none is used.
        picture.color_trc, picture.color_primaries = _UNSPECIFIED, _UNSPECIFIED
        if picture.colorspace not in _MATRICES:
            picture.colorspace = _UNSPECIFIED
        if picture.colorspace == _UNSPECIFIED and picture.height >= _HD_HEIGHT:
            picture.colorspace = _BT709
        if picture.color_range not in _RANGES:
            picture.color_range = 0
        kind = (
            picture.width,
            picture.height,
            picture.format.name,
            int(picture.colorspace),
            int(picture.color_range),
            picture.interlaced_frame,
        )
        if kind == self._kind:
            return
        width, height, pixels, colorspace, color_range, interlaced = kind
        graph = Graph()
        # One thread: swscale's threads only fight the decoder's.
        graph.threads = 1
        source = graph.add(
            "buffer",
            video_size=f"{width}x{height}",
            pix_fmt=pixels,
            colorspace=str(colorspace),
            range=str(color_range),
            time_base="1/1",
        )
        fields = [graph.add("field", type="top")] if interlaced else []
        scale, bgr = graph.add("scale", flags="bilinear"), graph.add("format", _BGR)
        graph.link_nodes(source, *fields, scale, bgr, graph.add("buffersink")).configure()
        self._graph, self._kind = graph, kind


def _with_all_lines(field: Image, height: int) -> Image:
    """The lines of a field at their places, and between two of them their mean."""
    full = np.empty((height, *field.shape[1:]), np.uint8)
    full[::2] = field
    if len(field) > 1:
        full[1 : 2 * len(field) - 1 : 2] = cv2.addWeighted(field[:-1], 0.5, field[1:], 0.5, 0)
    if height % 2 == 0:
        full[-1] = field[-1]
    return full


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

    def __reduce__(self) -> tuple[type[Frame], tuple[int, float, Image, int]]:
        """What was decoded stays in its process: others, and deep copies, get a plain frame."""
        return Frame, (self.index, self.time_s, self.image, self.pts)

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

    def new_image(self) -> Image:
        """A picture of one's own; to convert it takes no longer than to copy it."""
        return self._kept.converter.to_bgr(self._kept.picture)

    def copy(self) -> DecodedFrame:
        """The same frame with a picture of its own: made when it is first asked for, and kept."""
        frame = DecodedFrame.__new__(DecodedFrame)
        for name in ("index", "time_s", "pts"):
            object.__setattr__(frame, name, getattr(self, name))
        object.__setattr__(frame, "_kept", _Own(self._kept.picture, self._kept.converter))
        return frame


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


class _Own(_Kept):
    """A decoded picture whose BGR stays, with what somebody has drawn on it."""

    __slots__ = ()

    def __init__(self, picture: VideoFrame, converter: Converter) -> None:
        self.picture = picture
        self.converter = converter
        self.bgr = None

    def image(self) -> Image:
        """BGR: made once."""
        if self.bgr is None:
            self.bgr = self.converter.to_bgr(self.picture)
        return self.bgr
