"""The program `hpe-volleyball`: its commands, its version, its exit codes."""

from __future__ import annotations

import os
import shlex
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from hpe_volleyball.cli.bench import bench
from hpe_volleyball.cli.common import INTERRUPTED, print_line
from hpe_volleyball.cli.compare import compare
from hpe_volleyball.cli.demo import demo
from hpe_volleyball.cli.infer import infer
from hpe_volleyball.cli.info import info
from hpe_volleyball.cli.models import app as models
from hpe_volleyball.cli.quantize import quantize
from hpe_volleyball.cli.watch import watch
from hpe_volleyball.errors import HpeError
from hpe_volleyball.files import exists
from hpe_volleyball.interrupt import StoppedAtOnce, let_termination_interrupt

# What the commands need is imported inside them, so that --help loads nothing heavy.

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its boxes take half of an 80-column terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)

_DEBUG = "--debug"


def _show_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        print_line(f"hpe-volleyball {version('hpe-volleyball')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            show_default="off",
            help="Show the version and exit.",
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(_DEBUG, show_default="off", help="Show where an error came from (traceback)."),
    ] = False,
) -> None:
    """From a volleyball video to tracked players with 2D poses."""


_COMMANDS = (infer, watch, bench, demo, compare, quantize, info)
for _command in _COMMANDS:
    app.command()(_command)
app.add_typer(models)


def _refuse_video_as_command() -> None:
    """Name the command that is missing in front of a video."""
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    names = {command.__name__ for command in _COMMANDS} | {"models"}
    if first and first not in names and ("://" in first or exists(Path(first))):
        before = [word for word in sys.argv[1:] if word == _DEBUG]  # `infer` does not know it
        behind = [word for word in sys.argv[1:] if word != _DEBUG]
        command = shlex.join(["hpe-volleyball", *before, "infer", *behind])
        typer.echo(f"error: expected a command, found {first}; try: {command}", err=True)
        sys.exit(2)


def main() -> None:
    """Run the command line; an error meant for the user becomes one line and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that it cannot show is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    let_termination_interrupt()
    _refuse_video_as_command()
    try:
        app(prog_name="hpe-volleyball")
    except HpeError as error:
        if _DEBUG in sys.argv:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except StoppedAtOnce:
        os._exit(INTERRUPTED)  # waits for no thread and closes no file
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
