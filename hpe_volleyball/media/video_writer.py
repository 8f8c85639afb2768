"""Writes an H.264 video with the time stamps and the sound of its source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import cast

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hpe_volleyball.choices import Quality
from hpe_volleyball.closing import CompletedFile
from hpe_volleyball.cores import usable_cores
from hpe_volleyball.errors import OutputError
from hpe_volleyball.files import cannot_write, finishing_path, partial_path, replacing, sync
from hpe_volleyball.media.audio_copy import AudioCopy
from hpe_volleyball.media.encoders import pick_encoder
from hpe_volleyball.media.kept_pictures import KeptPictures
from hpe_volleyball.media.video import VideoInfo, time_base_of
from hpe_volleyball.pool import PicturePool
from hpe_volleyball.records import Image

_KEYFRAME_S = 2
"""Seconds between keyframes: how fine a player can jump."""
_FRAGMENTED = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
    "use_editlist": "0",
    "avoid_negative_ts": "make_non_negative",
}
"""Each fragment is playable as soon as it is on disk. Sound that begins after the pictures stays
where it is; FFmpeg would draw its first packet to 0, or with it all of the sound."""
_PLAIN = {"movflags": "faststart", "movie_timescale": "90000"}
"""The index comes first. It says in units of 1/90000 s how late the sound begins."""
_FRAGMENT_FRAMES = 4
_MOST_THREADS = 4
"""Of the encoder, which holds back one picture. With a fragment that makes 7 pictures which a kill
costs, also in a run of one frame per second."""
_SYNC_S = 5.0
"""Seconds between forced writes to the disk, for power cuts."""

_LONGEST_STEP = 2**31 - 1
"""MP4 has no longer ones between two pictures, in units of the track; FFmpeg writes 1 in place of
them, with a warning."""

# Codes of ITU-T H.273.
_BT601 = 6
_LIMITED_RANGE = 1


class VideoWriter(CompletedFile):
    """H.264 video of the source's rate and time stamps; sound copied where there is some.

    4:2:0 chroma needs even sizes: an odd width or height gets one more column or row, a copy of
    the last one. Time stamps are shifted so that the first picture is at 0. The pictures are
    converted by the BT.601 matrix in limited range, and the stream says so.

    The video is written as fragmented MP4 under a partial name, so that a kill leaves it readable
    up to the last 7 pictures; `close(complete=True)` puts it into a plain MP4 with its index in
    front.

    Args:
        path: the video to make.
        info: its source.
        size: width and height of the pictures, px; without it the source's.
        quality: how much of the pictures is kept.
        kept: the pictures of an earlier run to begin with; removed once they are copied.

    Raises:
        OutputError: the file cannot be written, or `kept` was encoded in another way.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        *,
        size: tuple[int, int] | None = None,
        quality: Quality = "medium",
        kept: KeptPictures | None = None,
    ) -> None:
        self._size = size or (info.width, info.height)
        even_width, even_height = (side + side % 2 for side in self._size)
        self.encoder = pick_encoder(even_width, even_height, quality)
        self._planes = PicturePool((even_height * 3 // 2, even_width))
        self._path = path
        self._partial = partial_path(path)
        self._info = info
        self._first_pts: int | None = None
        self._last_pts = 0
        self._synced_at = monotonic()
        self._failed = False
        self._closed_at: Path | None = None
        with self._reported():
            self._container = av.open(
                f"file:{self._partial}",
                "w",
                format="mp4",
                options={
                    **_FRAGMENTED,
                    "frag_duration": str(round(_FRAGMENT_FRAMES / info.rate * 1_000_000)),
                    "flush_packets": "1",
                    # Write pictures (after 1 µs) that no sound goes with; else they wait for
                    # 10 s of it, and a kill costs these.
                    "max_interleave_delta": "1",
                },
            )
            self._stream = self._add_stream()
            self._audio = AudioCopy(info, self._container)
            # Opens the file now: what cannot be written is told before hours of work.
            self._container.start_encoding()
            if kept is not None:
                self._begin_with(kept)

    @property
    def warning(self) -> str | None:
        """Why the sound of the source is missing or ends early; None when all is well."""
        return self._audio.warning

    def write(self, image: Image, pts: int) -> None:
        """Append a picture with the source's time stamp `pts`; stamps must ascend.

        Raises:
            OutputError: the disk or the encoder failed, or the step from the stamp before is longer
                than MP4 can say (6.6 hours in units of 1/90000 s).
            ValueError: the image has not the size of the video, or `pts` does not ascend.
        """
        expected = (self._size[1], self._size[0], 3)
        if image.shape != expected:
            raise ValueError(f"image: expected {expected}, found {image.shape}")
        first = self._start(pts) if self._first_pts is None else self._first_pts
        if pts <= self._last_pts:
            raise ValueError(f"pts: expected more than {self._last_pts}, found {pts}")
        self._check_step((pts - self._last_pts) * self._info.time_base)
        self._last_pts = pts
        frame = _video_frame(self._i420(image))
        frame.pts, frame.time_base = pts - first, self._info.time_base
        frame.color_range, frame.colorspace = _LIMITED_RANGE, _BT601
        with self._reported():
            self._mux(frame)
            self._mux_sound(frame.pts * self._info.time_base)
            if monotonic() - self._synced_at >= _SYNC_S:
                sync(self._partial)
                self._synced_at = monotonic()

    def _i420(self, image: Image) -> Image:
        """Planes Y, U, V under each other, uint8 [1.5 H, W], both sizes made even."""
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = cv2.copyMakeBorder(
                image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE
            ).astype(np.uint8, copy=False)
        planes = self._planes.take()
        cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420, dst=planes)
        return planes

    def close(self, *, complete: bool) -> Path:
        """End the file and say where it is; later calls only say so again.

        Incomplete, or after a failed write, it stays under its partial name. When no picture was
        written nothing is left.

        Raises:
            OutputError: the disk or the encoder failed, or a complete video has no picture.
        """
        if self._closed_at is None:
            self._closed_at = self._partial
            self._finish()
            if self._first_pts is None:
                self._partial.unlink(missing_ok=True)
                if complete:
                    raise OutputError(f"{self._path}: expected at least one frame, found none")
            elif complete and not self._failed:
                with self._reported():
                    _remux(self._partial, self._path)
                self._closed_at = self._path
        return self._closed_at

    def _add_stream(self) -> VideoStream:
        info = self._info
        # The type of the stream is known from the name for a few encoders only.
        stream = cast("VideoStream", self._container.add_stream(self.encoder.name, rate=info.rate))
        codec = stream.codec_context
        codec.width, codec.height = (length + length % 2 for length in self._size)
        codec.pix_fmt = "yuv420p"
        codec.time_base = stream.time_base = info.time_base
        codec.gop_size = max(1, round(_KEYFRAME_S * info.rate))
        codec.sample_aspect_ratio = info.sample_aspect
        codec.color_range = _LIMITED_RANGE
        codec.color_primaries = info.colour.primaries
        codec.color_trc = info.colour.transfer
        codec.colorspace = _BT601
        codec.thread_count = min(_MOST_THREADS, usable_cores())
        codec.options = dict(self.encoder.options)
        return stream

    def _start(self, pts: int) -> int:
        """Make the source's time stamp `pts` the time 0 of the video."""
        self._first_pts, self._last_pts = pts, pts - 1
        self._audio.start(pts * self._info.time_base)
        return pts

    def _check_step(self, step_s: Fraction) -> None:
        if step_s >= _LONGEST_STEP * time_base_of(self._stream):
            raise OutputError(
                f"{self._path}: found {float(step_s / 3600):.1f} hours without a picture, expected "
                "less than MP4 can say; split the source there"
            )

    def _begin_with(self, kept: KeptPictures) -> None:
        """Copy pictures of an earlier run, and the sound that goes with them."""
        if not kept.frames:
            return
        self._start(kept.first_pts)
        for packet in kept.packets(self._stream.codec_context.extradata or b""):
            time = (packet.pts or 0) * packet.time_base
            self._last_pts = kept.first_pts + round(time / self._info.time_base)
            packet.stream = self._stream
            self._container.mux(packet)
            self._mux_sound(time)
        sync(self._partial)
        kept.path.unlink()

    def _mux_sound(self, end: Fraction) -> None:
        for packet in self._audio.until(end):
            self._container.mux(packet)

    def _mux(self, frame: VideoFrame | None) -> None:
        """Encode a picture (None: all that wait) and write what comes out."""
        for packet in self._stream.encode(frame):
            packet.duration = packet.duration or round(self._info.frame_ticks)
            self._container.mux(packet)

    def _finish(self) -> None:
        """Write what waits in the encoder, the rest of the sound, and the end of the file."""
        if self._failed:
            # The error was reported; what is on disk stays as it is.
            with suppress(av.FFmpegError, OSError):
                self._container.close()
            self._audio.close()
            return
        try:
            with self._reported():
                if self._first_pts is not None:
                    self._mux(None)
                    ticks = self._last_pts - self._first_pts + self._info.frame_ticks
                    self._mux_sound(ticks * self._info.time_base)
                self._container.close()
        finally:
            self._audio.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn errors of disk and encoder into OutputError."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            self._failed = True
            raise OutputError(cannot_write(self._path, error)) from error


def _video_frame(planes: Image) -> VideoFrame:
    """The planes as a frame, which holds on to them as long as the encoder needs it."""
    # PyAV rounds the height down to a multiple of 4; a copy can have any even one.
    if len(planes) % 6:
        return VideoFrame.from_ndarray(planes, format="yuv420p")
    return VideoFrame.from_numpy_buffer(planes, format="yuv420p")


def _remux(partial: Path, path: Path) -> None:
    """Put the packets of `partial` into a plain MP4 with its index in front, then remove it."""
    with replacing(path, finishing_path(path)) as finishing:
        _copy_packets(partial, finishing)
    partial.unlink()


def _copy_packets(partial: Path, plain: Path) -> None:
    with (
        av.open(f"file:{partial}") as source,
        av.open(f"file:{plain}", "w", format="mp4", options=_PLAIN) as out,
    ):
        streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
