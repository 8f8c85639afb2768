"""What a video file is: checks that it can be read and says what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, cast

import av
from av.codec.context import Flags
from av.container import InputContainer
from av.format import Flags as FormatFlags
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hpe_volleyball.cores import usable_cores
from hpe_volleyball.errors import SourceError
from hpe_volleyball.files import exists, is_directory, is_file, why_missing
from hpe_volleyball.media.orientation import Orientation, orientation_of

_EXPECTED = "expected a video that FFmpeg reads, such as MP4, MOV, MKV or AVI"
_MOST_THREADS = 4
"""Of the decoder, which gets half of the cores: the models need the others, and each thread holds a
picture."""
_FALLBACK_RATE = Fraction(25)
"""For streams that name no rate at all; it is what FFmpeg assumes for raw H.264."""

_ANY_TEXT: dict[str, Any] = (
    {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
)
"""Titles and the like that are no UTF-8 are no reason to refuse a video; PyAV 19 does not."""


class _Ratio(Protocol):
    @property
    def numerator(self) -> int: ...

    @property
    def denominator(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Colour:
    """How the stored numbers stand for colours; codes of ITU-T H.273, 2 is "unspecified"."""

    primaries: int
    transfer: int
    matrix: int


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the header and the first picture of a video say."""

    path: Path
    width: int
    """Pixels, after rotation."""
    height: int
    """Pixels, after rotation."""
    rate: Fraction
    """Average frames per second, exact: 30000/1001 stays 30000/1001."""
    time_base: Fraction
    """Seconds per unit of the time stamps (pts)."""
    start_pts: int
    """Time stamp of the first picture; time 0 of the video."""
    n_frames: int | None
    """Pictures that the header promises; None where the format does not say."""
    duration_s: float | None
    """Seconds that the header promises; None where the format does not say."""
    orientation: Orientation
    sample_aspect: Fraction
    """Width to height of one pixel, after rotation; 1 for square pixels."""
    codec: str
    has_audio: bool
    colour: Colour
    may_jump: bool = False
    """Stamps of its format may go on with another number (MPEG-TS): a long step is no gap."""
    live_from: str | None = None
    """Address of a live source, whose `path` only names the results; None: a file."""

    @property
    def name(self) -> str:
        """What a reader knows the source by."""
        return self.live_from or str(self.path)

    @property
    def frame_ticks(self) -> Fraction:
        """Length of one frame at the average rate, in units of the time base."""
        return 1 / (self.rate * self.time_base)

    def size_at(self, height: int | None) -> tuple[int, int]:
        """Width and height of a copy at most so high, px; None, or more than there is: as it is."""
        if height is None or height >= self.height:
            return self.width, self.height
        return max(1, round(self.width * height / self.height)), height

    def time_s(self, pts: int) -> float:
        """Seconds from the first picture to the time stamp `pts`."""
        return float((pts - self.start_pts) * self.time_base)


