"""What the README shows is run: shell commands, the Python example; its tables are true."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from hpe_volleyball.cli.app import app
from hpe_volleyball.output.data_file import COLUMNS
from tests.runs import Cli, Models, names

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
IN_CI = ("python3 -m venv", "/pytest")
"""Commands that CI runs, in a fresh environment."""


OTHER_SOURCES = README.partition("## Live, folders, courts\n")[2].partition("\n## ")[0]
"""Its commands are run in test_readme_sources.py."""


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.+?)```", text, re.DOTALL)


def commands(text: str = README.replace(OTHER_SOURCES, "")) -> list[str]:
    return [line for block in blocks("sh", text) for line in block.splitlines()]


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rally_clip: Path, demo_models: Models
) -> Path:
    """A folder with the files that the README names; the demo models stand in for real ones."""
    (tmp_path / "models").mkdir()
    shutil.copy(rally_clip, tmp_path / "match.mp4")
    shutil.copy(demo_models.det, tmp_path / "models" / "rtmdet-m.onnx")
    shutil.copy(demo_models.pose, tmp_path / "models" / "rtmpose-m.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_ci_runs_the_commands_that_install_and_test() -> None:
    in_ci = [line for line in commands() if any(words in line for words in IN_CI)]
    assert len(in_ci) == 2
    for line in in_ci:
        assert line in CI.splitlines()


def test_the_other_commands_work_one_after_the_other(cli: Cli, place: Path) -> None:
    others = [line for line in commands() if not any(words in line for words in IN_CI)]
    assert others
    for line in others:
        program, *arguments = shlex.split(line)
        assert program == ".venv/bin/hpe-volleyball"
        if arguments[0] == "infer" and "--det" not in arguments:  # in place of the download
            arguments += ["--det", "models/rtmdet-m.onnx", "--pose", "models/rtmpose-m.onnx"]
        outcome = cli(*arguments)
        assert (outcome.code, outcome.err) == (0, ""), line
    wanted = ["match.overlay.mp4", "match.poses.h5", "match.run.json"]
    assert names(place / "output") == wanted
    for name in wanted:
        assert f"`{name}`" in README


def test_the_python_example_works(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert place
    _, example = blocks("python")
    assert len([line for line in example.splitlines() if line]) == 4
    options = 'InferOptions(mode="balanced")'
    assert options in example
    files = 'det="models/rtmdet-m.onnx", pose="models/rtmpose-m.onnx"'  # in place of the download
    example = example.replace(options, f"InferOptions({files})")
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - it is ours
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 15
    assert lines[-1].startswith("0.56 [")
    assert lines[-1].endswith(", 17, 2)")


def test_the_plot_of_a_players_hips(
    cli: Cli, place: Path, demo_models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    outcome = cli("infer", "match.mp4", *demo_models.options, "--no-video", "-q")
    assert (outcome.code, outcome.err) == (0, "")
    example, _ = blocks("python")
    assert len([line for line in example.splitlines() if line]) == 10
    drawn: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), drawn)  # noqa: S102 - it is ours
    assert (place / "hips.png").stat().st_size > 5000
    [line] = drawn["plt"].gca().lines
    times, heights = line.get_data()
    assert len(times) == 15
    # A standing player's hips are above the middle of the box of the player.
    box = drawn["results"].bbox[drawn["player"]]
    share = (heights - (360 - box[:, 3])) / (box[:, 3] - box[:, 1])
    assert (share > 0.4).all()
    assert (share < 0.7).all()
    drawn["plt"].close("all")


def test_the_table_of_options_is_complete() -> None:
    infer = get_command(app).commands["infer"]  # type: ignore[attr-defined]
    options = {name for p in infer.params for name in p.opts if name.startswith("--")}
    table = README.partition("## Options of `infer`")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `--")]
    assert {name for cells in rows for name in re.findall(r"--[a-z-]+", cells[0])} == options
    defaults = {p.opts[0]: p.default for p in infer.params}
    for name, shown in (("--det-interval", 4), ("--det-score", 0.4), ("--pose-batch", 16)):
        assert defaults[name] == shown
        assert any(name in cells[0] and cells[1].strip() == str(shown) for cells in rows)


def test_the_table_of_datasets_is_complete() -> None:
    rows = re.findall(r"^\| `((?:frames|people)/\w+)` \| \[(.+?)\] (\w+) \|", README, re.MULTILINE)
    kinds = {"i8": "int64", "i4": "int32", "f8": "float64", "f4": "float32", "?": "bool"}
    wanted = [
        (name, ", ".join(map(str, ("F" if name.startswith("frames") else "R", *row))), kinds[kind])
        for name, (kind, row) in COLUMNS.items()
    ]
    assert rows == wanted


def test_links_inside_the_project_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        path, _, heading = target.partition("#")
        assert (ROOT / path).exists(), target
        if heading:
            headings = re.findall(r"^## (.+)$", README, re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings]
            assert heading in anchors


def test_the_picture_is_small() -> None:
    assert (ROOT / "docs" / "overlay.jpg").stat().st_size < 300_000
