"""Model files are found in the order that the README names."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models import folders
from hpe_volleyball.models.catalogue import BY_NAME, MODES, Mode
from hpe_volleyball.models.devices import Granted
from hpe_volleyball.models.download import MIRROR_VARIABLE
from hpe_volleyball.models.finding import find, resolve_models, variants
from hpe_volleyball.models.folders import FOLDER_VARIABLE, download_folder
from hpe_volleyball.options import InferOptions
from tests import graphs
from tests.http_server import serving, zip_of
from tests.runs import Models

# These two have no published checksum, so any file can stand in for them.
POSE, OTHER = "rtmpose-t-halpe26", "rtmpose-s-halpe26"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, a cache, and no settings of the user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folders, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    return tmp_path


def put(folder: Path, name: str, content: bytes = b"model") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    path.write_bytes(content)
    return path


def resolved(device: Granted = "cpu", **options: Any) -> tuple[Path, Path, str]:
    files = resolve_models(InferOptions(offline=True, **options), device)
    return files.det, files.pose, files.note


def test_folders_are_looked_through_in_order(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = BY_NAME[POSE]
    assert find(model, None) is None
    cached = put(place / "cache" / "models", POSE)
    assert find(model, None) == cached
    put(place / "models", POSE)
    assert find(model, None) == Path("models") / model.file
    monkeypatch.setenv(FOLDER_VARIABLE, str(place / "mine"))
    assert find(model, None) == Path("models") / model.file
    mine = put(place / "mine", POSE)
    assert find(model, None) == mine
    named = put(place / "named", POSE)
    assert find(model, place / "named") == named


def test_downloads_go_to_the_named_folder_else_to_the_cache(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(place / "models", POSE)
    assert download_folder(None) == place / "cache" / "models"
    monkeypatch.setenv(FOLDER_VARIABLE, str(place / "mine"))
    assert download_folder(None) == place / "mine"
    assert download_folder(Path("named")) == Path("named")


def test_paths_are_taken_as_they_are(place: Path) -> None:
    det, pose = put(place, "a"), put(place / "sub", "b")
    assert resolved(det=det, pose=str(pose)) == (det, pose, "")
    assert resolved(det="a.onnx", pose="sub/b.onnx")[:2] == (Path("a.onnx"), Path("sub/b.onnx"))
    shutil.copy(det, place / "plain")
    assert resolved(det="plain", pose=pose)[0] == Path("plain")
    # A name is a name, even where a file is called so; a Path is always a path.
    (place / POSE).write_bytes(b"")
    named = put(place / "models", POSE)
    assert resolved(det=det, pose=POSE)[1] == named.relative_to(place)
    assert resolved(det=det, pose=Path(POSE))[1] == Path(POSE)


@pytest.mark.parametrize(("device", "mode"), [("cpu", "lightweight"), ("cuda", "balanced")])
def test_auto_says_what_it_chose_and_what_that_costs(
    place: Path, monkeypatch: pytest.MonkeyPatch, device: Granted, mode: Mode
) -> None:
    monkeypatch.setitem(MODES, mode, ("rtmdet-m", POSE))
    det, _ = put(place, "a"), put(place / "models", POSE)
    note = resolved(device, det=det)[2]
    assert note.startswith(f"mode auto: {mode}, because the models run on {device}")
    assert ("--mode balanced finds more" in note) == (device == "cpu")
    assert resolved(device, det=det, mode=mode)[2] == ""


def test_what_is_found_by_name_must_be_it(place: Path) -> None:
    det = put(place, "a")
    wrong = put(place / "models", "rtmpose-m")
    with pytest.raises(ModelError) as error:
        resolved(det=det, pose="rtmpose-m")
    assert f"{wrong.relative_to(place)}: expected sha256 5c0a4bf6" in str(error.value)
    assert "found 9372c470eeadd5ecd9c3c74c2b3cb633" in str(error.value)


@pytest.mark.parametrize(
    ("device", "mode", "missing"),
    [
        ("cpu", "auto", "rtmdet-nano"),
        ("cuda", "auto", "rtmdet-m"),
        ("tensorrt", "auto", "rtmdet-m"),
        ("openvino", "auto", "rtmdet-nano"),
        ("cpu", "balanced", "rtmdet-m"),
        ("cuda", "lightweight", "rtmdet-nano"),
    ],
)
def test_the_mode_names_the_models_and_offline_says_what_is_missing(
    place: Path, device: Granted, mode: str, missing: str
) -> None:
    with pytest.raises(ModelError) as error:
        resolved(device, mode=mode)
    message = str(error.value)
    assert message.startswith(f"{missing}: expected {missing}.onnx in one of the folders models, ")
    assert str(place / "cache" / "models") in message
    for words in ("--offline", BY_NAME[missing].url, "models import"):
        assert words in message


def test_auto_says_what_it_chose_and_only_then(place: Path) -> None:
    det, pose = put(place, "a"), put(place / "models", POSE)
    assert resolved(det=det, pose=pose)[2] == ""
    assert resolved(det=det, pose=pose, mode="balanced")[2] == ""
    with pytest.raises(ModelError, match="rtmpose-t"):
        resolved(det=det)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"det": "rtmpose-m"}, "--det rtmpose-m: expected a detector, found a pose model; are"),
        ({"pose": "rtmdet-m", "det": "a.onnx"}, "--pose rtmdet-m: expected a pose model, found a"),
        ({"det": "rtmdet"}, "did you mean rtmdet-m"),
    ],
)
def test_names_of_the_wrong_kind(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        resolved(**options)


def test_variants_lie_beside_a_model(place: Path) -> None:
    path = put(place / "models", POSE)
    assert variants(path) == {}
    int8 = put(place / "models", f"{POSE}.int8")
    fp16 = put(place / "models", f"{POSE}.fp16")
    assert variants(path) == {"fp16": fp16, "int8": int8}


def test_what_is_not_here_is_downloaded_to_the_named_folder(
    place: Path, constant_models: Models
) -> None:
    halpe = graphs.pose(place / "halpe.onnx", [(3, 4, 0.9, 0.9)] * 26).read_bytes()
    with serving() as server:
        server.files[f"/{BY_NAME[OTHER].zip_name}"] = zip_of({"end2end.onnx": halpe})
        options = InferOptions(
            det=constant_models.det, pose=OTHER, models_dir=place / "new", mirror=server.url
        )
        files = resolve_models(options, "cpu")
        assert files.pose == place / "new" / f"{OTHER}.onnx"
        assert files.pose.read_bytes() == halpe
        assert len(server.requests) == 1
        assert resolve_models(options, "cpu").pose == files.pose
        assert len(server.requests) == 1


def test_a_user_without_a_home_directory_has_no_cache(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless(*_args: object, **_options: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.undo()
    monkeypatch.chdir(place)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(folders, "user_cache_path", homeless)
    assert find(BY_NAME[POSE], None) is None
    put(place / "models", POSE)
    assert find(BY_NAME[POSE], None) == Path("models") / BY_NAME[POSE].file
    assert download_folder(Path("named")) == Path("named")
    with pytest.raises(ModelError, match=r"no home directory .*; name a folder with --models-dir"):
        download_folder(None)
