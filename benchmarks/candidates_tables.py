"""The tables of track_candidates.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from writing import origin_line, table

_ROW = dict[str, Any]
_MEANS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("idf1", "IDF1", "{:.3f}".format),
    ("switches_per_min", "id switches a min", "{:.1f}".format),
    ("recall", "recall", "{:.3f}".format),
    ("precision", "precision", "{:.3f}".format),
    ("box_iou", "box IoU", "{:.3f}".format),
    ("calls", "detector calls", "{:.1%}".format),
)
"""Column of the runs, heading, format."""


def tables(content: _ROW) -> str:
    """The whole page."""
    runs: Sequence[_ROW] = content["runs"]
    rallies = len({row["scenario"] for row in runs})
    parts = [
        "# Ways to track over skipped frames\n",
        "Written by `benchmarks/track_candidates.py`; what it does: [README.md](../README.md).\n",
        origin_line(content) + "\n",
    ]
    for interval in sorted({row["interval"] for row in runs}):
        parts += [
            f"## {_heading(interval)}: mean over {rallies} rallies\n",
            table(
                ["", *(heading for _, heading, _ in _MEANS), "worst IDF1", "lines", "ms a frame"],
                _rally_rows([row for row in runs if row["interval"] == interval], content),
            ),
        ]
    parts.append(
        "Two runs that differ in IDF1 by less than 0.015 are not told apart: one exchange of ids "
        "in a two-a-side rally moves its IDF1 by 0.2.\n"
    )
    if content["clips"]:
        parts += _clip_parts(content["clips"])
    return "\n".join(parts)


def _heading(interval: int) -> str:
    return "Every frame" if interval == 1 else f"N = {interval}"


def _rally_rows(runs: Sequence[_ROW], content: _ROW) -> list[list[str]]:
    """A row for each candidate, in the order of the runs."""
    rows = []
    for name in _names(runs):
        own = [row for row in runs if row["method"] == name]
        means = [show(fmean(row[column] for row in own)) for column, _, show in _MEANS]
        worst = min(row["idf1"] for row in own)
        # A candidate is timed at the first of its intervals only.
        first = min(row["interval"] for row in content["runs"] if row["method"] == name)
        ms = f"{content['track_ms'][name]:.2f}" if own[0]["interval"] == first else ""
        rows.append([name, *means, f"{worst:.3f}", str(content["code_lines"][name]), ms])
    return rows


def _names(rows: Sequence[_ROW]) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in rows))


def _clip_parts(rows: Sequence[_ROW]) -> list[str]:
    """A table for each interval: IDF1 on each clip, against each reference."""
    clips = list(dict.fromkeys(row["clip"] for row in rows))
    parts = []
    for interval in sorted({row["interval"] for row in rows}):
        chosen = {(row["method"], row["clip"]): row for row in rows if row["interval"] == interval}
        parts += [
            f"## Real clips, {_heading(interval)}: IDF1 against every-frame tracking\n",
            table(
                ["against the shipped tracker, against ByteTrack; ids", *clips],
                [
                    [name, *(_agreement(chosen[name, clip]) for clip in clips)]
                    for name in _names(list(chosen.values()))
                ],
            ),
        ]
    return parts


def _agreement(row: _ROW) -> str:
    return f"{row['to_shipped']:.3f}, {row['to_bytetrack']:.3f}; {row['ids']}"
