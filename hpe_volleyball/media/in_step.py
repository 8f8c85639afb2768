"""Keeps the sound of joined files in step with their pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import cast

from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

from hpe_volleyball.media.stamp_clock import StampClock
from hpe_volleyball.media.video import VideoInfo

_NEAR = 64
"""Packets of sound, one to two seconds: what belongs together lies no further apart in a file."""


def in_step(packets: Iterable[Packet[Stream]], info: VideoInfo) -> Iterator[Packet[AudioStream]]:
    """The packets of the sound, moved as the pictures are where their stamps jump.

    Near a jump, packets of both sides of it lie in any order: each packet of sound is moved like
    those pictures near it with which it goes on best from the one before.

    Args:
        packets: Those of pictures and sound, as they lie in the file.
        info: The video.
    """
    waiting: deque[Packet[AudioStream]] = deque()
    # Those of the packets of sound before and behind the first that waits.
    offsets: deque[int] = deque(maxlen=2 * _NEAR + 1)
    mover = _Mover()
    for packet, offset in _with_offsets(packets, info):
        waiting.append(packet)
        offsets.append(offset)
        if len(waiting) > _NEAR:
            yield mover.move(waiting.popleft(), offsets)
    for packet in waiting:
        yield mover.move(packet, offsets)


def _with_offsets(
    packets: Iterable[Packet[Stream]], info: VideoInfo
) -> Iterator[tuple[Packet[AudioStream], int]]:
    """The packets of sound, and what the pictures read before them are moved by, in their unit."""
    clock = StampClock(info)
    for packet in packets:
        if packet.stream.type == "audio":
            offset = round(clock.offset * info.time_base / packet.time_base)
            yield cast("Packet[AudioStream]", packet), offset
        elif packet.dts is not None:
            clock.stamp(packet.dts)


class _Mover:
    """Moves packets so that each goes on where the one before has ended."""

    def __init__(self) -> None:
        self._end: int | None = None

    def move(self, packet: Packet[AudioStream], offsets: Iterable[int]) -> Packet[AudioStream]:
        """Move a packet by one of the offsets."""
        pts = packet.dts if packet.pts is None else packet.pts
        if pts is None:
            return packet
        end = pts if self._end is None else self._end
        offset = min(set(offsets), key=lambda by: abs(pts + by - end))
        self._end = pts + offset + (packet.duration or 0)
        if packet.pts is not None:
            packet.pts += offset
        if packet.dts is not None:
            packet.dts += offset
        return packet
