"""What commands print: tables of stage times and of a run's facts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpe_volleyball.media.live import LiveReport
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.summary import RunSummary, Seam
from hpe_volleyball.timing import StageTime


def timing_table(summary: RunSummary) -> RenderableType:
    """Where the time of a run went: a row per stage, then the whole."""
    table = Table(title="Stage times", title_justify="left")
    table.add_column("stage")
    for heading in ("calls", "mean ms", "median ms", "p95 ms", "ms per frame", "% of wall"):
        table.add_column(heading, justify="right")
    for stage in summary.stages:
        table.add_row(*_stage_cells(stage, summary.frames_handled))
    table.add_section()
    wall_ms = 1e3 * summary.wall_s
    table.add_row(
        "total",
        str(summary.frames_handled),
        "",
        "",
        "",
        f"{wall_ms / max(1, summary.frames_handled):.2f}",
        "100",
    )
    beside = [stage.stage for stage in summary.stages if stage.overlaps]
    if not beside:
        return table
    return Group(table, Text("* in a thread of its own, beside the other stages"))


def run_facts(summary: RunSummary) -> RenderableType:
    """What a run did, line by line."""
    frames = max(1, summary.frames)
    speed = f"{summary.fps:.1f} fps, {summary.realtime_factor:.2f} x real time"
    share = f"{summary.detector_calls / max(1, summary.frames_handled):.0%} of the frames"
    reasons = ", ".join(f"{calls} for {why}" for why, calls in summary.extra_calls.items())
    extra = f", of them beyond the interval: {reasons}" if reasons else ""
    new = "" if summary.seam is None else f", {summary.frames - summary.seam.frame} of them new,"
    calls = "detector calls" if summary.seam is None else "detector calls now"
    lines = [
        f"{summary.frames} frames{new} in {summary.wall_s:.1f} s: {speed}, on {summary.provider}",
        f"{ids(summary.ids)}, {summary.people / frames:.1f} people a frame",
        f"{summary.detector_calls} {calls} ({share}){extra}",
        *([] if summary.live is None else [_live_line(summary.live)]),
        *_seam_facts(summary.seam),
        *(f"warning: {warning}" for warning in summary.warnings),
        *(f"{kind:8}{path}" for kind, path in summary.outputs.items()),
    ]
    if not summary.complete:
        go_on = ", --resume goes on from there" if "data" in summary.outputs else ""
        lines.insert(0, f"stopped before the end; what was done until then is kept{go_on}:")
    return Text("\n".join(lines))


def ids(count: int) -> str:
    """How many ids, in words."""
    return "1 id" if count == 1 else f"{count} ids"


def _live_line(live: LiveReport) -> str:
    connections = "1 reconnect" if live.reconnects == 1 else f"{live.reconnects} reconnects"
    return (
        f"live: {live.dropped} pictures dropped to keep up, {connections}, "
        f"{live.lost_s:.1f} s without a connection"
    )


def _seam_facts(seam: Seam | None) -> list[str]:
    if seam is None:
        return []
    people = "1 track goes on" if seam.across == 1 else f"{seam.across} tracks go on"
    if seam.broken:
        people += f", {'1 person' if seam.broken == 1 else f'{seam.broken} people'} got new ids"
    where = f"resumed at frame {seam.frame} ({seam.time_s:.2f} s)"
    return [f"{where}: {people}; {seam.run_up} frames were tracked again for it"]


def demo_files(clip: Path, options: InferOptions) -> RenderableType:
    """Where the clip and the models of a demo are."""
    return Text(f"{'clip':8}{clip}\n{'models':8}{options.det}, {options.pose}")


def score_table(title: str, rows: Iterable[tuple[str, str]]) -> RenderableType:
    """Two columns: what was measured, and its value."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _stage_cells(stage: StageTime, frames: int) -> tuple[str, ...]:
    return (
        stage.stage + (" *" if stage.overlaps else ""),
        str(stage.calls),
        f"{stage.mean_ms:.2f}",
        f"{stage.median_ms:.2f}",
        f"{stage.p95_ms:.2f}",
        f"{1e3 * stage.total_s / max(1, frames):.2f}",
        f"{100 * stage.share:.0f}",
    )
