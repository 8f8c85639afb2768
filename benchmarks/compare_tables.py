"""The tables of compare_rtmlib.py."""

from __future__ import annotations

from statistics import median
from typing import Any

from writing import origin_line, table

STAGES = ("capture", "detect", "track", "pose", "draw", "write")


def tables(content: dict[str, Any]) -> str:
    """The results in Markdown."""
    settings, models = content["settings"], content["models"]
    made = (
        f"{origin_line(content)} rtmlib {content['rtmlib']}, {models['det']} at "
        f"{settings['det_size']} px, {models['pose']}, on {settings['device']}; median of "
        f"{settings['rounds']} rounds of at most {settings['frames']} frames, ± half of their "
        "range.\n"
    )
    parts = [
        "# This program and rtmlib\n",
        "Written by `benchmarks/compare_rtmlib.py`; what it does: [README.md](../README.md).\n",
        made,
    ]
    for clip in content["clips"]:
        boxes = clip["boxes"]
        same = f"{boxes['same']:.1%} of {boxes['boxes']:.0f} boxes are the same"
        parts += [
            f"## {clip['clip']}\n",
            table(*whole_rows(clip)),
            stage_table(clip),
            f"Both detectors: {same}, mean IoU {boxes['iou']:.4f}.\n",
        ]
    return "\n".join(parts)


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
                f"{median(run['peak_mb'] for run in runs):.0f}",
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
