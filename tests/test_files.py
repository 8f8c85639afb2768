from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from hpe_volleyball.errors import OutputError
from hpe_volleyball.files import partial_path, write_run_json


@pytest.mark.parametrize(
    ("name", "partial"),
    [
        ("match.overlay.mp4", "match.overlay.partial.mp4"),
        ("match.poses.h5", "match.poses.partial.h5"),
        ("run", "run.partial"),
    ],
)
def test_partial_path(name: str, partial: str) -> None:
    assert partial_path(Path("out") / name) == Path("out") / partial


def test_run_json_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "m.run.json"
    path.write_text("old")
    write_run_json(path, {"source": "Spiel ä Halle.mp4", "frames": 3})
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "source": "Spiel ä Halle.mp4",
        "frames": 3,
    }
    assert list(tmp_path.iterdir()) == [path]


def test_run_json_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "m.run.json"
    path.write_text("old")
    with pytest.raises(TypeError):
        write_run_json(path, {"a": 1, "b": object()})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError, match="cannot be written"):
        write_run_json(tmp_path / "none" / "m.run.json", {})


def test_run_json_that_does_not_fit_on_the_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "m.run.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
        write_run_json(path, {"frames": 3})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_not_utf_8_comes_back_from_json(tmp_path: Path) -> None:
    name = os.fsdecode(b"bad\xff.mp4")
    path = tmp_path / "watch.failed.json"
    write_run_json(path, {name: {"error": "ä"}})
    assert json.loads(path.read_text(encoding="utf-8")) == {name: {"error": "ä"}}
