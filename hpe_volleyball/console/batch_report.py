"""What is printed about several recordings: a row for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpe_volleyball.batch import Outcome
from hpe_volleyball.console.report import ids


def batch_table(outcomes: Sequence[Outcome], planned: int) -> RenderableType:
    """What became of each recording; `planned` counts those that were not begun, too."""
    table = Table(title="Recordings", title_justify="left")
    table.add_column("video")
    table.add_column("result")
    for heading in ("frames", "ids", "fps", "x real time", "time"):
        table.add_column(heading, justify="right")
    for outcome in outcomes:
        table.add_row(outcome.video.name, outcome.state, *_numbers(outcome))
    counts = Counter(str(outcome.state) for outcome in outcomes)
    if planned > len(outcomes):
        counts["not begun"] = planned - len(outcomes)
    return Group(table, Text(", ".join(f"{n} {state}" for state, n in counts.items())))


def outcome_line(outcome: Outcome) -> str:
    """One line about a recording that did not fail."""
    summary = outcome.summary
    if summary is None:
        return f"{outcome.video}: {outcome.state}"
    return (
        f"{outcome.video}: {outcome.state}, {summary.frames} frames at {summary.fps:.1f} fps, "
        f"{ids(summary.ids)}"
    )


def _numbers(outcome: Outcome) -> tuple[str, ...]:
    summary = outcome.summary
    if summary is None:
        return ()
    return (
        str(summary.frames),
        str(summary.ids),
        f"{summary.fps:.1f}",
        f"{summary.realtime_factor:.2f}",
        str(timedelta(seconds=round(summary.wall_s))),
    )
