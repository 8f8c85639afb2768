"""`hpe-volleyball watch`: every recording that arrives in a directory."""

from __future__ import annotations

import inspect
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from hpe_volleyball.cli.common import INTERRUPTED
from hpe_volleyball.cli.infer import infer, options_from

_NOT_SHARED = {"videos", "start", "end", "max_frames", "max_seconds", "show", "overwrite"}
"""Options of `infer` that are about one video, or about replacing results."""


def watch(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Where recordings arrive; directories in it are left alone.",
        ),
    ],
    settle: Annotated[
        float,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            help="A recording is complete when it has not grown for so long.",
        ),
    ] = 10.0,
    **shared: Any,
) -> None:
    """Process recordings as they arrive in a directory.

    Takes each one when it has stopped growing, and none twice: those with complete results are
    left alone, also after a restart. Goes on until Ctrl-C. One that cannot be read is tried again
    only after it changed; the output directory's watch.failed.json lists them.
    """
    from hpe_volleyball.cli.progress import load_shown, shown, tell
    from hpe_volleyball.watch import Watch

    quiet = shared["quiet"]
    options = options_from({**_defaults(), **shared})
    load = partial(load_shown, quiet=quiet)
    recordings = Watch(directory, options, settle_s=settle, load=load)
    for outcome in recordings.run(partial(shown, quiet=quiet)):
        tell(outcome, quiet=quiet)
        if outcome.ends_all:
            raise typer.Exit(INTERRUPTED)


def _defaults() -> dict[str, Any]:
    return {name: given.default for name, given in inspect.signature(infer).parameters.items()}


def _share_options() -> None:
    """Give `watch` the options of `infer`, so that there is one list of them."""
    own = list(inspect.signature(watch, eval_str=True).parameters.values())[:-1]
    others = inspect.signature(infer, eval_str=True).parameters.values()
    added = [given for given in others if given.name not in _NOT_SHARED]
    parameters = [given.replace(kind=inspect.Parameter.KEYWORD_ONLY) for given in (*own, *added)]
    watch.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]


_share_options()
