"""Writes results: JSON with what made them, and Markdown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hpe_volleyball.output import provenance

RESULTS = Path(__file__).parent / "results"
_DIGITS = 5


def origin() -> dict[str, Any]:
    """What the numbers depend on: machine and versions."""
    return {"machine": provenance.machine(), "versions": provenance.versions()}


def origin_line(content: dict[str, Any]) -> str:
    """The same in a sentence."""
    machine, versions = content["machine"], content["versions"]
    names = ("python", "numpy", "opencv-python", "onnxruntime-gpu", "onnxruntime", "trackers")
    told = ", ".join(f"{name} {versions[name]}" for name in names if name in versions)
    return f"{machine['processor']}, {machine['cores']} cores; {told}."


def write_results(name: str, content: dict[str, Any], markdown: str, folder: Path) -> None:
    """Write NAME.json and NAME.md; in the JSON each row of a table is one line."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_rounded(content), indent=1)
    text = re.sub(r"\{[^{}]*\}", lambda row: " ".join(row[0].split()), text)
    text = re.sub(r"\[[^][{}]*\]", lambda row: " ".join(row[0].split()), text)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(markdown, encoding="utf-8")


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; the first column is of words, the others are of numbers."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (headings, rule, *rows)) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
