"""`models`: list, pull, verify, import, against a real server on the loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpe_volleyball.models import folders
from hpe_volleyball.models.catalogue import BY_NAME, MODELS
from hpe_volleyball.models.download import MIRROR_VARIABLE
from hpe_volleyball.models.folders import FOLDER_VARIABLE
from tests import graphs
from tests.http_server import FileServer, serving, zip_of
from tests.runs import Cli

T, S = "rtmpose-t-halpe26", "rtmpose-s-halpe26"
"""Their checksums are not published, so a model made here can stand in for them."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folders, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    return tmp_path


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return graphs.pose(tmp_path / "pose.onnx", [(3, 4, 0.9, 0.9)] * 26).read_bytes()


@pytest.fixture
def server(content: bytes) -> Iterator[FileServer]:
    with serving() as started:
        for name in (T, S):
            started.files[f"/{BY_NAME[name].zip_name}"] = zip_of({"a/end2end.onnx": content})
        yield started


def test_list_shows_all_models_and_what_is_here(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    (place / "models").mkdir()
    for suffix in ("onnx", "fp16.onnx", "int8.onnx"):
        (place / "models" / f"rtmpose-m.{suffix}").write_bytes(b"x")
    outcome = cli("models", "list")
    assert (outcome.code, outcome.err) == (0, "")
    rows = {line.split("│")[1].strip(): line for line in outcome.out.splitlines() if "│" in line}
    assert set(rows) == {model.name for model in MODELS}
    assert "models/rtmpose-m.onnx, fp16, int8" in rows["rtmpose-m"]
    assert "17 keypoints" in rows["rtmpose-m"]
    assert rows["rtmdet-m"].rstrip(" │").endswith("no")
    assert "academic use" in outcome.out


def test_pull_fetches_once(cli: Cli, place: Path, server: FileServer, content: bytes) -> None:
    arguments = ("models", "pull", T, S, T, "--mirror", server.url)
    outcome = cli(*arguments)
    paths = [place / "cache" / "models" / f"{name}.onnx" for name in (T, S)]
    assert (outcome.code, outcome.out) == (0, "".join(f"downloaded: {path}\n" for path in paths))
    assert [line.split(" (")[0] for line in outcome.err.splitlines()] == [T, S]
    assert all(path.read_bytes() == content for path in paths)
    outcome = cli(*arguments, "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert "already here" in cli(*arguments).out
    assert len(server.requests) == 2


def test_pull_takes_the_models_of_a_mode(cli: Cli, server: FileServer) -> None:
    # The official servers must not be asked by a test: the first failure would lead there.
    server.files.clear()
    outcome = cli("models", "pull", "--mirror", "ftp://x", "--mode", "performance")
    assert outcome.code == 1
    assert "--mirror or HPE_VOLLEYBALL_MIRROR: expected an address with http://" in outcome.err
    outcome = cli("models", "pull", "rtmdet-x")
    assert outcome.code == 1
    assert outcome.err.startswith("error: rtmdet-x: expected the name of a model")


def test_verify_tells_right_from_wrong(cli: Cli, place: Path, content: bytes) -> None:
    assert "no model files are here" in cli("models", "verify").err
    mine = place / "mine"
    mine.mkdir()
    (mine / f"{T}.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    outcome = cli("models", "verify", "--models-dir", mine)
    line = f"no checksum published: {mine / T}.onnx, sha256 {sha256}\n"
    assert (outcome.code, outcome.out) == (0, line)
    (mine / "rtmdet-m.onnx").write_bytes(content)
    outcome = cli("models", "verify", "--models-dir", mine)
    assert outcome.code == 1
    expected = BY_NAME["rtmdet-m"].sha256
    assert f"WRONG: {mine}/rtmdet-m.onnx, sha256 {sha256}, expected {expected}\n" in outcome.out
    assert cli("models", "verify", T, "--models-dir", mine).code == 0
    outcome = cli("models", "verify", T, "rtmpose-l", "--models-dir", mine)
    assert outcome.err.startswith("error: rtmpose-l: expected rtmpose-l.onnx in a folder of models")


def test_import_puts_a_file_where_it_is_found(cli: Cli, place: Path, content: bytes) -> None:
    file = place / BY_NAME[T].zip_name
    file.write_bytes(zip_of({"end2end.onnx": content}))
    outcome = cli("models", "import", file)
    target = place / "cache" / "models" / f"{T}.onnx"
    assert (outcome.code, outcome.out) == (0, f"imported: {target}\n")
    assert target.read_bytes() == content
    plain = place / "end2end.onnx"
    plain.write_bytes(content)
    outcome = cli("models", "import", plain)
    assert outcome.code == 1
    assert "say with --as NAME which it is" in outcome.err
    assert cli("models", "import", plain, "--as", S, "--models-dir", place / "mine").code == 0
    assert (place / "mine" / f"{S}.onnx").read_bytes() == content
