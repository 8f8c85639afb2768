"""`hpe-volleyball bench`: what each optimisation gains, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpe_volleyball.choices import Weights
from hpe_volleyball.cli.common import (
    Det,
    DetInterval,
    DeviceOption,
    Mirror,
    ModelsDir,
    ModeOption,
    Offline,
    Pose,
    Quiet,
    parse_time,
    print_all,
    print_line,
    run_options,
)

if TYPE_CHECKING:
    from hpe_volleyball.bench.result import BenchResult
    from hpe_volleyball.options import InferOptions


def bench(
    video: Annotated[
        Path | None,
        typer.Argument(metavar="[VIDEO]", show_default="a synthetic rally, 1080p at 50 fps"),
    ] = None,
    weights: Annotated[
        Weights | None,
        typer.Option(
            show_default="random without VIDEO, --det and --pose, else real",
            help="With random, nets are built that cost what the real ones cost; what they should "
            "see comes from the synthetic rally. Nothing is downloaded.",
        ),
    ] = None,
    mode: ModeOption = "auto",
    det: Det = None,
    pose: Pose = None,
    models_dir: ModelsDir = None,
    offline: Offline = False,
    mirror: Mirror = None,
    device: DeviceOption = "auto",
    det_interval: DetInterval = 4,
    det_size: Annotated[
        int | None,
        typer.Option(min=32, metavar="PIXELS", show_default="as infer", help="As for infer."),
    ] = None,
    start: Annotated[
        float,
        typer.Option(
            parser=parse_time,
            metavar="TIME",
            show_default="the beginning of the video",
            help="First time: seconds or h:mm:ss.",
        ),
    ] = 0.0,
    frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default="what fits into two minutes, at most 100",
            help="Frames of each run.",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="How often each row is run, in turn.")
    ] = 3,
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default="none", help="Write all numbers, with machine."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            show_default="none",
            help="Draw the rows as stacked bars (extra `plot`).",
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", show_default="off", help="Print Markdown.")
    ] = False,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="OLD.json",
            show_default="none",
            help="Show the change against an earlier --json.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Measure what each optimisation gains, and how far the results stay the same.

    Runs the whole program on one clip, first with every optimisation off, then with one more on in
    each row. Nothing but --json and --plot is kept.
    """
    from hpe_volleyball.bench.result import BenchResult

    options = run_options(
        det=det,
        pose=pose,
        mode=mode,
        models_dir=models_dir,
        offline=offline,
        mirror=mirror,
        device=device,
        det_interval=det_interval,
        det_size=det_size,
        start_s=start,
    )
    old = BenchResult.from_json(compare) if compare else None
    if weights is None:
        weights = "real" if video or det or pose else "random"
    if plot is not None:
        from hpe_volleyball.bench.plot import check_plot

        check_plot(plot)
    result = _measure(video, options, weights, frames=frames, rounds=rounds, quiet=quiet)
    if not quiet:
        _report(result, old, markdown=markdown)
    if json is not None:
        result.write_json(json)
    if plot is not None:
        from hpe_volleyball.bench.plot import plot as draw

        draw(result, plot)


def _measure(
    video: Path | None,
    options: InferOptions,
    weights: Weights,
    *,
    frames: int | None,
    rounds: int,
    quiet: bool,
) -> BenchResult:
    from tempfile import TemporaryDirectory

    from hpe_volleyball.bench.prepare import frames_to_run, prepare
    from hpe_volleyball.console.downloads import Downloads
    from hpe_volleyball.console.progress import Progress

    with TemporaryDirectory(prefix="hpe-volleyball-bench-") as folder:
        with Downloads(quiet=quiet) as downloads:
            ready = prepare(
                *(video, options, weights, Path(folder)),
                frames=frames,
                on_progress=downloads.update,
            )
        frames = frames_to_run(ready, video, options, frames=frames, rounds=rounds)
        with Progress(ready.rows * rounds * frames, quiet=quiet) as progress:
            return ready.measure(frames, rounds, progress.advance)


def _report(result: BenchResult, old: BenchResult | None, *, markdown: bool) -> None:
    from hpe_volleyball.bench.cells import markdown as as_markdown
    from hpe_volleyball.bench.cells import notes, tables
    from hpe_volleyball.bench.change import change_notes, change_table

    shown, said = tables(result), notes(result)
    if old is not None:
        shown.append(change_table(old, result))
        said += change_notes(old, result)
    if markdown:
        print_line(as_markdown(shown, said), end="")
        return
    from hpe_volleyball.console.bench_tables import bench_report

    print_all(bench_report(shown, said))
