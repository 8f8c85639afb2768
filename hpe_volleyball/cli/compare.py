"""`hpe-volleyball compare`: how far two runs of one video agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpe_volleyball.cli.common import print_all, print_line


def compare(
    reference: Annotated[
        Path, typer.Argument(metavar="REFERENCE", help="Data file (*.poses.h5) taken as right.")
    ],
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Data file that is scored.")],
    json: Annotated[
        bool, typer.Option("--json", show_default="off", help="Print JSON, for programs.")
    ] = False,
) -> None:
    """Compare two runs of one video.

    Prints how far the tracks and poses of RESULT agree with those of REFERENCE in the frames that
    both hold. Files of runs that were stopped will do.
    """
    from json import dumps

    from hpe_volleyball.evaluation.compare import compare_files

    comparison = compare_files(reference, result)
    if not comparison.same_source:
        typer.echo(
            f"warning: {reference} and {result} were not made from the same file; the numbers mean "
            "something only if both show the same",
            err=True,
        )
    if json:
        print_line(dumps(comparison.for_json(), indent=2))
        return
    from hpe_volleyball.console.report import score_table

    print_all(score_table("Agreement with the reference", comparison.rows()))
