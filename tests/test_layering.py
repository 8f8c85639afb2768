"""Imports inside the package point down, and big libraries stay behind one module each."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import hpe_volleyball

PACKAGE = Path(hpe_volleyball.__file__).parent

FOUNDATION = {"errors", "records", "skeleton", "timing", "threads", "interrupt"}
COMMANDS = {"infer", "bench", "quantize", "demo"}
PRINTING = {"report", "progress"}
ONLY_IN: dict[str, set[str]] = {
    "onnxruntime": {"session", "quantize"},
    "typer": {"cli"},
    "h5py": {"data_file", "results"},
    "rich": {"cli", *PRINTING},
    "scipy": {"metrics", "association"},
    "trackers": set(),
    "supervision": set(),
    "av": {"video", "frame_reader", "damage", "video_writer", "audio_copy", "synthetic.video"},
}
"""Which modules may import a library; those that are nobody's are references in tests."""


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imported(path: Path) -> set[str]:
    """Full names of all that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


IMPORTS = {
    module_name(path): imported(path)
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py"
}
INSIDE = {
    name: {
        full.removeprefix("hpe_volleyball.")
        for full in imports
        if full.removeprefix("hpe_volleyball.") in IMPORTS
    }
    for name, imports in IMPORTS.items()
}
"""For each module of the package, the modules of the package that it imports."""


def test_imports_have_no_cycles() -> None:
    assert list(TopologicalSorter(INSIDE).static_order())


def test_the_foundation_stands_alone() -> None:
    for name in FOUNDATION:
        assert INSIDE[name] <= FOUNDATION, name


def test_nobody_imports_the_command_line() -> None:
    assert [name for name, below in INSIDE.items() if "cli" in below] == []


def test_stages_know_nothing_of_commands_and_printing() -> None:
    for name, below in INSIDE.items():
        if name not in COMMANDS | PRINTING | {"cli"}:
            assert not below & (COMMANDS | PRINTING), name


def test_only_commands_make_synthetic_rallies() -> None:
    users = {name for name, below in INSIDE.items() if any("synthetic" in b for b in below)}
    assert {name for name in users if not name.startswith("synthetic")} <= COMMANDS


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_has_its_place(library: str) -> None:
    users = {
        name
        for name, imports in IMPORTS.items()
        if any(full.split(".")[0] == library for full in imports)
    }
    assert users <= ONLY_IN[library]
