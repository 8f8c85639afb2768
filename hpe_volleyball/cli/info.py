"""`hpe-volleyball info`: what is installed and what of it works; for bug reports."""

from __future__ import annotations

from typing import Annotated

import typer

from hpe_volleyball.cli.common import ModelsDir, print_all, print_line


def info(
    json: Annotated[
        bool, typer.Option("--json", show_default="off", help="Print JSON, for programs.")
    ] = False,
    models_dir: ModelsDir = None,
) -> None:
    """Show versions, devices that really work, codecs, models, folders.

    Every device is tried with a tiny model. Put the output into a bug report.
    """
    from json import dumps

    from hpe_volleyball.info import collect

    found = collect(models_dir)
    if json:
        print_line(dumps(found, indent=2, ensure_ascii=False))
        return
    from hpe_volleyball.console.system import system_report

    print_all(system_report(found))
