"""Small clips whose every picture is known: each one shows its own number and four colours."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from hpe_volleyball.records import Image

NTSC = Fraction(30000, 1001)
COLOURS = ((40, 40, 200), (40, 180, 40), (200, 60, 60), (120, 120, 120))
"""BGR of the quarters: top left, top right, bottom left, bottom right."""
_BITS = 8


def picture(number: int, width: int = 96, height: int = 64) -> Image:
    """Four coloured quarters under a band of eight cells that spell `number` in black and white."""
    image = np.empty((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    image[:top, :left], image[:top, left:], image[top:, :left], image[top:, left:] = COLOURS
    cell = width // _BITS
    for bit in range(_BITS):
        image[: height // 4, bit * cell : (bit + 1) * cell] = 235 if number >> bit & 1 else 16
    return image


def number_of(image: Image) -> int:
    """The number that a `picture` shows."""
    height, width = image.shape[:2]
    cell = width // _BITS
    row = image[height // 8, cell // 2 : cell * _BITS : cell].mean(axis=1)
    return int(sum(1 << bit for bit, value in enumerate(row) if value > 128))


@dataclass(frozen=True)
class Clip:
    """What `write` shall make: pictures 0..n-1 at `pts` in `time_base`."""

    pts: Sequence[int]
    time_base: Fraction
    rate: Fraction
    size: tuple[int, int] = (96, 64)
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    options: tuple[tuple[str, str], ...] = (("preset", "ultrafast"), ("crf", "12"), ("g", "10"))
    container: tuple[tuple[str, str], ...] = ()
    pixel_aspect: Fraction = Fraction(1)
    rotation: int = 0
    """Counter-clockwise turn, in degrees, that a player shall apply (display matrix)."""
    empty_track: bool = False
    """A picture track without pictures comes first."""
    audio: str | None = None
    """Codec of a tone."""
    audio_late_s: float = 0.0
    """How long after the pictures it begins."""
    audio_s: float | None = None
    """Length of the tone; None: as long as the pictures."""
    audio_rate: int = 48000
    audio_layout: str = "stereo"
    colorspace: int = 2
    color_range: int = 0

    def write(self, path: Path) -> Path:
        """Encode the clip; the container is chosen by the suffix."""
        with av.open(str(path), "w", options=dict(self.container)) as out:
            if self.empty_track:
                empty = out.add_stream("mpeg2video", rate=self.rate)
                empty.width, empty.height, empty.pix_fmt = 32, 32, "yuv420p"
            video = out.add_stream(self.codec, rate=self.rate, options=dict(self.options))
            assert isinstance(video, av.VideoStream)
            video.width, video.height, video.pix_fmt = *self.size, self.pix_fmt
            video.time_base = video.codec_context.time_base = self.time_base
            video.codec_context.colorspace = self.colorspace
            video.codec_context.color_range = self.color_range
            video.codec_context.sample_aspect_ratio = self.pixel_aspect
            if self.rotation:
                video.set_display_rotation(self.rotation)
            sound = self._add_sound(out) if self.audio else None
            for number, pts in enumerate(self.pts):
                frame = av.VideoFrame.from_ndarray(picture(number, *self.size), format="bgr24")
                frame.pts, frame.time_base = pts, self.time_base
                out.mux(video.encode(self._coloured(frame)))
            out.mux(video.encode())
            if sound is not None:
                begin, end = (float(at * self.time_base) for at in (self.pts[0], self.pts[-1] + 1))
                _write_tone(out, sound, self.audio_s or end - begin, begin + self.audio_late_s)
        return path

    def _add_sound(self, out: av.container.OutputContainer) -> av.AudioStream:
        sound = out.add_stream(self.audio or "", rate=self.audio_rate)
        assert isinstance(sound, av.AudioStream)
        sound.codec_context.layout = self.audio_layout
        return sound

    def _coloured(self, frame: av.VideoFrame) -> av.VideoFrame:
        if self.colorspace == 2:
            return frame
        matrix = {1: 1, 6: 5}[self.colorspace]
        return frame.reformat(
            format=self.pix_fmt, dst_colorspace=matrix, dst_color_range=self.color_range or 1
        )


def _write_tone(
    out: av.container.OutputContainer, stream: av.AudioStream, seconds: float, begin_s: float = 0.0
) -> None:
    codec = stream.codec_context
    rate, channels = codec.sample_rate, codec.layout.nb_channels
    wave = np.sin(np.arange(int(rate * seconds)) * (2 * np.pi * 440 / rate)) * 8000
    samples = np.repeat(wave.astype(np.int16), channels)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=codec.layout)
    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
    frame.pts = round(begin_s * rate)
    resampler = av.AudioResampler(codec.format, codec.layout, rate, codec.frame_size or 1024)
    for part in resampler.resample(frame):
        out.mux(stream.encode(part))
    out.mux(stream.encode())


def fixed_rate(path: Path, frames: int = 30, rate: Fraction = NTSC, **changes: Any) -> Path:
    """Pictures 0..frames-1 at a constant rate; `changes` are fields of `Clip`."""
    return replace(Clip(range(frames), 1 / rate, rate), **changes).write(path)


def joined(path: Path, *parts: dict[str, Any]) -> Path:
    """Clips of 25 pictures per second behind each other; each part is `changes` for one."""
    contents = [fixed_rate(path, rate=Fraction(25), **part).read_bytes() for part in parts]
    path.write_bytes(b"".join(contents))
    return path


def with_display_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Make an MP4 file ask for each point (p, q) to be shown at x = ap + cq, y = bp + dq."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, version 0 of the box
    rows = (a, b, 0, c, d, 0, 0, 0, 1 << 14)
    data[start : start + 36] = struct.pack(">9i", *(value << 16 for value in rows))
    path.write_bytes(data)
    return path


GAPS = (500, 1000, 500, 1500, 750)
"""Lengths of the pictures of a `variable_rate` clip, in 1/15000 s, over and over."""


def variable_rate(path: Path, frames: int = 30) -> Path:
    """Pictures whose lengths go through `GAPS`: 10 to 30 frames/s."""
    pts = [0]
    while len(pts) < frames:
        pts.append(pts[-1] + GAPS[(len(pts) - 1) % len(GAPS)])
    return Clip(pts, Fraction(1, 15000), Fraction(20)).write(path)


def sound_only(path: Path) -> Path:
    """One second of a tone."""
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=48000)
        sound.codec_context.layout = "stereo"
        _write_tone(out, sound, 1.0)
    return path


def truncated(path: Path, part: float) -> Path:
    """A copy that ends after this part of the bytes; MP4 keeps its index if it is in front."""
    content = path.read_bytes()
    cut = path.with_name(f"cut_{path.name}")
    cut.write_bytes(content[: int(len(content) * part)])
    return cut


def with_junk(path: Path, number: int, start: float = 0.0) -> Path:
    """A copy in which the n-th packet is random bytes, from this part of it to its end."""
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][number]
        position, size = packet.pos, packet.size
    assert position is not None
    begin, end = position + int(size * start), position + size
    content = path.read_bytes()
    junk = random.Random(0).randbytes(end - begin)  # noqa: S311 - not for secrets
    damaged = path.with_name(f"junk_{path.name}")
    damaged.write_bytes(content[:begin] + junk + content[end:])
    return damaged


def with_edit_list(path: Path, start_ticks: int, duration_ms: int) -> Path:
    """A copy of an MP4 whose edit list shows only a part, from a time stamp on."""
    content = bytearray(path.read_bytes())
    entry = content.index(b"elst") + 12  # past name, version and flags, and count
    content[entry : entry + 8] = struct.pack(">Ii", duration_ms, start_ticks)
    edited = path.with_name(f"edited_{path.name}")
    edited.write_bytes(content)
    return edited


FRONT_INDEX = (("movflags", "faststart"),)
"""Container options for an MP4 that can be read up to where it is cut off."""
B_FRAMES = (("preset", "medium"), ("bf", "3"), ("g", "10"))
"""Encoder options for pictures that are stored out of order."""
