"""Frames of a video, decoded ahead in a thread of their own where that is wanted."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hpe_volleyball.errors import SourceDamaged
from hpe_volleyball.media.damage import Damage, Tally, check_size
from hpe_volleyball.media.decoded import Converter, DecodedFrame
from hpe_volleyball.media.stamp_clock import StampClock
from hpe_volleyball.media.video import VideoInfo, display_stamp, open_video, probe
from hpe_volleyball.records import Frame
from hpe_volleyball.threads import prefetch
from hpe_volleyball.timing import StageClocks

_DEPTH = 2
"""Frames decoded ahead; 9 MB each at 1080p."""
_SEEK_MARGIN_S = 10
"""How much earlier to look where a seek led past its target; about the longest GOP in use."""
_LAST_STAMP = 1 << 62
"""FFmpeg's time stamps have 64 bits; behind this one no file has pictures."""


@dataclass(frozen=True, slots=True)
class _Span:
    """The part of a video that is asked for; times in seconds from its first frame."""

    start_s: float
    end_s: float | None
    max_frames: int | None
    first_index: int


def read_frames(
    path: Path,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    max_frames: int | None = None,
    first_index: int = 0,
    ahead: bool = True,
    clocks: StageClocks | None = None,
) -> FrameReader:
    """Read the frames with start_s <= time < end_s, at most `max_frames` of them.

    Times count from the source's first frame. Time stamps are those of the stream; missing ones
    are set one average frame length after the one before. Where they fall back by more than
    0.2 s (joined files), or in MPEG-TS and the like go on by more than 10 s, the rest is moved
    behind what came before. Damaged packets are skipped and counted in `FrameReader.damage`.

    Iterating raises SourceDamaged, after all frames before it, where the file breaks off before
    its promised end or the picture size changes.

    Args:
        path: the video.
        start_s: first time, inclusive.
        end_s: last time, exclusive; None for the end of the file.
        max_frames: stop after so many frames; None for all.
        first_index: number of the first frame.
        ahead: decode in a thread of its own, a few frames ahead; else when a frame is asked for.
        clocks: take the time of each decoding and conversion as stage "capture".

    Raises:
        SourceError: the file cannot be opened or holds no pictures.
    """
    info = probe(path)
    damage = Damage()
    if clocks is not None and ahead:
        clocks.mark_overlapping("capture")
    frames = _Decoder(info, _Span(start_s, end_s, max_frames, first_index), damage, clocks).frames()
    return FrameReader(info, prefetch(frames, _DEPTH) if ahead else frames, damage)


class FrameReader:
    """Iterator over `Frame`s; close it, or use it in a `with`, to end its thread and the file."""

    def __init__(self, info: VideoInfo, frames: Generator[Frame], damage: Damage) -> None:
        self.info = info
        self.damage = damage
        self._frames = frames

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        return next(self._frames)

    def close(self) -> None:
        """Stop decoding and wait for the thread; may be called again."""
        self._frames.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Decoder:
    """From packets to frames; with read-ahead, everything here runs in the decode thread."""

    def __init__(
        self, info: VideoInfo, span: _Span, damage: Damage, clocks: StageClocks | None
    ) -> None:
        self._info = info
        self._span = span
        self._damage = damage
        self._clocks = clocks
        self._late = 0
        self._converter = Converter(info.width, info.height, info.orientation)

    def frames(self) -> Generator[Frame]:
        """The frames of the span."""
        span = self._span
        count = 0
        with closing(self._stamped()) as stamped:
            while span.max_frames is None or count < span.max_frames:
                with self._clocks.time("capture") if self._clocks else nullcontext():
                    frame = self._next_frame(stamped, span.first_index + count)
                if frame is None:
                    return
                yield frame
                count += 1

    def _next_frame(self, stamped: Iterator[tuple[int, VideoFrame]], index: int) -> Frame | None:
        """The next frame of the span; None behind its end."""
        span = self._span
        for pts, picture in stamped:
            time_s = self._info.time_s(pts)
            if span.end_s is not None and time_s >= span.end_s:
                return None
            if time_s >= span.start_s:
                self._damage.flawed += picture.is_corrupt
                return DecodedFrame(index, time_s, pts, picture, self._converter)
        return None

    def _stamped(self) -> Generator[tuple[int, VideoFrame]]:
        """Time stamps, strictly ascending, and pictures from the keyframe before the start."""
        pictures, picture = self._begin()
        clock = StampClock(self._info)
        with closing(pictures):
            while picture is not None:
                pts = clock.stamp(picture.pts, damaged=self._damage.skipped > 0)
                if pts is None:
                    self._late += 1
                    self._damage.skipped += 1
                else:
                    yield pts, picture
                picture = next(pictures, None)

    def _begin(self) -> tuple[Generator[VideoFrame], VideoFrame | None]:
        """Pictures and the first of them, from a keyframe before the start of the span."""
        start, time_base = self._info.start_pts, self._info.time_base
        target = start + ceil(self._span.start_s / time_base)
        # Some indexes lead past the target: then try earlier, at last from the beginning.
        for seek_to in (target, target - int(_SEEK_MARGIN_S / time_base)):
            if seek_to > start:
                pictures = self._pictures(seek_to)
                first = next(pictures, None)
                if first is not None and first.pts is not None and first.pts <= target:
                    return pictures, first
                pictures.close()
        pictures = self._pictures(None)
        return pictures, next(pictures, None)

    def _pictures(self, seek_to: int | None) -> Generator[VideoFrame]:
        """Decode the file from the keyframe before the time stamp `seek_to`, or from its start."""
        info = self._info
        with open_video(info.path) as (container, stream):
            size = stream.codec_context.width, stream.codec_context.height
            if seek_to is not None and not _seek(container, stream, seek_to):
                return
            tally = Tally(info, container, stream, whole=seek_to is None)
            for packet in _packets(container, stream, tally):
                for picture in tally.decode(packet):
                    picture.pts = display_stamp(container, picture)
                    check_size(info, size, picture)
                    yield picture
                self._damage.skipped = self._late + tally.failures
            self._damage.skipped = self._late + tally.lost_pictures()
            tally.check_ending()


def _packets(
    container: InputContainer, stream: VideoStream, tally: Tally
) -> Iterator[Packet[VideoStream]]:
    """The packets to decode; the last one is empty and flushes the decoder.

    Raises:
        SourceDamaged: the file cannot be read on.
    """
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, OSError) as error:
            raise SourceDamaged(f"{tally.broken_off()} ({error})") from error
        if packet is None:
            return
        # MP4 marks the packet that the end of the file cuts off; other formats mark packets
        # that the decoder can still make something of.
        if packet.is_corrupt and container.format.name.startswith("mov"):
            tally.torn = True
            continue
        if packet.size:
            tally.add_packet(packet)
        yield packet


def _seek(container: InputContainer, stream: VideoStream, pts: int) -> bool:
    """Go to the keyframe before `pts`; False where the format cannot."""
    try:
        container.seek(min(pts, _LAST_STAMP), stream=stream)
    except (av.FFmpegError, OSError):
        return False
    return True
