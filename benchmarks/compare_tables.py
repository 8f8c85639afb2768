"""The tables of compare_rtmlib.py."""

from __future__ import annotations

from statistics import median
from typing import Any

from writing import origin_line, table

STAGES = ("capture", "detect", "track", "pose", "draw", "write")


def tables(content: dict[str, Any]) -> str:
    """The results in Markdown."""
    settings = content["settings"]
    made = (
        f"{origin_line(content)} rtmlib {content['rtmlib']}, on {settings['device']}; median of "
        f"{settings['rounds']} rounds, ± half of their range.\n"
    )
    parts = [
        "# This program and rtmlib\n",
        "Written by `benchmarks/compare_rtmlib.py`; what it does: [README.md](../README.md).\n",
        made,
    ]
    for clip in content["clips"]:
        parts += [
            f"## {clip['clip']}\n",
            f"{frames_of(clip)} frames. {_models(clip, settings)} {_alike(clip)}\n",
            table(*whole_rows(clip)),
            "rtmlib's wall time divided by this program's (in brackets: CPU time), median:\n",
            ratio_table(clip),
            stage_table(clip),
        ]
    return "\n".join(parts)


def frames_of(clip: dict[str, Any]) -> int:
    """How many frames every run had."""
    counts = {run["frames"] for runs in clip["runs"].values() for run in runs}
    if len(counts) != 1:
        raise ValueError(f"{clip['clip']}: expected as many frames in every run, found {counts}")
    return int(counts.pop())


def _models(clip: dict[str, Any], settings: dict[str, Any]) -> str:
    return f"{clip['det']} at {settings['det_size']} px, {clip['pose']}."


def _alike(clip: dict[str, Any]) -> str:
    """In which way both programs do the same work."""
    boxes = clip.get("boxes")
    if boxes is None:
        return "Random weights: in both programs the nets run and the rally's truth answers."
    same = f"{boxes['same']:.1%} of {boxes['boxes']:.0f} boxes are the same"
    return f"Both detectors: {same}, mean IoU {boxes['iou']:.4f}."


def ratio_table(clip: dict[str, Any]) -> str:
    """Rtmlib's time divided by this program's, for all settings at the same interval."""
    ours, theirs = (
        {name: runs for name, runs in clip["runs"].items() if name.startswith("rtmlib") is rtmlib}
        for rtmlib in (False, True)
    )
    rows = [
        [
            name,
            *(
                _ratio(runs, mine) if _interval(name) == _interval(own) else ""
                for own, mine in ours.items()
            ),
        ]
        for name, runs in theirs.items()
    ]
    return table(["", *ours], rows)


def _ratio(longer: list[dict[str, Any]], shorter: list[dict[str, Any]]) -> str:
    """Of wall time and, in brackets, of CPU time, which other work on the machine changes less."""
    wall, cpu = (
        median(a[name] / b[name] for a, b in zip(longer, shorter, strict=True))
        for name in ("wall_s", "cpu_s")
    )
    return f"{wall:.2f} ({cpu:.2f})"


def _interval(name: str) -> str:
    return name.partition("N = ")[2].partition(",")[0]


def whole_rows(clip: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Whole programs, from the start of the process to its end; speed is against the first row."""
    headings = ["", "wall s", "CPU s", "peak MB", "ms per frame", "fps", "people a frame", "speed"]
    reference = next(iter(clip["runs"].values()))
    rows = []
    for name, runs in clip["runs"].items():
        ratio = [a["wall_s"] / b["wall_s"] for a, b in zip(reference, runs, strict=True)]
        rows.append(
            [
                name,
                _spread([run["wall_s"] for run in runs]),
                _spread([run["cpu_s"] for run in runs]),
                "-" if "boxes" not in clip else f"{median(run['peak_mb'] for run in runs):.0f}",
                _spread([run["loop_ms"] for run in runs]),
                f"{1e3 / median(run['loop_ms'] for run in runs):.1f}",
                f"{median(run['people'] for run in runs):.2f}",
                f"{median(ratio):.2f}",
            ]
        )
    return headings, rows


def stage_table(clip: dict[str, Any]) -> str:
    """Milliseconds per frame of each stage."""
    rows = [
        [name, *(f"{median(run['stages'].get(s, 0.0) for run in runs):.1f}" for s in STAGES)]
        for name, runs in clip["runs"].items()
    ]
    return table(["ms per frame", *STAGES], rows)


def _spread(values: list[float]) -> str:
    return f"{median(values):.1f} ±{(max(values) - min(values)) / 2:.1f}"
