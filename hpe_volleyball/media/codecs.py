"""Which video formats this build of FFmpeg reads, and which H.264 encoders work here."""

from __future__ import annotations

import av
from av.codec.codec import UnknownCodecError

from hpe_volleyball.media.encoders import HARDWARE, SOFTWARE, works

_READ = ("h264", "hevc", "av1", "vp9", "mpeg4", "mjpeg", "prores")


def decoders() -> dict[str, bool]:
    """Whether each common format can be decoded."""
    return {name: _has_decoder(name) for name in _READ}


def encoders() -> dict[str, bool]:
    """Whether each encoder that overlay videos can be written with works, the best first."""
    return {name: works(name) for name in (*HARDWARE, SOFTWARE)}


def _has_decoder(name: str) -> bool:
    try:
        av.Codec(name, "r")
    except UnknownCodecError:
        return False
    return True
