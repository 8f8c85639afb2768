"""What is broken in a video file: counts what was lost and notices where the file breaks off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hpe_volleyball.clock import clock
from hpe_volleyball.errors import SourceDamaged
from hpe_volleyball.media.video import VideoInfo

_SLACK_S = 0.5
"""A file that ends this much before its promised end is broken off; less is rounding."""
_DURATION = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)[\0 ]*$", re.ASCII)
"""Matroska's tag of a track, as muxers write it; it is text, in which anything can stand."""


@dataclass(slots=True)
class Damage:
    """What was found broken so far; complete once the frames have ended."""

    skipped: int = 0
    """Pictures lost in the middle of the file: their packets could not be decoded."""
    flawed: int = 0
    """Frames delivered although the decoder had to guess parts of them."""


class Tally:
    """Counts the packets and pictures of one reading, to tell in the end what is missing.

    Args:
        info: the video.
        container: the file it is read from.
        stream: its picture track.
        whole: reading begins at the start of the file.
    """

    def __init__(
        self, info: VideoInfo, container: InputContainer, stream: VideoStream, *, whole: bool
    ) -> None:
        self._info = info
        self._whole = whole
        self._promised_packets = stream.frames if _is_mp4(container) else 0
        self._promised_end = _promised_end(info, container, stream)
        self._packets = 0
        self._last_ticks = 0
        self._end_pts = info.start_pts
        self._sent = 0
        self._pictures = 0
        self._suspect = False
        self.failures = 0
        """Packets that the decoder refused."""
        self.torn = False
        """The end of the file cuts through a packet, which was not added."""

    def add_packet(self, packet: Packet[VideoStream]) -> None:
        """Note a packet that was read."""
        self._packets += 1
        self._last_ticks = packet.duration or 0
        if packet.pts is not None:
            self._end_pts = max(self._end_pts, packet.pts + self._last_ticks)

    def decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """The pictures that a packet brings to light; none where it is damaged."""
        self._sent += bool(packet.size) and not packet.is_discard
        self._suspect |= packet.is_corrupt
        try:
            pictures = packet.decode()
        except (av.FFmpegError, OSError):
            self.failures += 1
            return []
        self._pictures += len(pictures)
        return pictures

    def lost_pictures(self) -> int:
        """Packets that gave no picture, once the decoder is flushed.

        More than failed where a lost keyframe takes others along. Without any failure nothing is
        lost: some codecs have packets that carry no picture of their own.
        """
        if not (self.failures or self._suspect):
            return 0
        return max(self.failures, self._sent - self._pictures)

    def check_ending(self) -> None:
        """Raise SourceDamaged when the file ended before its promised end.

        The count of packets, known for MP4, is asked only together with the time: with edit lists
        headers count more than can be read. Where it is unknown, or reading began in the middle,
        only a gap that rounding cannot explain is taken for damage.
        """
        if self._promised_end is None or not (self._whole or self._packets):
            return
        missing = (self._promised_end - self._end_pts) * self._info.time_base
        fewer = self._whole and 0 < self._packets < self._promised_packets
        rounding = self._last_ticks * self._info.time_base / 2
        if missing > (rounding if fewer or self.torn else Fraction(_SLACK_S)):
            raise SourceDamaged(self.broken_off())

    def broken_off(self) -> str:
        """Where the file ends and what its header promised, for the user."""
        info = self._info
        where = f"{info.path} breaks off at {clock(info.time_s(self._end_pts))}"
        if self._whole:
            where += f" (frame {self._packets})"
        if self._promised_end is not None:
            where += f", its header promises {clock(info.time_s(self._promised_end))}"
            where += f" ({info.n_frames} frames)" if info.n_frames else ""
        return f"{where}; what came before was read; copy the file again or repair it"


def check_size(info: VideoInfo, first: tuple[int, int], picture: VideoFrame) -> None:
    """Raise SourceDamaged where the pictures stop having the size (width, height) of the first."""
    if (picture.width, picture.height) != first:
        when = "" if picture.pts is None else f" at {clock(info.time_s(picture.pts))}"
        raise SourceDamaged(
            f"{info.path}: the picture size changes from {first[0]}x{first[1]} to "
            f"{picture.width}x{picture.height}{when}; expected one size; "
            f"what came before was read; split the file there"
        )


def _promised_end(info: VideoInfo, container: InputContainer, stream: VideoStream) -> int | None:
    """Time stamp at which the header says that the pictures end; None where it does not say.

    Formats without an entry here (MPEG-TS, raw streams) promise nothing: FFmpeg guesses their
    duration from what is there.
    """
    if _is_mp4(container) and stream.duration:
        return (stream.start_time or 0) + stream.duration
    if container.format.name == "avi" and stream.frames:
        # FFmpeg takes the duration of a cut AVI from its size; the count is as written.
        return info.start_pts + round(stream.frames * info.frame_ticks)
    if container.format.name.startswith("matroska"):
        seconds = _matroska_end_s(container, stream)
        return None if seconds is None else round(seconds / info.time_base)
    return None


def _is_mp4(container: InputContainer) -> bool:
    return container.format.name.startswith("mov")


def _matroska_end_s(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """End of the picture track: its own tag, else that of the file if it has no other track."""
    tag = _DURATION.match(stream.metadata.get("DURATION", ""))
    if tag is not None:
        hours, minutes, seconds = map(Fraction, tag.groups())
        return hours * 3600 + minutes * 60 + seconds
    if container.duration is None or len(container.streams) > 1:
        return None
    return Fraction(container.duration, av.time_base)
