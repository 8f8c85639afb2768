"""The command line: options -> one call -> table, exit code."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpe_volleyball.errors import HpeError

if TYPE_CHECKING:
    from hpe_volleyball.options import InferOptions

# What the commands need is imported inside them, so that --help loads nothing heavy.

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its boxes take half of an 80-column terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)

_INTERRUPTED = 130
_DEBUG = "--debug"


class Device(StrEnum):
    """Where the models run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


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


def _show_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"hpe-volleyball {version('hpe-volleyball')}")
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


_OutputDir = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Directory for the results; made if it is not there."),
]
_DetInterval = Annotated[
    int, typer.Option(min=1, metavar="N", help="Run the detector on every N-th frame.")
]
_Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", show_default="off", help="Replace the results of an earlier run."),
]
_Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", show_default="off", help="Print nothing but errors."),
]


@app.command()
def infer(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO", help="The video: MP4, MOV, MKV, AVI, ...")
    ],
    det: Annotated[Path, typer.Option(metavar="FILE", help="RTMDet model: path of an ONNX file.")],
    pose: Annotated[
        Path, typer.Option(metavar="FILE", help="RTMPose model: path of an ONNX file.")
    ],
    output_dir: _OutputDir = Path("output"),
    device: Annotated[
        Device,
        typer.Option(help="Where the models run; auto takes CUDA where it works, else the CPU."),
    ] = Device.AUTO,
    det_interval: _DetInterval = 4,
    no_lookahead: Annotated[
        bool,
        typer.Option(
            "--no-lookahead",
            show_default="off",
            help="Settle every frame at once instead of waiting for the next detections: lowest "
            "latency, less exact boxes.",
        ),
    ] = False,
    det_size: Annotated[
        int | None,
        typer.Option(
            min=32,
            metavar="PIXELS",
            show_default="the model's, else 640",
            help="Side of the detector's input, a multiple of 32, for models with a free input "
            "size.",
        ),
    ] = None,
    det_score: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=1.0,
            metavar="SCORE",
            help="Detector score from which an unknown person gets an id; weaker detections, from "
            "0.1 up, only continue a known track.",
        ),
    ] = 0.4,
    pose_batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Most people in one call of the pose model.")
    ] = 16,
    start: Annotated[
        float,
        typer.Option(
            parser=parse_time,
            metavar="TIME",
            show_default="the beginning of the video",
            help="First time: seconds or h:mm:ss.",
        ),
    ] = 0.0,
    end: Annotated[
        float | None,
        typer.Option(
            parser=parse_time,
            metavar="TIME",
            show_default="the end of the video",
            help="Time to stop before: seconds or h:mm:ss.",
        ),
    ] = None,
    max_frames: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default="all", help="Stop after so many frames."),
    ] = None,
    no_video: Annotated[
        bool, typer.Option("--no-video", show_default="off", help="Write no overlay video.")
    ] = False,
    no_data: Annotated[
        bool, typer.Option("--no-data", show_default="off", help="Write no data file.")
    ] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show", show_default="off", help="Show the overlay in a window; q stops the run."
        ),
    ] = False,
    overwrite: _Overwrite = False,
    quiet: _Quiet = False,
) -> None:
    """Track the players of a video and find their poses.

    Writes NAME.overlay.mp4 (to look at), NAME.poses.h5 (all numbers) and NAME.run.json (how they
    were made, and where the time went).
    """
    from hpe_volleyball.options import InferOptions

    options = InferOptions(
        det=det,
        pose=pose,
        output_dir=output_dir,
        device=device.value,
        det_interval=det_interval,
        lookahead=not no_lookahead,
        det_size=det_size,
        det_score=det_score,
        pose_batch=pose_batch,
        start_s=start,
        end_s=end,
        max_frames=max_frames,
        video=not no_video,
        data=not no_data,
        show=show,
        overwrite=overwrite,
    )
    _infer(video, options, quiet=quiet)


@app.command()
def demo(
    output_dir: _OutputDir = Path("output"),
    seconds: Annotated[
        float, typer.Option(min=1, max=600, metavar="SECONDS", help="Length of the rally.")
    ] = 6.0,
    det_interval: _DetInterval = 4,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Another number gives another rally.")
    ] = 0,
    overwrite: _Overwrite = False,
    quiet: _Quiet = False,
) -> None:
    """Try the program on a synthetic rally.

    Needs no model files. Shows that the install works, and how well the players were found: the
    rally's truth is known.
    """
    from hpe_volleyball.demo import run_demo
    from hpe_volleyball.progress import Progress
    from hpe_volleyball.report import demo_files, run_facts, score_table, timing_table

    with Progress(round(seconds * 50), quiet=quiet) as progress:
        report = run_demo(
            output_dir,
            seconds=seconds,
            det_interval=det_interval,
            seed=seed,
            overwrite=overwrite,
            on_frame=progress.advance,
        )
    if not quiet:
        title = "Against the rally's truth (demo models, made to read this rally's colours only)"
        _print(timing_table(report.run), run_facts(report.run))
        _print(score_table(title, report.accuracy.rows()))
        _print(demo_files(report.clip, report.options))
    if not report.run.complete:
        raise typer.Exit(_INTERRUPTED)


@app.command()
def compare(
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="Data file (*.poses.h5) taken as right.")
    ],
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Data file that is scored.")],
) -> None:
    """Compare two runs of one video.

    Prints how far the tracks and poses of RESULT agree with those of REFERENCE in the frames that
    both hold. Files of runs that were stopped will do.
    """
    from hpe_volleyball.compare import compare_files
    from hpe_volleyball.report import score_table

    comparison = compare_files(reference, result)
    _print(score_table("Agreement with the reference", comparison.rows()))


def _infer(video: Path, options: InferOptions, *, quiet: bool) -> None:
    from hpe_volleyball.infer import expected_frames, infer_video
    from hpe_volleyball.progress import Progress
    from hpe_volleyball.report import run_facts, timing_table

    with Progress(expected_frames(video, options), quiet=quiet) as progress:
        summary = infer_video(video, options, on_frame=progress.advance)
    if not quiet:
        _print(timing_table(summary), run_facts(summary))
    if not summary.complete:
        raise typer.Exit(_INTERRUPTED)


def _print(*things: object) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for thing in things:
        console.print(thing)


def main() -> None:
    """Run the command line; an error meant for the user becomes one line and exit code 1."""
    try:
        app()
    except HpeError as error:
        if _DEBUG in sys.argv:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
