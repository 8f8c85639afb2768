"""Imports inside the package point down, and big libraries stay behind one module each."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import hpe_volleyball

PACKAGE = Path(hpe_volleyball.__file__).parent

FOUNDATION = {
    "errors",
    "files",
    "records",
    "pool",
    "skeleton",
    "timing",
    "threads",
    "interrupt",
    "assignment",
    "closing",
    "similarity",
    "futures",
    "clock",
    "cores",
}
COMMANDS = {"infer", "bench", "quantize", "demo", "batch", "watch", "info"}
ONLY_IN: dict[str, set[str]] = {
    "onnxruntime": {
        *("models.libraries", "models.native", "models.opening", "models.providers"),
        *("models.session", "quantize"),
    },
    "typer": {"cli"},
    "platformdirs": {"models.folders"},
    "filelock": {"models.download", "output.alone"},
    "matplotlib": {"bench.plot"},
    "h5py": {"output.data_file", "output.data_cut", "output.results"},
    "rich": {"cli", "console"},
    "scipy": set(),
    "lap": {"assignment"},
    "trackers": set(),
    "supervision": set(),
    "av": {"media", "synthetic.video"},
}
"""Which modules or packages may import a library; those that are nobody's are test references."""


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def within(name: str, places: set[str]) -> bool:
    """Whether a module is one of these or lies in a package that is."""
    return any(name == place or name.startswith(f"{place}.") for place in places)


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


def test_packages_have_no_cycles_either() -> None:
    """Modules without a cycle can still tie two packages to each other."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    ties: dict[str, set[str]] = {package: set() for package in packages}
    for name, below in INSIDE.items():
        package = name.split(".")[0]
        if package in packages:
            ties[package] |= {other.split(".")[0] for other in below} & packages - {package}
    assert list(TopologicalSorter(ties).static_order())


def test_the_foundation_stands_alone() -> None:
    for name in FOUNDATION:
        assert INSIDE[name] <= FOUNDATION, name


def test_nobody_imports_the_command_line() -> None:
    for name, below in INSIDE.items():
        if not within(name, {"cli", "__main__"}):
            assert not any(within(other, {"cli"}) for other in below), name


def test_stages_know_nothing_of_commands_and_printing() -> None:
    for name, below in INSIDE.items():
        if not within(name, COMMANDS | {"cli", "console"}):
            assert not [other for other in below if within(other, COMMANDS | {"console"})], name


def test_only_commands_make_synthetic_rallies() -> None:
    for name, below in INSIDE.items():
        if any(within(other, {"synthetic"}) for other in below):
            assert within(name, COMMANDS | {"synthetic"}), name


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_has_its_place(library: str) -> None:
    users = {
        name
        for name, imports in IMPORTS.items()
        if any(full.split(".")[0] == library for full in imports)
    }
    assert {name for name in users if not within(name, ONLY_IN[library])} == set()
