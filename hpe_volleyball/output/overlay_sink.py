"""Draws results and encodes them as a video, in a thread of its own where that is wanted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hpe_volleyball.choices import Quality
from hpe_volleyball.closing import CompletedFile
from hpe_volleyball.errors import HpeError, OutputError
from hpe_volleyball.media.kept_pictures import KeptPictures
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.media.video_writer import VideoWriter
from hpe_volleyball.records import FrameResult, Image
from hpe_volleyball.threads import Worker
from hpe_volleyball.timing import StageClocks

_DEPTH = 4
"""Results that may wait to be drawn; each keeps its picture, 6 MB at 1080p."""


class OverlaySink(CompletedFile):
    """The overlay video of a run.

    Args:
        path: the video to make.
        info: its source.
        draw: makes a new image of the video's size from a result; called in the sink's thread.
        clocks: take the times of stages "draw" and "write".
        size: width and height of the video, px; without it the source's.
        quality: how much of the pictures the video keeps.
        kept: the pictures of an earlier run to begin with.
        behind: draw and encode in a thread of its own, a few results behind; else in `write`.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        draw: Callable[[FrameResult], Image],
        clocks: StageClocks,
        *,
        size: tuple[int, int] | None = None,
        quality: Quality = "medium",
        kept: KeptPictures | None = None,
        behind: bool = True,
    ) -> None:
        self._draw = draw
        self._clocks = clocks
        self._writer = VideoWriter(path, info, size=size, quality=quality, kept=kept)
        self._worker: Worker[FrameResult] | None = None
        if behind:
            clocks.mark_overlapping("draw", "write")
            self._worker = Worker(self._handle, _DEPTH, "overlay")

    @property
    def encoder(self) -> str:
        """FFmpeg's name of what encodes the video."""
        return self._writer.encoder.name

    @property
    def warning(self) -> str | None:
        """Why the sound of the source is missing or ends early; None when all is well."""
        return self._writer.warning

    def write(self, result: FrameResult) -> None:
        """Queue a result and wait while the queue is full; without a thread, draw and encode it.

        Raises:
            OutputError: this result or an earlier one could not be written.
        """
        if self._worker is None:
            self._handle(result)
        else:
            self._worker.put(result)

    def close(self, *, complete: bool) -> Path:
        """Write what is queued, end the video and say where it is; see `VideoWriter.close`.

        Raises:
            OutputError: a result could not be written, or a complete video has no picture.
        """
        handled = False
        try:
            if self._worker is not None:
                self._worker.close()
            handled = True
        finally:
            where = self._writer.close(complete=complete and handled)
        return where

    def _handle(self, result: FrameResult) -> None:
        with self._clocks.time("draw"):
            image = self._draw(result)
        with self._clocks.time("write"):
            self._writer.write(image, result.frame.pts)


class SpareSink:
    """An overlay video that a run can do without: when it fails, the run goes on.

    Args:
        overlay: The video; leaving this sink leaves it.

    Attributes:
        error: Why the video ends early; None when all is well.
    """

    def __init__(self, overlay: OverlaySink) -> None:
        self._overlay = overlay
        self.error: str | None = None

    @property
    def encoder(self) -> str:
        """FFmpeg's name of what encodes the video."""
        return self._overlay.encoder

    @property
    def warning(self) -> str | None:
        """Why the sound of the source is missing or ends early; None when all is well."""
        return self._overlay.warning

    def write(self, result: FrameResult) -> None:
        """Queue a result, unless the video has failed."""
        if self.error is not None:
            return
        try:
            self._overlay.write(result)
        except OutputError as error:
            self._fail(error)

    def __enter__(self) -> Self:
        self._overlay.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._overlay.__exit__(kind, error, traceback)
        except OutputError as failure:
            self._fail(failure)

    def _fail(self, error: OutputError) -> None:
        self.error = str(error)
        with suppress(HpeError):
            self._overlay.close(complete=False)
