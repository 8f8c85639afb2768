"""The README's commands for live sources, folders and courts; stand-ins are on loopback."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from hpe_volleyball.media import live_address
from tests.clips import fixed_rate
from tests.e2e.test_interrupt import start
from tests.e2e.test_live import wait_until
from tests.e2e.test_readme import OTHER_SOURCES, commands
from tests.e2e.test_watch import stop
from tests.runs import Cli, Models, names
from tests.streams import serving

PROGRAM = ".venv/bin/hpe-volleyball"
LINES = commands(OTHER_SOURCES)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rally_clip: Path) -> Path:
    """A folder with what the commands name."""
    for name in ("friday.mp4", "saturday/set1.mp4", "recordings/monday.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(rally_clip, tmp_path / name)
    court = [[0, 0], [320, 0], [320, 360], [0, 360]]
    (tmp_path / "court.json").write_text(json.dumps(court), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def arguments(line: str, models: Models) -> list[str]:
    program, *given = shlex.split(line)
    assert program == PROGRAM
    return [*given, *models.options, "--device", "cpu"]


def test_all_commands_are_tested_here() -> None:
    beginnings = ["infer rtsp://", "infer 0 ", "infer friday.mp4", "watch recordings/"]
    assert len(LINES) == len(beginnings)
    for line, beginning in zip(LINES, beginnings, strict=True):
        assert line.startswith(f"{PROGRAM} {beginning}")


def test_a_stream(cli: Cli, place: Path, constant_models: Models) -> None:
    (place / "served").mkdir()
    clip = fixed_rate(place / "served" / "x.mp4", 500, Fraction(25), options=(("bf", "0"),))
    with serving("rtsp", clip) as server:
        given = arguments(LINES[0], constant_models)
        assert "2:00:00" in given
        given[1], given[given.index("2:00:00")] = server.url, "1"
        outcome = cli(*given)
    assert (outcome.code, outcome.err) == (0, "")
    assert len(names(place / "output")) == 3


def test_a_camera(
    cli: Cli, place: Path, constant_models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ("lavfi", "testsrc2=size=96x64:rate=30,realtime")
    monkeypatch.setattr(live_address, "_CAMERAS", {"linux": source, "darwin": source})
    given = arguments(LINES[1], constant_models)
    given[given.index("60")] = "1"
    outcome = cli(*given)
    assert (outcome.code, outcome.err) == (0, "")
    assert all(name.startswith("live-") for name in names(place / "output"))
    assert len(names(place / "output")) == 3


def test_files_folders_and_a_court(cli: Cli, place: Path, demo_models: Models) -> None:
    outcome = cli(*arguments(LINES[2], demo_models))
    assert (outcome.code, outcome.err) == (0, "")
    assert names(place / "output") == [
        *("friday.overlay.mp4", "friday.poses.h5", "friday.run.json"),
        *("set1.overlay.mp4", "set1.poses.h5", "set1.run.json"),
    ]


def test_watching(place: Path, demo_models: Models) -> None:
    process = start(*arguments(LINES[3], demo_models), "--settle", 0.3)
    try:
        wait_until((place / "results" / "monday.run.json").exists, process)
        code, printed, errors = stop(process)
    finally:
        process.kill()
        process.communicate()
    assert (code, errors) == (130, "")
    assert "monday.mp4: done, 15 frames" in printed
