"""What `models` prints: the catalogue with what is here of it, and the result of a check."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpe_volleyball.models.catalogue import LICENCE, MODES, Model
from hpe_volleyball.models.inventory import Held, Verified

_ABOUT_AP = (
    "AP: average precision in percent, of detectors for persons on COCO, of pose models on COCO "
    "(17 keypoints), Body8 (26) or COCO-WholeBody (133), with the flip test."
)


def model_table(held: Sequence[Held]) -> RenderableType:
    """The catalogue: what a model is, what it costs, and where it is."""
    table = Table(title="Models", title_justify="left")
    for heading in ("name", "finds"):
        table.add_column(heading, no_wrap=True)
    for heading in ("input", "AP", "GFLOPs", "MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("here", overflow="fold")
    for each in held:
        model = each.model
        table.add_row(
            model.name,
            _finds(model),
            f"{model.input_size[0]}x{model.input_size[1]}",
            f"{model.ap:.1f}",
            f"{model.gflops:.2f}",
            f"{each.path.stat().st_size / 1e6:.0f}" if each.path else "",
            ", ".join([str(each.path), *each.variants]) if each.path else "no",
        )
    modes = "; ".join(f"{mode}: {det} and {pose}" for mode, (det, pose) in MODES.items())
    notes = (
        f"Modes: {modes}.",
        _ABOUT_AP,
        LICENCE,
    )
    return Group(table, Text("\n".join(notes)))


def verify_lines(verified: Sequence[Verified]) -> RenderableType:
    """A line per file."""
    words = {
        "right": "right",
        "wrong": "WRONG",
        "unknown": "no checksum published",
    }
    lines = []
    for each in verified:
        expected = f", expected {each.model.sha256}" if each.state == "wrong" else ""
        lines.append(f"{words[each.state]}: {each.path}, sha256 {each.sha256}{expected}")
    return Text("\n".join(lines))


def _finds(model: Model) -> str:
    return "people" if model.keypoints is None else f"{model.keypoints} keypoints"
