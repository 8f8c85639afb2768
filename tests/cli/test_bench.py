"""`bench` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hpe_volleyball.bench.result import BenchResult
from tests.bench.sample import RESULT
from tests.http_server import serving_model
from tests.runs import Cli, Models, names

ROWS = ["baseline", "graph", "fitted", "tracked", "batch", "interval", "overlap", "pose_interval"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm-up of two frames."""
    monkeypatch.setattr("hpe_volleyball.bench.prepare.Bench.warm_up", lambda _bench: 1.0)


@pytest.mark.usefixtures("short")
def test_table_json_chart_and_change(
    cli: Cli, constant_models: Models, rally_clip: Path, tmp_path: Path
) -> None:
    RESULT.write_json(tmp_path / "old.json")
    outcome = cli(
        *("bench", rally_clip, *constant_models.options, "--device", "cpu"),
        *("--frames", 5, "--rounds", 1, "--json", tmp_path / "new.json"),
        *("--plot", tmp_path / "new.png", "--compare", tmp_path / "old.json", "--markdown"),
    )
    assert (outcome.code, outcome.err) == (0, "")
    result = BenchResult.from_json(tmp_path / "new.json")
    assert [row.key for row in result.listed] == [*ROWS, "fastest"]
    assert (result.frames, result.rounds) == (5, 1)
    assert [len(model["sha256"]) for model in result.models] == [64, 64]
    assert outcome.out.count("| + batched pose |") == 3
    assert "frames differs: 100 before, 5 now" in outcome.out
    assert names(tmp_path) == ["new.json", "new.png", "old.json"]


@pytest.mark.usefixtures("short")
def test_nets_with_random_weights_need_no_files(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli(
        *("bench", "--device", "cpu", "--frames", 2, "--rounds", 1, "--json", "r.json"),
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert "12 players" in outcome.out
    assert "random weights" in outcome.out
    content = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert [m["name"] for m in content["models"]] == ["rtmdet-nano.random", "rtmpose-t.random"]
    assert all(row["truth"]["idf1"] > 0.7 for row in content["rows"])


@pytest.mark.usefixtures("short")
def test_a_download_is_told(
    cli: Cli, constant_models: Models, rally_clip: Path, tmp_path: Path
) -> None:
    with serving_model(tmp_path) as (name, mirror):
        outcome = cli(
            *("bench", rally_clip, "--det", constant_models.det, "--pose", name),
            *("--models-dir", tmp_path / "new", "--mirror", mirror),
            *("--device", "cpu", "--frames", 2, "--rounds", 1),
        )
    assert outcome.code == 0
    assert outcome.err.startswith(f"{name} (")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--compare", "none.json"), "none.json: No such file"),
        (("clip.mp4", "--weights", "random"), "find nobody in a video"),
        (("--weights", "random", "--det", "rtmdet-x"), "rtmdet-x: no such network"),
        (("none.mp4", "--det", "d.onnx", "--pose", "p.onnx"), "none.mp4"),
    ],
)
def test_bad_input_is_one_line(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    outcome = cli("bench", *arguments)
    assert outcome.code == 1
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
