"""Options, times, exit codes and printing that several commands share."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpe_volleyball.models.catalogue import Mode
from hpe_volleyball.models.devices import Device, Precision

if TYPE_CHECKING:
    from hpe_volleyball.options import InferOptions
    from hpe_volleyball.records import Polygon

_LEAST_WIDTH = 80
"""Of tables: in narrower terminals their lines are broken, rather than left out."""
INTERRUPTED = 130
"""Exit code of a run that was stopped; what was done is kept."""


def parse_time(text: str | float) -> float:
    """Seconds from "90", "90.5", "1:30" or "1:02:03.5" (or a default that is a number already).

    Raises:
        typer.BadParameter: it is no such time.
    """
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)", str(text).strip())
    if match is None:
        raise typer.BadParameter(f"expected seconds or h:mm:ss, found {text!r}")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def run_options(**given: Any) -> InferOptions:
    """The options of a run.

    Raises:
        typer.BadParameter: they do not go together, or one has a value that it cannot have.
    """
    from hpe_volleyball.errors import OptionError
    from hpe_volleyball.options import InferOptions

    try:
        return InferOptions(**given)
    except OptionError as error:
        raise typer.BadParameter(re.sub(r"^InferOptions\.(\w+)", _as_option, str(error))) from error


def _as_option(field: re.Match[str]) -> str:
    """The option that sets a field of `InferOptions`: --start for start_s."""
    return "--" + field[1].removesuffix("_s").replace("_", "-")


def parse_polygon(text: str | None) -> Polygon | None:
    """What `--court` says.

    Raises:
        typer.BadParameter: it is no polygon.
    """
    if text is None:
        return None
    from hpe_volleyball.errors import OptionError
    from hpe_volleyball.polygon import parse_court

    try:
        return parse_court(text)
    except OptionError as error:
        raise typer.BadParameter(str(error), param_hint="--court") from error


OutputDir = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Directory for the results; made if it is not there."),
]
DetInterval = Annotated[
    int, typer.Option(min=1, metavar="N", help="Run the detector on every N-th frame.")
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", show_default="off", help="Replace the results of an earlier run."),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", show_default="off", help="Print nothing but errors."),
]


Det = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        show_default="by --mode",
        help="RTMDet model: a name that `models list` shows, or the path of an ONNX file.",
    ),
]
Pose = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        show_default="by --mode",
        help="RTMPose model, likewise; names with halpe26 find the feet too, rtmw and dwpose the "
        "whole body.",
    ),
]
ModeOption = Annotated[
    Mode,
    typer.Option(
        "--mode",
        help="Models to take: lightweight is rtmdet-nano and rtmpose-t, balanced rtmdet-m and "
        "rtmpose-m, performance rtmdet-m and rtmpose-x-384; auto is balanced on a GPU and "
        "lightweight on the CPU.",
    ),
]
DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device",
        help="Where the models run; auto takes CUDA where it works, else the CPU. TensorRT builds "
        "its engines for minutes before the first run.",
    ),
]
PrecisionOption = Annotated[
    Precision,
    typer.Option(
        "--precision",
        help="Of the model files that `quantize` made: auto takes a validated FP16 one on a GPU, "
        "if there is one, else FP32.",
    ),
]
ModelsDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default="HPE_VOLLEYBALL_MODELS, else ./models and the cache",
        help="Folder with model files: looked through first, and downloads go there.",
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", show_default="off", help="Never download a model.")
]
Mirror = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        show_default="HPE_VOLLEYBALL_MIRROR",
        help="Address of a folder with the models' zip files, tried before the official one.",
    ),
]


def print_all(*things: object) -> None:
    """Print tables and texts, as wide as they are; see `_printing`."""
    from rich.console import Console

    class Patient(Console):
        def on_broken_pipe(self) -> None:
            _ignore_output()

    console = Patient(highlight=False, soft_wrap=True)
    console.width = max(console.width, _LEAST_WIDTH)
    with _printing():
        for thing in things:
            console.print(thing)


def print_line(text: str, *, end: str = "\n") -> None:
    """Print a text as it is; see `_printing`."""
    with _printing():
        typer.echo(text + end, nl=False)


@contextmanager
def _printing() -> Iterator[None]:
    """Whether anybody still reads what is printed or not, the run goes on.

    Raises:
        OutputError: it cannot be printed for another reason, such as a full disk.
    """
    try:
        yield
    except BrokenPipeError:
        _ignore_output()
    except OSError as error:
        from hpe_volleyball.errors import OutputError

        _ignore_output()
        raise OutputError(
            f"standard output cannot be written ({error.strerror}); expected a terminal, a pipe or "
            "a file with room; results are in their files, --quiet prints nothing"
        ) from error


def _ignore_output() -> None:
    """Let what is printed from now on go nowhere: its reader has gone, the results count."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
