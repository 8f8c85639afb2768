"""The tables of a benchmark as text in cells, for the terminal and for Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from hpe_volleyball.bench.result import Agreement, BenchResult, RowResult
from hpe_volleyball.timing import STAGES

_NONE = "-"


@dataclass(frozen=True, slots=True)
class Cells:
    """One table; the first column is of words, the others are of numbers."""

    title: str
    headings: list[str]
    rows: list[list[str]]


def tables(result: BenchResult) -> list[Cells]:
    """Where the time went, and what it gained and cost."""
    return [_times(result), _gains(result)]


def notes(result: BenchResult) -> list[str]:
    """What one has to know to read the tables."""
    machine = result.machine
    gpus = "".join(f", {gpu}" for gpu in machine.get("gpus", []))
    models = ", ".join(
        f"{m['name']} ({m['precision']}, sha256 {m['sha256'][:8]})" for m in result.models
    )
    lines = [
        f"{machine['processor']}, {machine['cores']} cores{gpus}; on {result.provider}",
        f"{models}; {result.nets}",
        f"median of {result.rounds} rounds of {result.frames} frames, ± half of their range",
        "total and speed-up are of whole runs, with overlay video and data file",
        "each row adds one thing to the row above; the baseline runs the nets as they are stored",
        "and both in every frame, the pose net on each detection by itself, all in one thread",
        "* in a thread of its own; rest: opening, data file, closing, waiting for threads",
        "calls: of the detector; agreement: of joints that the first row scores above 0.3",
        f"fastest found: {fastest_name(result)}",
    ]
    if result.listed[0].truth is not None:
        lines.insert(-1, "true IDF1: against the rally's truth")
    return [*lines, *result.remarks]


def fastest_name(result: BenchResult) -> str:
    """The fastest combination in words."""
    row = result.row(result.fastest)
    last = [row.key for row in result.listed][-2]
    return "the row above it" if row.key == last else row.name.replace("+ ", "up to ")


def _times(result: BenchResult) -> Cells:
    stages = [name for name in STAGES if any(name in row.stage_ms for row in result.listed)]
    return Cells(
        f"Milliseconds per frame: {result.clip}",
        ["", *stages, "rest", "total"],
        [
            [
                row.name,
                *(_stage(row, name) for name in stages),
                f"{row.rest:.1f}",
                str(row.total),
            ]
            for row in result.listed
        ],
    )


def _stage(row: RowResult, name: str) -> str:
    if name not in row.stage_ms:
        return _NONE
    return f"{row.stage(name):.1f}" + ("*" if name in row.overlapping else "")


def _gains(result: BenchResult) -> Cells:
    baseline = result.listed[0]
    headings = ["", "fps", "speed-up", "calls", "IDF1", "switches", "OKS", "p95 px"]
    if baseline.truth is not None:
        headings.append("true IDF1")
    rows = []
    for row in result.listed:
        fast = row.speed_up(baseline)
        cells = [
            row.name,
            f"{row.fps.median:.1f}",
            f"{fast.median:.2f} ±{fast.spread:.2f}",
            str(row.detector_calls),
            *_agreement(row.agreement),
        ]
        if row.truth is not None:
            cells.append(_idf1(row.truth))
        rows.append(cells)
    return Cells("Speed, and agreement with the first row", headings, rows)


def _agreement(found: Agreement) -> list[str]:
    return [
        _idf1(found),
        str(found.switches),
        _NONE if found.oks is None else f"{found.oks:.3f}",
        _NONE if found.p95_px is None else f"{found.p95_px:.1f}",
    ]


def _idf1(found: Agreement) -> str:
    return _NONE if found.idf1 is None else f"{found.idf1:.3f}"


def markdown(tables: list[Cells], notes: list[str]) -> str:
    """Tables and notes as Markdown."""
    parts = []
    for table in tables:
        rule = ["---", *["---:"] * (len(table.headings) - 1)]
        lines = ["| " + " | ".join(row) + " |" for row in (table.headings, rule, *table.rows)]
        parts.append("\n".join([f"**{table.title}**", "", *lines]))
    parts.append("\n".join(f"- {note}" for note in notes))
    return "\n\n".join(parts) + "\n"
