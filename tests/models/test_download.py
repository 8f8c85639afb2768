"""Downloads from a real server on the loopback, in all the ways they can go wrong."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models import archive
from hpe_volleyball.models.catalogue import BY_NAME, Model
from hpe_volleyball.models.download import MIRROR_VARIABLE, fetch, import_model
from hpe_volleyball.models.transfer import Patience
from tests import graphs
from tests.http_server import Fault, FileServer, serving, zip_of
from tests.runs import names

CONTENT = Random(1).randbytes(300_000)  # noqa: S311 - only has to be incompressible
ZIP = zip_of({"20230831/rtmdet/deploy.json": b"{}", "20230831/rtmdet/end2end.onnx": CONTENT})
QUICK = Patience(timeout_s=0.3, tries=3, pause_s=0.01)
FILE = "rtmdet-m.onnx"
PART = ".rtmdet-m.zip.part"
LOCK = ".rtmdet-m.lock"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    with serving() as started:
        started.files["/official/rtmdet-m.zip"] = ZIP
        yield started


@pytest.fixture
def model(server: FileServer) -> Model:
    return replace(
        BY_NAME["rtmdet-m"],
        url=f"{server.url}/official/rtmdet-m.zip",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def failure(model: Model, folder: Path, mirror: str | None = None) -> str:
    with pytest.raises(ModelError) as error:
        fetch(model, folder, mirror=mirror, patience=QUICK)
    assert not (folder / model.file).exists()
    return str(error.value)


def visible(folder: Path) -> list[str]:
    return [name for name in names(folder) if name != LOCK]


def test_a_model_is_fetched_unpacked_and_told_about(
    server: FileServer, model: Model, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int | None]] = []
    path = fetch(model, tmp_path / "new" / "folder", on_progress=lambda *now: told.append(now))
    assert path == tmp_path / "new" / "folder" / FILE
    assert path.read_bytes() == CONTENT
    assert visible(path.parent) == [FILE]
    assert told[0] == ("rtmdet-m", 0, len(ZIP))
    assert told[-1] == ("rtmdet-m", len(ZIP), len(ZIP))
    assert server.requests == [("/official/rtmdet-m.zip", None)]


def test_what_is_there_and_right_is_not_fetched(
    server: FileServer, model: Model, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes(CONTENT)
    assert fetch(model, tmp_path) == tmp_path / FILE
    assert server.requests == []


def test_what_is_there_and_damaged_is_replaced(
    server: FileServer, model: Model, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes(CONTENT[:-1])
    assert fetch(model, tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_cut_connections_are_resumed_where_they_ended(
    server: FileServer, model: Model, tmp_path: Path
) -> None:
    server.faults = [Fault(cut_after=100_000), Fault(cut_after=50_000)]
    assert fetch(model, tmp_path, patience=QUICK).read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-", "bytes=150000-"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_server_is_asked_again(
    server: FileServer, model: Model, tmp_path: Path, status: int
) -> None:
    server.faults = [Fault(status=status)]
    assert fetch(model, tmp_path, patience=QUICK).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_what_does_not_fit_on_the_disk_is_told_before_it_is_fetched(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = len(ZIP) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    message = failure(model, tmp_path)
    assert f"{tmp_path} cannot be written ({len(ZIP)} bytes are needed and not free)" in message
    assert visible(tmp_path) == []
    free = len(ZIP)
    assert fetch(model, tmp_path).read_bytes() == CONTENT


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(
    server: FileServer, model: Model, tmp_path: Path
) -> None:
    server.faults = [Fault(cut_after=100_000), Fault(status=503, times=3)]
    assert "HTTP 503" in failure(model, tmp_path)
    assert visible(tmp_path) == [PART]
    server.requests.clear()
    assert fetch(model, tmp_path, patience=QUICK).read_bytes() == CONTENT
    assert server.requests == [("/official/rtmdet-m.zip", "bytes=100000-")]
    assert visible(tmp_path) == [FILE]


def test_a_server_without_ranges_sends_all_again(
    server: FileServer, model: Model, tmp_path: Path
) -> None:
    server.knows_ranges = False
    server.faults = [Fault(cut_after=100_000)]
    assert fetch(model, tmp_path, patience=QUICK).read_bytes() == CONTENT


@pytest.mark.parametrize("old", [b"x" * 1000, b"x" * (len(ZIP) + 1)], ids=["shorter", "longer"])
def test_a_beginning_of_another_file_is_thrown_away(
    server: FileServer, model: Model, tmp_path: Path, old: bytes
) -> None:
    (tmp_path / PART).write_bytes(old)
    assert fetch(model, tmp_path, patience=QUICK).read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [f"bytes={len(old)}-", None]


def test_a_wrong_checksum_is_refused_and_shown(
    server: FileServer, model: Model, tmp_path: Path
) -> None:
    other = CONTENT[::-1]
    server.files["/official/rtmdet-m.zip"] = zip_of({"end2end.onnx": other})
    message = failure(model, tmp_path)
    assert f"sha256 {model.sha256}, found {hashlib.sha256(other).hexdigest()}" in message
    assert visible(tmp_path) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "reason", "requests"),
    [
        (Fault(status=404, times=9), "HTTP 404", 1),
        (Fault(status=500, times=9), "HTTP 500", 3),
        (Fault(silent_s=0.6, times=9), "no answer in time", 3),
        (Fault(cut_after=0, times=9), f"the connection ended after 0 of {len(ZIP)} bytes", 3),
    ],
    ids=["not_found", "broken", "silent", "cut_at_once"],
)
def test_a_server_that_fails_is_one_message_with_all_ways_out(
    server: FileServer, model: Model, tmp_path: Path, fault: Fault, reason: str, requests: int
) -> None:
    server.faults = [fault]
    message = failure(model, tmp_path)
    assert f"({model.url}: {reason}" in message
    for words in (MIRROR_VARIABLE, "--mirror", "models import rtmdet-m.zip", str(tmp_path / FILE)):
        assert words in message
    assert "\n" not in message
    assert len(server.requests) == requests


def test_a_server_that_is_down(server: FileServer, model: Model, tmp_path: Path) -> None:
    with serving() as gone:
        pass
    message = failure(replace(model, url=f"{gone.url}/rtmdet-m.zip"), tmp_path)
    assert f"{gone.url}/rtmdet-m.zip: Connection refused" in message
    assert server.requests == []


def test_slow_bytes_are_waited_for(server: FileServer, model: Model, tmp_path: Path) -> None:
    server.faults = [Fault(silent_s=0.15)]
    assert fetch(model, tmp_path, patience=QUICK).read_bytes() == CONTENT
    assert len(server.requests) == 1


BAD_ZIPS = {
    "truncated": (ZIP[: len(ZIP) // 2], "damaged or unfinished"),
    "a_web_page": (b"<html>please log in</html>", "damaged or unfinished"),
    "one_bit_off": (
        ZIP[:150_000] + bytes([ZIP[150_000] ^ 1]) + ZIP[150_001:],
        "damaged or unfinished",
    ),
    "leads_out": (
        zip_of({"../../end2end.onnx": CONTENT}),
        "a path that leads out of the zip (../../end2end.onnx)",
    ),
    "leads_out_beside": (
        zip_of({"end2end.onnx": CONTENT, "a/../../../.bashrc": b"x"}),
        "a path that leads out of the zip",
    ),
    "absolute": (zip_of({"/etc/end2end.onnx": CONTENT}), "a path that leads out of the zip"),
    "windows": (zip_of({"C:\\x\\end2end.onnx": CONTENT}), "a path that leads out of the zip"),
    "empty": (zip_of({}), "expected one end2end.onnx in the zip, found 0"),
    "two": (
        zip_of({"a/end2end.onnx": CONTENT, "b/end2end.onnx": CONTENT}),
        "expected one end2end.onnx in the zip, found 2",
    ),
}


@pytest.mark.parametrize("kind", BAD_ZIPS)
def test_a_zip_that_is_not_trusted_leaves_nothing(
    server: FileServer, model: Model, tmp_path: Path, kind: str
) -> None:
    content, reason = BAD_ZIPS[kind]
    server.files["/official/rtmdet-m.zip"] = content
    folder = tmp_path / "a" / "b"
    assert reason in failure(model, folder)
    assert visible(folder) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [folder / LOCK]


def test_a_zip_that_would_fill_the_disk_is_not_unpacked(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a small one can that holds nothing but zeros."""
    monkeypatch.setattr(archive, "_LARGEST", len(CONTENT) - 1)
    assert f"at most 2 GiB, found {len(CONTENT)} bytes" in failure(model, tmp_path)
    assert visible(tmp_path) == []


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_mirror_comes_first(
    server: FileServer,
    model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    server.files["/mirror/rtmdet-m.zip"] = ZIP
    mirror = f"{server.url}/mirror/"
    if by == "environment":
        monkeypatch.setenv(MIRROR_VARIABLE, mirror)
    fetch(model, tmp_path, mirror=mirror if by == "option" else None)
    assert server.requests == [("/mirror/rtmdet-m.zip", None)]


@pytest.mark.parametrize(
    "held", [None, zip_of({"end2end.onnx": b"other"})], ids=["lacks_it", "has_another"]
)
def test_after_a_mirror_that_fails_comes_the_official_server(
    server: FileServer, model: Model, tmp_path: Path, held: bytes | None
) -> None:
    if held is not None:
        server.files["/mirror/rtmdet-m.zip"] = held
    path = fetch(model, tmp_path, mirror=f"{server.url}/mirror", patience=QUICK)
    assert path.read_bytes() == CONTENT
    del server.files["/official/rtmdet-m.zip"]
    path.unlink()
    message = failure(model, tmp_path, mirror=f"{server.url}/mirror")
    assert f"{server.url}/mirror/rtmdet-m.zip: " in message
    assert f"; {model.url}: HTTP 404" in message


@pytest.mark.parametrize("mirror", ["ftp://host/x", "file:///etc", "models"])
def test_a_mirror_is_an_http_address(model: Model, tmp_path: Path, mirror: str) -> None:
    assert "expected an address with http:// or https://" in failure(model, tmp_path, mirror)


def test_two_processes_at_once_download_once(
    server: FileServer, model: Model, tmp_path: Path
) -> None:
    server.faults = [Fault(silent_s=0.5)]
    code = (
        "import sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from hpe_volleyball.models.catalogue import BY_NAME\n"
        "from hpe_volleyball.models.download import fetch\n"
        "model = replace(BY_NAME['rtmdet-m'], url=sys.argv[1], sha256=sys.argv[2])\n"
        "print(fetch(model, Path(sys.argv[3]), on_progress=lambda label, *_: print(label)))"
    )
    command = [sys.executable, "-c", code, model.url, str(model.sha256), str(tmp_path)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert [lines[-1] for lines in printed] == [str(tmp_path / FILE)] * 2
    assert len(server.requests) == 1
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert visible(tmp_path) == [FILE]


def test_a_folder_that_cannot_be_made(model: Model, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ModelError, match=r"taken cannot be written \(File exists\)"):
        fetch(model, tmp_path / "taken")


@pytest.fixture(scope="module")
def halpe(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A pose model with the inputs and outputs of rtmpose-t-halpe26."""
    path = tmp_path_factory.mktemp("halpe") / "pose.onnx"
    return graphs.pose(path, [(3, 4, 0.9, 0.9)] * 26).read_bytes()


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, ""),
        ({"keypoints": 17}, "and 17 keypoints, found inputs input ?x3x256x192"),
        ({"input_size": (288, 384)}, "input (288, 384) and 26 keypoints, found inputs input"),
    ],
)
def test_without_a_published_checksum_the_content_decides(
    server: FileServer, tmp_path: Path, halpe: bytes, change: dict[str, Any], refused: str
) -> None:
    asked = BY_NAME["rtmpose-t-halpe26"]
    model = replace(asked, url=f"{server.url}/h.zip", **change)
    server.files["/h.zip"] = zip_of({"end2end.onnx": halpe})
    if refused:
        assert refused in failure(model, tmp_path)
    else:
        assert fetch(model, tmp_path).read_bytes() == halpe


def test_import_knows_a_model_by_the_name_of_its_zip(tmp_path: Path, halpe: bytes) -> None:
    file = tmp_path / BY_NAME["rtmpose-t-halpe26"].zip_name
    file.write_bytes(zip_of({"sdk/end2end.onnx": halpe}))
    path = import_model(file, tmp_path / "models")
    assert path == tmp_path / "models" / "rtmpose-t-halpe26.onnx"
    assert path.read_bytes() == halpe
    assert names(path.parent) == [path.name]


def test_import_asks_which_model_it_is(tmp_path: Path, halpe: bytes) -> None:
    file = tmp_path / "end2end.onnx"
    file.write_bytes(halpe)
    with pytest.raises(ModelError, match="none of them; say with --as NAME"):
        import_model(file, tmp_path / "models")
    assert names(tmp_path / "models") == []
    path = import_model(file, tmp_path / "models", name="rtmpose-s-halpe26")
    assert path.name == "rtmpose-s-halpe26.onnx"


def test_import_refuses_what_the_name_does_not_stand_for(tmp_path: Path, halpe: bytes) -> None:
    file = tmp_path / "end2end.onnx"
    file.write_bytes(halpe)
    for name, reason in (
        ("rtmpose-m", "refused"),
        ("rtmdet-tiny", "found neither; did you mean rtmdet-"),
    ):
        with pytest.raises(ModelError, match=reason):
            import_model(file, tmp_path / "models", name=name)
    (tmp_path / "cut.zip").write_bytes(ZIP[:1000])
    with pytest.raises(ModelError, match=r"cut\.zip: expected a zip file"):
        import_model(tmp_path / "cut.zip", tmp_path / "models")
    with pytest.raises(ModelError, match="No such file"):
        import_model(tmp_path / "none.zip", tmp_path / "models")
    assert names(tmp_path / "models") == []
