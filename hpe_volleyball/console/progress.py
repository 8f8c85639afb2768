"""How far a run is: frames, frames per second, time left; a bar, or lines in a log."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from hpe_volleyball.records import FrameResult


class _FramesPerSecond(ProgressColumn):
    """Frames done per second, over the last seconds."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} fps")


class _Lines:
    """Says on standard error from time to time how far a run is.

    Args:
        frames: How many to expect; None if unknown.
        every_s: Seconds from one line to the next.
    """

    def __init__(self, frames: int | None, every_s: float) -> None:
        self._frames = frames
        self._every_s = every_s
        self._done = self._told = 0
        self._told_at = monotonic()

    def advance(self) -> None:
        """One more frame is done."""
        self._done += 1
        taken = monotonic() - self._told_at
        if taken < self._every_s:
            return
        speed = (self._done - self._told) / taken
        if self._frames is None:
            line = f"{self._done} frames, {speed:.1f} fps"
        else:
            left = timedelta(seconds=round(max(0, self._frames - self._done) / speed))
            line = f"{self._done} of {self._frames} frames, {speed:.1f} fps, {left} left"
        with suppress(OSError):  # a full disk, or nobody who reads on, is no reason to end the run
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        self._told, self._told_at = self._done, self._told_at + taken


class Progress:
    """A bar on standard error, a line now and then where that is no terminal.

    Args:
        frames: How many to expect; None if unknown.
        quiet: Show nothing.
        every_s: Seconds from one line to the next.
    """

    def __init__(self, frames: int | None, *, quiet: bool, every_s: float = 60.0) -> None:
        console = Console(stderr=True)
        in_log = not (quiet or console.is_terminal)
        self._lines = _Lines(frames, every_s) if in_log else None
        self._bar = RichProgress(
            BarColumn(),
            MofNCompleteColumn(),
            _FramesPerSecond(),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task("frames", total=frames)

    def advance(self, _result: FrameResult) -> None:
        """One more frame is done."""
        self._bar.advance(self._task)
        if self._lines is not None:
            self._lines.advance()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()
