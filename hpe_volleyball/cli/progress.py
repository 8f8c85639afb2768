"""How commands that run several recordings show what goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from hpe_volleyball.cli.common import print_all

if TYPE_CHECKING:
    from hpe_volleyball.batch import Outcome
    from hpe_volleyball.records import FrameResult


@contextmanager
def shown(frames: int | None, *, quiet: bool) -> Iterator[Callable[[FrameResult], None]]:
    """A progress bar for one recording; its value moves it on."""
    from hpe_volleyball.console.progress import Progress

    with Progress(frames, quiet=quiet) as progress:
        yield progress.advance


def tell(outcome: Outcome, *, quiet: bool) -> None:
    """Say what became of a recording: a failure on standard error, else a line if not `quiet`."""
    from hpe_volleyball.console.batch_report import outcome_line

    if outcome.error is not None:
        typer.echo(f"error: {outcome.error}", err=True)
    elif not quiet:
        print_all(outcome_line(outcome))
