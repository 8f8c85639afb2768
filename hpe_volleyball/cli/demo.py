"""`hpe-volleyball demo`: the program tried on a synthetic rally."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpe_volleyball.cli.common import (
    INTERRUPTED,
    DetInterval,
    OutputDir,
    Overwrite,
    Quiet,
    print_all,
)


def demo(
    output_dir: OutputDir = Path("output"),
    seconds: Annotated[
        float, typer.Option(min=1, max=600, metavar="SECONDS", help="Length of the rally.")
    ] = 6.0,
    det_interval: DetInterval = 4,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Another number gives another rally.")
    ] = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Try the program on a synthetic rally.

    Needs no model files. Shows that the install works, and how well the players were found: the
    rally's truth is known.
    """
    from hpe_volleyball.console.progress import Progress
    from hpe_volleyball.console.report import demo_files, run_facts, score_table, timing_table
    from hpe_volleyball.demo import run_demo

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
        print_all(timing_table(report.run), run_facts(report.run))
        print_all(score_table(title, report.accuracy.rows()))
        print_all(demo_files(report.clip, report.options))
    if not report.run.complete:
        raise typer.Exit(INTERRUPTED)