def probe(path: Path) -> VideoInfo:
    """Open a video, decode its first picture and say what it is; once for a file as it stands.

    Raises:
        SourceError: no such file, not a video, no picture track, or nothing that decodes.
    """
    _check_file(path)
    _check_name(path)
    stat = path.stat()
    return _probe(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _probe(path: Path, _size: int, _changed: int) -> VideoInfo:
    with open_video(path) as (container, stream):
        first = _first_picture(path, container, stream)
        orientation = orientation_of(first)
        sideways = orientation.swaps_sides
        aspect = exact(stream.sample_aspect_ratio) or Fraction(1)
        return VideoInfo(
            path=path,
            width=first.height if sideways else first.width,
            height=first.width if sideways else first.height,
            rate=exact(stream.average_rate) or exact(stream.guessed_rate) or _FALLBACK_RATE,
            time_base=time_base_of(stream),
            start_pts=display_stamp(container, first) or 0,
            n_frames=stream.frames or None,
            duration_s=_duration_s(container, stream),
            orientation=orientation,
            sample_aspect=1 / aspect if sideways else aspect,
            codec=stream.codec_context.codec.canonical_name,
            has_audio=bool(container.streams.audio),
            colour=Colour(
                stream.codec_context.color_primaries,
                stream.codec_context.color_trc,
                stream.codec_context.colorspace,
            ),
            may_jump=bool(container.format.flags & cast("int", FormatFlags.ts_discont.value)),
        )


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video file and its first picture track, set to decode in threads.

    Raises:
        SourceError: no such file, not a video, or no picture track that can be decoded.
    """
    with open_container(path) as container:
        yield container, picture_track(path, container)


def open_container(path: Path) -> InputContainer:
    """Open a media file of whatever content.

    Raises:
        SourceError: no such file, or not a media file.
    """
    _check_file(path)
    try:
        # "file:" keeps FFmpeg from taking a colon in the name for a protocol, and the list
        # keeps playlists from reaching into the network.
        container: InputContainer = av.open(
            f"file:{path}", options={"protocol_whitelist": "file"}, **_ANY_TEXT
        )
    except (av.FFmpegError, OSError) as error:
        raise SourceError(_refusal(path, error)) from error
    return container


def display_stamp(container: InputContainer, picture: VideoFrame) -> int | None:
    """The time stamp of a decoded picture; None where the file has none.

    AVI stores decoding times only. Pictures leave the decoder in display order, so in AVI the
    decoding times in that order are the display times, up to a constant.
    """
    return picture.dts if container.format.name == "avi" else picture.pts


def time_base_of(stream: Stream) -> Fraction:
    """Seconds per unit of a stream's time stamps."""
    time_base = exact(stream.time_base)
    if time_base is None:
        raise AssertionError("an opened stream has a time base")
    return time_base


def exact(value: _Ratio | None) -> Fraction | None:
    """A ratio that PyAV read; None where the file names none.

    PyAV 19 has ratios of its own, which are 0/1 or 0/0 there, and rounds their products to 32 bits.
    """
    if value is None or not value.numerator or not value.denominator:
        return None
    return Fraction(value.numerator, value.denominator)


def _check_name(path: Path) -> None:
    """Raise SourceError for a name that no file of results could say."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = str(path).encode(errors="replace").decode()
        raise SourceError(
            f"{shown}: found a name that is not UTF-8, expected one that is; rename the file"
        ) from error


def _check_file(path: Path) -> None:
    if is_directory(path):
        raise SourceError(f"{path} is a directory; {_EXPECTED}")
    if not exists(path):
        raise SourceError(f"{path}: {why_missing(path)}; check the path")
    if is_file(path) and path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes); {_EXPECTED}; copy the file again")


def _refusal(path: Path, error: Exception) -> str:
    """What to tell about a file that FFmpeg does not open."""
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, av.error.InvalidDataError):
        with path.open("rb") as file:
            head = file.read(12)
        if head[4:8] == b"ftyp":
            return (
                f"{path}: an MP4 or MOV file without its index (moov): it was cut off before it "
                f"was finished; copy it again or repair it with the tool of the camera's maker"
            )
    return f"{path} cannot be opened ({reason}); {_EXPECTED}"


def picture_track(path: Path, container: InputContainer) -> VideoStream:
    """The picture track of an opened file, set to decode in threads.

    Raises:
        SourceError: there is none that can be decoded.
    """
    if container.format.name == "tty":
        raise SourceError(f"{path} is a text file; {_EXPECTED}")
    tracks = decodable_tracks(container)
    if not tracks and not all(map(_is_cover, container.streams.video)):
        raise SourceError(
            f"{path}: its pictures are in a format without a decoder here; convert it to H.264"
        )
    if not tracks:
        found = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise SourceError(f"{path} has no picture track, found: {found}; {_EXPECTED}")
    tracks[0].thread_type = "AUTO"
    # Else FFmpeg cuts nothing off the left side but what keeps lines of pixels aligned in memory.
    tracks[0].codec_context.flags |= Flags.unaligned
    tracks[0].codec_context.thread_count = max(1, min(_MOST_THREADS, usable_cores() // 2))
    return tracks[0]


def decodable_tracks(container: InputContainer) -> list[VideoStream]:
    """The picture tracks that can be decoded, in front the one that FFmpeg thinks best of.

    That is no track without pictures, as the first one may be.
    """
    best = container.streams.best("video")
    # PyAV types it as always there, but it is None where FFmpeg has no decoder.
    tracks = [s for s in container.streams.video if s.codec_context and not _is_cover(s)]
    return sorted(tracks, key=lambda track: track is not best)


def _is_cover(track: VideoStream) -> bool:
    return bool(track.disposition & Disposition.attached_pic)


def _first_picture(path: Path, container: InputContainer, stream: VideoStream) -> VideoFrame:
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except (av.FFmpegError, OSError):
                continue
            if frames:
                return frames[0]
    except (av.FFmpegError, OSError) as error:
        raise SourceError(f"{path} cannot be read ({error}); copy the file again") from error
    raise SourceError(
        f"{path} holds no picture that can be decoded; {_EXPECTED}; copy the file again"
    )


def _duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None:
        return float(stream.duration * time_base_of(stream))
    return None if container.duration is None else container.duration / av.time_base
