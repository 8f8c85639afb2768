"""H.264 encoders: which one works on this machine, and its settings for a quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from types import MappingProxyType

import av
import numpy as np
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from hpe_volleyball.choices import Quality


@dataclass(frozen=True, slots=True)
class Encoder:
    """One of FFmpeg's H.264 encoders, with its options."""

    name: str
    options: Mapping[str, str]


# The steps of a scale are those at which x264 is usually called good (23), near transparent (18)
# and small (28); NVENC's cq follows the same scale, VideoToolbox counts upwards from 0 to 100.
_CRF: dict[Quality, str] = {"low": "28", "medium": "23", "high": "18"}
_VIDEOTOOLBOX: dict[Quality, str] = {"low": "45", "medium": "60", "high": "75"}

HARDWARE = ("h264_nvenc", "h264_videotoolbox")
SOFTWARE = "libx264"


def pick_encoder(width: int, height: int, quality: Quality = "medium") -> Encoder:
    """The machine's hardware encoder where one takes pictures of this (even) size, else x264."""
    name = next((name for name in HARDWARE if works(name, width, height)), SOFTWARE)
    return Encoder(name, MappingProxyType(_options(name, quality)))


def _options(name: str, quality: Quality) -> dict[str, str]:
    """Fast settings without B-frames.

    Decoding order is then display order: time stamps begin at 0, and every fragment of a
    fragmented MP4 is complete in itself.
    """
    options = {"profile": "high", "bf": "0"}
    if name == "h264_nvenc":
        return options | {"preset": "p4", "rc": "vbr", "cq": _CRF[quality], "b": "0"}
    if name == "h264_videotoolbox":
        return options | {"q:v": _VIDEOTOOLBOX[quality], "realtime": "1"}
    # CABAC makes the ultrafast preset's files as small as superfast's in little more than half of
    # its time: what is left out is the search for motion over several frames.
    return options | {"preset": "ultrafast", "x264-params": "cabac=1", "crf": _CRF[quality]}


@cache
def works(name: str, width: int = 256, height: int = 256) -> bool:
    """Whether an encoder is built in, finds its hardware and takes the size: it encodes a picture.

    NVENC, for one, takes widths from 145 to 4096; sizes are even.
    """
    if name not in av.codecs_available:
        return False
    codec = CodecContext.create(name, "w")
    assert isinstance(codec, VideoCodecContext)  # noqa: S101 - tells the type, H.264 is video
    codec.width, codec.height = width, height
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, 25)
    picture = np.zeros((height * 3 // 2, width), np.uint8)
    try:
        codec.encode(VideoFrame.from_ndarray(picture, format="yuv420p"))
        codec.encode(None)
    except (av.FFmpegError, OSError):
        return False
    return True
