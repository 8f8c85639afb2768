"""How commands that run recordings show what goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from hpe_volleyball.cli.common import print_all, print_line

if TYPE_CHECKING:
    from concurrent.futures import Future

    from hpe_volleyball.batch import Outcome
    from hpe_volleyball.loaded import Models
    from hpe_volleyball.models.pair import Pair
    from hpe_volleyball.options import InferOptions
    from hpe_volleyball.records import FrameResult


def load_shown(options: InferOptions, *, quiet: bool, ahead: Future[Pair] | None = None) -> Models:
    """Load the models with a bar for downloads, then say what runs where and why."""
    from hpe_volleyball.console.downloads import Downloads
    from hpe_volleyball.loaded import load_models

    with Downloads(quiet=quiet) as downloads:
        models = load_models(options, on_progress=downloads.update, ahead=ahead)
    if not quiet:
        print_line("\n".join(models.lines))
    return models


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
