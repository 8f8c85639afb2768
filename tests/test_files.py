from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from hpe_volleyball.errors import OutputError
from hpe_volleyball.files import (
    exists,
    is_directory,
    is_file,
    partial_path,
    replacing,
    why_missing,
    write_run_json,
)
from tests.child import run_python


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


def test_what_there_is_under_a_name(tmp_path: Path) -> None:
    file = tmp_path / "match.mp4"
    file.touch()
    for path, kinds in (
        (file, (True, True, False)),
        (tmp_path, (True, False, True)),
        (tmp_path / "none", (False, False, False)),
        (file / "inside", (False, False, False)),
        (tmp_path / ("x" * 300), (False, False, False)),
        (tmp_path / "zero\0byte", (False, False, False)),
    ):
        assert (exists(path), is_file(path), is_directory(path)) == kinds


def test_why_nothing_is_there(tmp_path: Path) -> None:
    for name in ("none", "zero\0byte"):
        assert why_missing(tmp_path / name) == "no such file"
    too_long = tmp_path / ("x" * 300)
    assert why_missing(too_long) == "cannot be looked at (File name too long)"


def test_a_file_replaces_another_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "rally.mp4"
    path.write_text("old")
    with replacing(path) as fresh:
        fresh.write_text("new")
        assert path.read_text() == "old"
        assert (fresh.parent, fresh.suffix) == (tmp_path, ".mp4")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stopped_by", [ValueError, KeyboardInterrupt])
def test_a_file_that_is_not_completed_leaves_the_old_one(
    tmp_path: Path, stopped_by: type[BaseException]
) -> None:
    path = tmp_path / "rally.mp4"
    path.write_text("old")

    def write() -> None:
        with replacing(path) as fresh:
            fresh.write_text("half of it")
            raise stopped_by

    with pytest.raises(stopped_by):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_get_its_name_goes(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.mkdir()
    with pytest.raises(OSError, match="directory"), replacing(path) as fresh:
        fresh.write_text("all of it")
    assert list(tmp_path.iterdir()) == [path]


def test_the_error_is_that_of_the_writing_where_nothing_can_be_removed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ValueError, match="of the block"),
        replacing(tmp_path / "file" / "model.onnx"),
    ):
        raise ValueError("of the block")


def test_processes_that_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    code = """
        import sys
        from pathlib import Path
        from hpe_volleyball.files import replacing
        with replacing(Path(sys.argv[1])) as fresh:
            fresh.write_text("theirs")
    """
    with replacing(path) as fresh:
        fresh.write_text("ours")
        assert run_python(code, path).returncode == 0
        assert (path.read_text(), fresh.read_text()) == ("theirs", "ours")
    assert path.read_text() == "ours"


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
