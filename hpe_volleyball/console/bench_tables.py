"""What `bench` prints: its tables and notes."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpe_volleyball.bench.cells import Cells


def bench_report(tables: Sequence[Cells], notes: Sequence[str]) -> RenderableType:
    """Tables under their titles, then the notes."""
    return Group(
        *(_table(cells) for cells in tables), Text("\n".join(f"- {note}" for note in notes))
    )


def _table(cells: Cells) -> Table:
    table = Table(
        title=Text(cells.title),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column(cells.headings[0])
    for heading in cells.headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in cells.rows:
        table.add_row(*row)
    return table
