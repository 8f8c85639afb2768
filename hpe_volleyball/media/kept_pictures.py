"""The coded pictures of a video that was cut off, to begin its continuation with."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from hpe_volleyball.errors import OutputError

_START_CODE = b"\0\0\0\1"


@dataclass(frozen=True, slots=True)
class KeptPictures:
    """The first pictures of a video of `VideoWriter`."""

    path: Path
    frames: int
    """How many to keep."""
    first_pts: int
    """Time stamp of the first one in the source."""

    def packets(self, parameters: bytes) -> Iterator[Packet[VideoStream]]:
        """The packets, in the form in which the encoder hands over its own.

        Args:
            parameters: The encoder's parameter sets; those of the file must be the same.

        Raises:
            OutputError: the file was encoded in another way.
        """
        with av.open(f"file:{self.path}") as container:
            known = container.streams.video[0].codec_context.extradata or b""
            wanted = [unit for unit in re.split(b"\0{2,3}\1", parameters) if unit]
            if not all(unit in known for unit in wanted):
                raise OutputError(
                    f"{self.path} was encoded in another way than this version does; finish it "
                    "with the version that began it, or start anew with --overwrite"
                )
            with closing(_whole_packets(container)) as packets:
                for packet in islice(packets, self.frames):
                    yield _with_start_codes(packet)


def count_pictures(path: Path) -> int:
    """How many pictures of a video of `VideoWriter` are there, up to where it was cut off."""
    if not path.is_file():
        return 0
    try:
        with av.open(f"file:{path}") as container, closing(_whole_packets(container)) as packets:
            return sum(1 for _ in packets)
    except (av.FFmpegError, OSError, IndexError):
        return 0  # cut off within its first bytes


def _whole_packets(container: InputContainer) -> Generator[Packet[VideoStream]]:
    try:
        for packet in container.demux(container.streams.video[0]):
            if packet.is_corrupt:
                return
            if packet.size:
                yield packet
    except (av.FFmpegError, OSError):
        return  # the torn end


def _with_start_codes(packet: Packet[VideoStream]) -> Packet[VideoStream]:
    """MP4 has the length in front of each unit, the encoder a start code of the same size."""
    content = bytearray(bytes(packet))
    at = 0
    while at + 4 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        content[at : at + 4] = _START_CODE
        at += 4 + length
    fresh = cast("Packet[VideoStream]", Packet(bytes(content)))
    fresh.pts, fresh.dts, fresh.duration = packet.pts, packet.dts, packet.duration
    fresh.time_base, fresh.is_keyframe = packet.time_base, packet.is_keyframe
    return fresh
