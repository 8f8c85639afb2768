"""`hpe-volleyball quantize`: FP16 and INT8 models, with the accuracy they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpe_volleyball.choices import Target
from hpe_volleyball.cli.common import (
    Det,
    DeviceOption,
    Mirror,
    ModelsDir,
    ModeOption,
    Offline,
    Pose,
    Quiet,
    print_all,
    run_options,
)


def quantize(
    mode: ModeOption = "auto",
    det: Det = None,
    pose: Pose = None,
    precision: Annotated[
        Target, typer.Option(help="What to convert to: fp16 for GPUs, int8 for small files.")
    ] = "fp16",
    output_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the converted models.")
    ] = Path("models"),
    calibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="VIDEO",
            show_default="a synthetic rally",
            help="A video like those that the models will see: some of its pictures calibrate "
            "INT8, others validate.",
        ),
    ] = None,
    frames: Annotated[
        int,
        typer.Option(min=2, metavar="N", help="Pictures to validate on; as many others calibrate."),
    ] = 16,
    budget: Annotated[
        float,
        typer.Option(
            min=1.0,
            metavar="SECONDS",
            help="Time for each model to find the operators that have to stay in FP32.",
        ),
    ] = 120.0,
    keep_anyway: Annotated[
        bool,
        typer.Option(
            "--keep-anyway",
            show_default="off",
            help="Keep a result that is slower here or not recommended.",
        ),
    ] = False,
    models_dir: ModelsDir = None,
    offline: Offline = False,
    mirror: Mirror = None,
    device: DeviceOption = "auto",
    quiet: Quiet = False,
) -> None:
    """Make FP16 or INT8 models and measure what they cost.

    Writes NAME.fp16.onnx or NAME.int8.onnx, which `infer --precision` finds. Source and result run
    on the same pictures; a result that is not recommended or slower here is not kept, and the exit
    code is 1. With --det or --pose alone only that one is converted.
    """
    from hpe_volleyball.console.conversion import conversion_table, last_line
    from hpe_volleyball.console.downloads import Downloads
    from hpe_volleyball.quantize.command import QuantizeOptions
    from hpe_volleyball.quantize.command import quantize as run

    options = QuantizeOptions(
        models=run_options(
            det=det,
            pose=pose,
            mode=mode,
            models_dir=models_dir,
            offline=offline,
            mirror=mirror,
            device=device,
        ),
        precision=precision,
        output_dir=output_dir,
        calibrate=calibrate,
        frames=frames,
        budget_s=budget,
        keep_anyway=keep_anyway,
    )
    with Downloads(quiet=quiet) as downloads:
        conversions = run(
            options,
            on_step=_say_nothing if quiet else print_all,
            on_progress=downloads.update,
        )
    reports = []
    for report in conversions:
        reports.append(report)
        if not quiet:
            print_all(conversion_table(report))
    for report in reports:
        if not (quiet and report.good):
            print_all(last_line(report))
    if not keep_anyway and not all(report.good for report in reports):
        raise typer.Exit(1)


def _say_nothing(_: str) -> None:
    """For --quiet."""
