"""The sound of a source, cut to the written pictures and moved along with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from hpe_volleyball.errors import SourceError
from hpe_volleyball.media.video import open_container, time_base_of

_COPIED = ("opus", "flac")
"""Codecs, besides AAC and MP3, that MP4 carries and browsers play; others become AAC."""
_MP3_RATE = 16000
"""Lowest sample rate of MP3 in MP4."""
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_SEEK_BEFORE_S = 1


class AudioCopy:
    """Hands over the first sound track of a video, piece by piece as the pictures go on.

    Packets are copied as they are where MP4 and browsers know the codec, else encoded as AAC.
    Packets that begin before the first picture or after the end are left out, so the cut is exact
    to one packet (about 20 ms) and the rest stays in step with the pictures.

    Args:
        source: the video; None: there is no sound to copy.
        out: the file that gets the sound; the track is added to it here.
    """

    def __init__(self, source: Path | None, out: OutputContainer) -> None:
        self.warning: str | None = None
        """Why there is no sound although the source has some."""
        self._out_stream: AudioStream | None = None
        self._encodes = False
        self._packets: Iterator[Packet[AudioStream]] = iter(())
        self._waiting: Packet[AudioStream] | None = None
        self._zero = Fraction(0)
        self._last_dts = -1
        self._container: InputContainer | None = None
        if source is None:
            return
        try:
            self._container = open_container(source)
            if self._container.streams.audio:
                self._stream = self._container.streams.audio[0]
                self._out_stream = self._add_stream(out)
        except (SourceError, av.FFmpegError, OSError, ValueError) as error:
            self.warning = f"the sound of {source} is left out ({error})"

    def start(self, zero: Fraction) -> None:
        """Set the source time, in seconds, of the first picture; it becomes time 0."""
        self._zero = zero
        if self._container is None or self._out_stream is None:
            return
        if zero > _SEEK_BEFORE_S:
            try:
                offset = int((zero - _SEEK_BEFORE_S) / time_base_of(self._stream))
                self._container.seek(offset, stream=self._stream)
            except (av.FFmpegError, OSError):
                pass  # no index: the packets before `zero` are passed over below
        self._packets = self._output_packets(self._container, self._out_stream)

    def until(self, end: Fraction) -> Iterator[Packet[AudioStream]]:
        """Packets for the output that begin before `end`, in seconds of the output."""
        while True:
            if self._waiting is None:
                self._waiting = next(self._packets, None)
            packet = self._waiting
            if packet is None or packet.pts is None or packet.pts * packet.time_base >= end:
                return
            self._waiting = None
            yield packet

    def close(self) -> None:
        """Let go of the source."""
        if self._container is not None:
            self._container.close()

    def _add_stream(self, out: OutputContainer) -> AudioStream:
        codec = self._stream.codec_context
        # PyAV types it as always there, but it is None where FFmpeg has no decoder.
        if not codec:
            raise ValueError("no decoder for its format")
        if _can_be_copied(codec):
            return out.add_stream_from_template(self._stream)
        rate = codec.sample_rate if codec.sample_rate in _AAC_RATES else 48000
        added = out.add_stream("aac", rate=rate)
        added.codec_context.layout = "mono" if codec.channels == 1 else "stereo"
        added.codec_context.time_base = Fraction(1, rate)
        added.codec_context.open()
        self._encodes = True
        return added

    def _output_packets(
        self, container: InputContainer, out: AudioStream
    ) -> Iterator[Packet[AudioStream]]:
        """All packets from time 0 on, shifted."""
        demuxed = container.demux(self._stream)
        shift = round(self._zero / time_base_of(self._stream))
        try:
            shifted = _shifted(demuxed, shift)
            for packet in _encoded(shifted, out) if self._encodes else shifted:
                if packet.pts is None or packet.pts < 0 or packet.size == 0:
                    continue
                dts = packet.pts if packet.dts is None else packet.dts
                if dts <= self._last_dts:
                    continue
                self._last_dts = packet.dts = dts
                packet.stream = out
                yield packet
        except (av.FFmpegError, OSError, ValueError) as error:
            self.warning = f"the sound breaks off ({error})"


def _can_be_copied(codec: AudioCodecContext) -> bool:
    name = codec.codec.canonical_name
    if name == "aac":
        # Without its header (as in MPEG-TS) it cannot be announced before the first packet.
        return bool(codec.extradata)
    if name == "mp3":
        return codec.sample_rate >= _MP3_RATE
    return name in _COPIED


def _shifted(packets: Iterable[Packet[AudioStream]], shift: int) -> Iterator[Packet[AudioStream]]:
    for packet in packets:
        if packet.pts is not None:
            packet.pts -= shift
        if packet.dts is not None:
            packet.dts -= shift
        yield packet


def _encoded(
    packets: Iterable[Packet[AudioStream]], out: AudioStream
) -> Iterator[Packet[AudioStream]]:
    """Decode, resample and encode; damaged packets are passed over.

    Where the source changes its channels or its rate another resampler goes on.
    """
    resampler, kind = _resampler(out), None
    for frame in _decoded(packets):
        before, kind = kind, (frame.format.name, frame.layout.name, frame.sample_rate)
        if before not in {None, kind}:
            yield from _encode(out, resampler.resample(None))
            resampler = _resampler(out)
        yield from _encode(out, resampler.resample(frame))
    yield from _encode(out, resampler.resample(None))
    yield from out.encode(None)


def _decoded(packets: Iterable[Packet[AudioStream]]) -> Iterator[AudioFrame]:
    for packet in packets:
        try:
            frames = packet.decode()
        except (av.FFmpegError, OSError):
            continue
        yield from frames


def _resampler(out: AudioStream) -> AudioResampler:
    """From whatever comes to what an encoder takes, which cuts it into packets itself."""
    return AudioResampler("fltp", out.codec_context.layout, out.codec_context.sample_rate)


def _encode(out: AudioStream, frames: Iterable[AudioFrame]) -> Iterator[Packet[AudioStream]]:
    for frame in frames:
        # The encoder takes the time base of its first frame for that of all.
        if frame.pts is not None and frame.time_base is not None:
            frame.pts = round(frame.pts * frame.time_base * frame.sample_rate)
        frame.time_base = Fraction(1, frame.sample_rate)
        yield from out.encode(frame)
