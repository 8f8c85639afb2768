"""The sound of a source, cut to the written pictures and moved along with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from itertools import chain

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from hpe_volleyball.errors import SourceError
from hpe_volleyball.media.in_step import in_step
from hpe_volleyball.media.video import VideoInfo, open_container, picture_track, time_base_of

_COPIED = ("opus", "flac")
"""Codecs, besides AAC and MP3, that MP4 carries and browsers play; others become AAC."""
_MP3_RATE = 16000
"""Lowest sample rate of MP3 in MP4."""
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_SEEK_BEFORE_S = 1
"""Formats whose stamps may jump have no index: what is found there is close to what was looked for,
or of another part."""


class AudioCopy:
    """Hands over the first sound track of a video, piece by piece as the pictures go on.

    Packets are copied as they are where MP4 and browsers know the codec, else encoded as AAC.
    Packets that begin before the first picture or after the end are left out, so the cut is exact
    to one packet (about 20 ms) and the rest stays in step with the pictures, also where their
    stamps jump.

    Args:
        info: the video.
        out: the file that gets the sound; the track is added to it here.
    """

    def __init__(self, info: VideoInfo, out: OutputContainer) -> None:
        self.warning: str | None = None
        """Why there is no sound although the source has some."""
        self._info = info
        self._out_stream: AudioStream | None = None
        self._encodes = False
        self._packets: Iterator[Packet[AudioStream]] = iter(())
        self._waiting: Packet[AudioStream] | None = None
        self._last_dts = -1
        self._source = ExitStack()
        if not info.has_audio:
            return
        try:
            with open_container(info.path) as source:
                self._out_stream = self._add_stream(source.streams.audio[0], out)
        except (SourceError, av.FFmpegError, OSError, ValueError) as error:
            self.warning = f"the sound of {info.path} is left out ({error})"

    def start(self, zero: Fraction) -> None:
        """Set the source time, in seconds, of the first picture; it becomes time 0."""
        if self._out_stream is not None:
            self._packets = self._output_packets(zero, self._out_stream)

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
        self._source.close()

    def _add_stream(self, source: AudioStream, out: OutputContainer) -> AudioStream:
        codec = source.codec_context
        # PyAV types it as always there, but it is None where FFmpeg has no decoder.
        if not codec:
            raise ValueError("no decoder for its format")
        if _can_be_copied(codec):
            return out.add_stream_from_template(source)
        rate = codec.sample_rate if codec.sample_rate in _AAC_RATES else 48000
        added = out.add_stream("aac", rate=rate)
        added.codec_context.layout = "mono" if codec.channels == 1 else "stereo"
        added.codec_context.time_base = Fraction(1, rate)
        added.codec_context.open()
        self._encodes = True
        return added

    def _output_packets(self, zero: Fraction, out: AudioStream) -> Iterator[Packet[AudioStream]]:
        """All packets from time 0 on, shifted."""
        try:
            shifted = _shifted(in_step(self._from(zero), self._info), zero)
            for packet in _encoded(shifted, out) if self._encodes else shifted:
                if packet.pts is None or packet.pts < 0 or packet.size == 0:
                    continue
                dts = packet.pts if packet.dts is None else packet.dts
                if dts <= self._last_dts:
                    continue
                self._last_dts = packet.dts = dts
                packet.stream = out
                yield packet
        except (SourceError, av.FFmpegError, OSError, ValueError) as error:
            self.warning = f"the sound breaks off ({error})"

    def _from(self, zero: Fraction) -> Iterator[Packet[Stream]]:
        """Pictures and sound from before `zero` on; from the beginning where that is not found."""
        if zero > _SEEK_BEFORE_S:
            packets = self._opened(zero - _SEEK_BEFORE_S)
            first = next(packets, None)
            if first is not None and first.dts is not None:
                early = zero - first.dts * first.time_base
                if early >= 0 and (early <= 2 * _SEEK_BEFORE_S or not self._info.may_jump):
                    return chain((first,), packets)
        return self._opened(None)

    def _opened(self, seek_to: Fraction | None) -> Iterator[Packet[Stream]]:
        self._source.close()
        container = self._source.enter_context(open_container(self._info.path))
        pictures, sound = picture_track(self._info.path, container), container.streams.audio[0]
        if seek_to is not None:
            # As the reader of the pictures does: in a joined file this leads to the same part.
            with suppress(av.FFmpegError, OSError):
                container.seek(int(seek_to / time_base_of(pictures)), stream=pictures)
        return container.demux(pictures, sound)


def _can_be_copied(codec: AudioCodecContext) -> bool:
    name = codec.codec.canonical_name
    if name == "aac":
        # Without its header (as in MPEG-TS) it cannot be announced before the first packet.
        return bool(codec.extradata)
    if name == "mp3":
        return codec.sample_rate >= _MP3_RATE
    return name in _COPIED


def _shifted(
    packets: Iterable[Packet[AudioStream]], zero: Fraction
) -> Iterator[Packet[AudioStream]]:
    for packet in packets:
        shift = round(zero / packet.time_base)
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
        if frame.pts is not None and frame.time_base:
            frame.pts = round(frame.pts * frame.time_base * frame.sample_rate)
        frame.time_base = Fraction(1, frame.sample_rate)
        yield from out.encode(frame)
