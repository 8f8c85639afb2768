"""The progress bar of downloads: bytes, speed, time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


class Downloads:
    """A bar for each file on standard error; where that is no terminal, a line; nothing if `quiet`.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def update(self, label: str, done: int, total: int | None) -> None:
        """So much of it is here."""
        if label not in self._tasks:
            self._tasks[label] = self._bar.add_task(label, total=total)
            if not (self._quiet or self._console.is_terminal):
                size = f" ({total / 1e6:.1f} MB)" if total else ""
                self._console.print(f"{label}{size} ...")
        self._bar.update(self._tasks[label], completed=done, total=total)

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
