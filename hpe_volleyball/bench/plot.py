"""The chart of a benchmark: stacked bars, a row for each combination."""

from __future__ import annotations

import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hpe_volleyball.bench.cells import fastest_name
from hpe_volleyball.bench.result import BenchResult, RowResult
from hpe_volleyball.errors import OutputError
from hpe_volleyball.files import cannot_write
from hpe_volleyball.timing import STAGES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by people with any kind of colour vision.
_COLOURS = dict(
    zip(
        (*STAGES, "rest"),
        ("#56B4E9", "#D55E00", "#F0E442", "#0072B2", "#009E73", "#CC79A7", "#BBBBBB"),
        strict=True,
    )
)
_BESIDE_ALPHA = 0.35
_DPI = 110
_KINDS = (".png", ".svg", ".pdf")


def check_plot(path: Path) -> None:
    """Say so before minutes of measuring if nothing can be drawn.

    Raises:
        OutputError: matplotlib is not installed, or the file's name is that of no picture.
    """
    if path.suffix.lower() not in _KINDS:
        raise OutputError(f"--plot {path}: expected a name that ends in {', '.join(_KINDS)}")
    if find_spec("matplotlib") is None:
        raise OutputError(
            "--plot needs matplotlib, which is not installed; "
            "pip install 'hpe-volleyball[plot]' brings it"
        )


def plot(result: BenchResult, path: Path) -> None:
    """Draw the rows as stacked bars; stages in threads of their own are pale, and come last.

    Raises:
        OutputError: matplotlib is not installed, or the file cannot be written.
    """
    check_plot(path)
    figure = _figure(result)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise OutputError(cannot_write(path, error)) from error


def _figure(result: BenchResult) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    from matplotlib.patches import Patch  # noqa: PLC0415

    rows = result.listed
    figure = Figure(figsize=(9.4, 2.1 + 0.42 * len(rows)), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    longest = 0.0
    for y, row in enumerate(rows):
        left = 0.0
        for name, ms, alpha in _parts(row):
            axes.barh(y, ms, left=left, height=0.62, color=_COLOURS[name], alpha=alpha)
            left += ms
        total = row.total.median
        axes.plot([total, total], [y - 0.36, y + 0.36], color="black", linewidth=1.6)
        left = max(left, total)
        longest = max(longest, left)
        fast = row.speed_up(rows[0]).median
        told = f" {total:.1f} ms, {row.fps.median:.1f} fps, {fast:.1f}x"
        axes.text(left, y, told, va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.38 * longest)
    axes.set_xlabel("milliseconds per frame")
    axes.spines[["top", "right"]].set_visible(False)
    handles = [Patch(color=colour, label=name) for name, colour in _COLOURS.items()]
    handles.append(Patch(color="#BBBBBB", alpha=_BESIDE_ALPHA, label="pale: in another thread"))
    figure.legend(
        handles=handles, fontsize=8, ncols=len(handles), loc="outside lower center", frameon=False
    )
    figure.suptitle(_title(result), fontsize=9, x=0.01, ha="left")
    return figure


def _parts(row: RowResult) -> list[tuple[str, float, float]]:
    """Name, milliseconds and alpha of the parts of a bar."""
    inside = [name for name in STAGES if name not in row.overlapping]
    return [
        *((name, row.stage(name), 1.0) for name in inside),
        ("rest", max(0.0, row.rest), 1.0),
        *((name, row.stage(name), _BESIDE_ALPHA) for name in row.overlapping),
    ]


def _title(result: BenchResult) -> str:
    models = " + ".join(model["name"] for model in result.models)
    cores = f"{result.machine['processor']}, {result.machine['cores']} cores"
    gpus = "".join(f", {gpu}" for gpu in result.machine.get("gpus", []))
    lines = [
        f"hpe-volleyball bench: {result.clip}",
        f"{models}, {result.nets}",
        f"{cores}{gpus}; {result.provider}",
        f"black line: the whole run; fastest found: {fastest_name(result)}",
    ]
    return "\n".join("\n".join(textwrap.wrap(line, 118)) for line in lines)
