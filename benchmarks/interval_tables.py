"""The tables of track_interval.py: what must hold, the scenarios, the real clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any

from writing import origin_line, table

_ROW = dict[str, Any]
_MEANS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("idf1", "IDF1", "{:.4f}".format),
    ("switches_per_min", "id switches a min", "{:.1f}".format),
    ("fragmentations_per_min", "fragmentations a min", "{:.1f}".format),
    ("recall", "recall", "{:.3f}".format),
    ("precision", "precision", "{:.3f}".format),
    ("box_iou", "box IoU", "{:.3f}".format),
    ("pck", "PCK@0.1", "{:.4f}".format),
    ("oks", "OKS", "{:.4f}".format),
    ("calls", "detector calls", "{:.1%}".format),
    ("crops_per_row", "pose crops a row", "{:.2f}".format),
)
"""Column of the runs, heading, format."""


def tables(content: _ROW, methods: Sequence[str]) -> str:
    """The whole page."""
    runs = {name: [row for row in content["runs"] if row["method"] == name] for name in methods}
    means = {
        name: {column: fmean(row[column] for row in rows) for column, *_ in _MEANS}
        for name, rows in runs.items()
    }
    clips = content.get("clips", [])
    demands = _demands(means, content["track_ms"]) + _clip_demands(clips)
    parts = [
        "# Detection every N frames\n",
        "Written by `benchmarks/track_interval.py`; what it does: [README.md](../README.md).\n",
        origin_line(content) + "\n",
        "## What must hold\n",
        table(["", "wanted", "found", "holds"], [_demand_cells(*demand) for demand in demands]),
        f"## Scenarios: mean over {len(runs[methods[0]])}\n",
        table(
            ["", "IDF1", "worst IDF1", *(heading for _, heading, _ in _MEANS[1:]), "tracking ms"],
            [_method_cells(name, runs[name], means[name], content["track_ms"]) for name in methods],
        ),
        _worst_ones(runs),
        "## Difference from N = 1, scenario by scenario\n",
        "Mean and its standard error: what lies within two of them may be chance.\n",
        table(
            ["", "IDF1", "id switches a min"],
            [
                [
                    name,
                    _difference(runs, name, "idf1", 4),
                    _difference(runs, name, "switches_per_min", 1),
                ]
                for name in methods[1:]
            ],
        ),
    ]
    if clips:
        parts += [
            "## Real clips: agreement with N = 1\n",
            table(
                ["", "", "IDF1", "OKS", "id switches", "ids", "detector calls", "crops a row"],
                [_clip_cells(row) for row in clips],
            ),
        ]
    return "\n".join(parts)


def _difference(runs: dict[str, list[_ROW]], name: str, column: str, digits: int) -> str:
    """How much one method differs from the first one, which saw the same scenarios."""
    first = next(iter(runs.values()))
    pairs = zip(first, runs[name], strict=True)
    differences = [float(row[column]) - float(before[column]) for before, row in pairs]
    error = stdev(differences) / len(differences) ** 0.5
    return f"{fmean(differences):+.{digits}f} ± {error:.{digits}f}"


def _worst(rows: Sequence[_ROW]) -> _ROW:
    return min(rows, key=lambda row: float(row["idf1"]))


def _worst_ones(runs: dict[str, list[_ROW]]) -> str:
    """Where each method was worst."""
    methods: dict[str, list[str]] = {}
    for name, rows in runs.items():
        methods.setdefault(_worst(rows)["scenario"], []).append(name)
    return "Worst scenario:\n\n" + "".join(
        f"- {scenario}: {'; '.join(names)}\n" for scenario, names in methods.items()
    )


def _method_cells(
    name: str, rows: Sequence[_ROW], means: dict[str, float], track_ms: dict[str, float]
) -> list[str]:
    cells = [show(means[column]) for column, _, show in _MEANS]
    return [name, cells[0], f"{_worst(rows)['idf1']:.3f}", *cells[1:], f"{track_ms[name]:.2f}"]


def _clip_cells(row: _ROW) -> list[str]:
    return [
        row["clip"],
        row["method"],
        f"{row['idf1']:.3f}",
        f"{row['oks']:.3f}",
        f"{row['switches']}",
        f"{row['ids']}",
        f"{row['calls']:.1%}",
        f"{row['crops_per_row']:.2f}",
    ]


_Demand = tuple[str, float, float, bool]
"""What, the limit, what was found, whether the limit is the most that is allowed."""


def _demand_cells(what: str, limit: float, found: float, most: bool) -> list[str]:
    holds = found <= limit if most else found >= limit
    sign = "≤" if most else "≥"
    return [what, f"{sign} {limit:.4g}", f"{found:.4g}", "yes" if holds else "**no**"]


def _demands(means: dict[str, dict[str, float]], track_ms: dict[str, float]) -> list[_Demand]:
    one, four, eight = (means[f"ours, N = {n}"] for n in (1, 4, 8))
    every = means["ByteTrack, every frame"]
    return [
        ("IDF1 at N = 4: that at N = 1 less 0.01", one["idf1"] - 0.01, four["idf1"], False),
        ("IDF1 at N = 8: that at N = 1 less 0.03", one["idf1"] - 0.03, eight["idf1"], False),
        *(
            (
                f"id switches a minute at N = {n}: those at N = 1 and one more",
                one["switches_per_min"] + 1,
                means[f"ours, N = {n}"]["switches_per_min"],
                True,
            )
            for n in (4, 8)
        ),
        ("PCK@0.1 at N = 4: that at N = 1 less 0.005", one["pck"] - 0.005, four["pck"], False),
        ("detector calls at N = 4, part of the frames", 0.30, four["calls"], True),
        ("detector calls at N = 8, part of the frames", 0.18, eight["calls"], True),
        ("IDF1 at N = 4: that of ByteTrack on every frame", every["idf1"], four["idf1"], False),
        ("tracking at N = 4, ms per frame, 12 people", 3.0, track_ms["ours, N = 4"], True),
    ]


def _clip_demands(rows: Sequence[_ROW]) -> list[_Demand]:
    found = {(row["clip"], row["method"]): row for row in rows}
    demands: list[_Demand] = []
    for clip in dict.fromkeys(row["clip"] for row in rows):
        one, four = found[clip, "N = 1"], found[clip, "N = 4"]
        if clip == "one-by-one-10fps":
            more = abs(four["ids"] - one["ids"])
            demands.append((f"{clip}: ids at N = 4 more or fewer than at N = 1", 1, more, True))
            continue
        demands.append((f"{clip}: IDF1 of N = 4 against N = 1", 0.97, four["idf1"], False))
        demands.append((f"{clip}: OKS of N = 4 against N = 1", 0.97, four["oks"], False))
    return demands
