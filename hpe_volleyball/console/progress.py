"""The progress bar of a run: frames, frames per second, time left."""

from __future__ import annotations

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


class Progress:
    """A bar on standard error; nothing where that is no terminal, or if `quiet`.

    Args:
        frames: How many to expect; None if unknown.
        quiet: Show nothing.
    """

    def __init__(self, frames: int | None, *, quiet: bool) -> None:
        console = Console(stderr=True)
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
