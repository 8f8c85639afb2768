"""Fetches models, a mirror first, and puts into place only what proves to be the model."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.archive import extract_model
from hpe_volleyball.models.catalogue import MODELS, Model, by_sha256, model_named
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.models.transfer import Patience, TransferError, transfer
from hpe_volleyball.models.waiting import OnProgress

MIRROR_VARIABLE = "HPE_VOLLEYBALL_MIRROR"


def fetch(
    model: Model,
    folder: Path,
    *,
    mirror: str | None = None,
    on_progress: OnProgress | None = None,
    patience: Patience | None = None,
) -> Path:
    """Download a model into a folder, where it appears complete and verified or not at all.

    What an earlier try left is used. Several processes may do this at once: one downloads, the
    others wait for it.

    Args:
        model: Which one.
        folder: Made if it is not there.
        mirror: Address of a folder with the zips, tried first; None: HPE_VOLLEYBALL_MIRROR.
        on_progress: Told about the progress.
        patience: When to give up a server.

    Raises:
        ModelError: no address gives the model, or the folder cannot be written.
    """
    tell = on_progress or _ignore
    target = folder / model.file
    with _writing(folder, f"--models-dir or free {folder}"), _locked(folder, model, tell):
        if is_intact(target, model):
            return target
        failures = []
        for url in _addresses(model, mirror):
            try:
                _fetch_from(url, model, target, tell, patience or Patience())
            except (TransferError, ModelError) as error:
                failures.append(f"{url}: {error}")
            else:
                return target
    raise ModelError(_not_fetched(model, target, failures))


def import_model(file: Path, folder: Path, *, name: str | None = None) -> Path:
    """Put a model that is a local file, a zip or an ONNX file, into a folder of models.

    Args:
        file: As OpenMMLab offers it, or the `end2end.onnx` inside.
        folder: Made if it is not there.
        name: Which model it is; None: known by its content, or by the name of the zip.

    Returns:
        Where it is now.

    Raises:
        ModelError: the file cannot be read, or is not a model of the catalogue.
    """
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise ModelError(
            f"{file}: expected a zip or ONNX file, found none that can be read "
            f"({error.strerror}); check the path"
        ) from error
    named = model_named(name) if name is not None else _by_zip_name(file)
    with _writing(folder, "--models-dir"):
        part = folder / f".import-{os.getpid()}.part"
        try:
            if zipfile.is_zipfile(file) or file.suffix.lower() == ".zip":
                extract_model(file, part)
            else:
                shutil.copyfile(file, part)
            model = named or _by_content(part)
            _check_content(part, model)
            return _put(part, folder / model.file)
        except ModelError as error:
            raise ModelError(f"{file}: {error}") from error
        finally:
            part.unlink(missing_ok=True)


def is_intact(path: Path, model: Model) -> bool:
    """Whether a file is there and has the content that the model must have, as far as known."""
    return path.is_file() and model.sha256 in {None, sha256_of(path)}


def _ignore(_label: str, _done: int, _total: int | None) -> None:
    pass


def _addresses(model: Model, mirror: str | None) -> list[str]:
    """Where to try, in this order."""
    mirror = mirror or os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return [model.url]
    if not mirror.startswith(("http://", "https://")):
        raise ModelError(
            f"--mirror or {MIRROR_VARIABLE}: expected an address with http:// or https://, "
            f"found {mirror!r}"
        )
    return [f"{mirror.rstrip('/')}/{model.zip_name}", model.url]


def _fetch_from(url: str, model: Model, target: Path, tell: OnProgress, patience: Patience) -> None:
    """Fetch and put into place; bytes of an earlier try that prove useless are fetched again."""
    part = target.with_name(f".{model.zip_name}.part")

    def on_bytes(done: int, total: int | None) -> None:
        tell(model.name, done, total)

    while True:
        resumed = transfer(url, part, patience=patience, on_bytes=on_bytes)
        model_part = target.with_name(f".{target.name}.part")
        try:
            extract_model(part, model_part)
            _check_content(model_part, model)
        except ModelError:
            if not resumed:
                raise
        else:
            _put(model_part, target)
            return
        finally:
            part.unlink()
            model_part.unlink(missing_ok=True)


def _check_content(path: Path, model: Model) -> None:
    """By its hash where that is published, else by what the model takes and gives.

    Raises:
        ModelError: it is another model.
    """
    if model.sha256 is not None:
        found = sha256_of(path)
        if found != model.sha256:
            raise ModelError(
                f"expected {model.name} with sha256 {model.sha256}, found {found}: refused"
            )
        return
    session = open_session(path, "cpu")
    if model.role == "det":
        RTMDet(session)
        return
    poser = RTMPose(session)
    found_size, joints = (poser.input_width, poser.input_height), len(poser.skeleton.names)
    if (found_size, joints) != (model.input_size, model.keypoints):
        raise ModelError(
            f"expected {model.name} with input {model.input_size} and {model.keypoints} keypoints, "
            f"found {session.describe()}: refused"
        )


def _put(part: Path, target: Path) -> Path:
    """Give a complete file its final name."""
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    part.replace(target)
    return target


def _by_zip_name(file: Path) -> Model | None:
    return next((model for model in MODELS if model.zip_name == file.name), None)


def _by_content(path: Path) -> Model:
    sha256 = sha256_of(path)
    model = by_sha256(sha256)
    if model is None:
        raise ModelError(
            f"expected a model of the catalogue, found one with sha256 {sha256}, which is none of "
            "them; say with --as NAME which it is, or give its path to --det or --pose"
        )
    return model


@contextmanager
def _writing(folder: Path, remedy: str) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ModelError(
            f"{folder} cannot be written ({reason}); name another folder with {remedy}"
        ) from error


@contextmanager
def _locked(folder: Path, model: Model, tell: OnProgress) -> Iterator[None]:
    """Hold the model against other processes that would download it."""
    lock = FileLock(folder / f".{model.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"{model.name}: waiting for another process that downloads it", 0, None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _not_fetched(model: Model, target: Path, failures: list[str]) -> str:
    return (
        f"{model.name} cannot be downloaded ({'; '.join(failures)}). Try again later, or set "
        f"another server with --mirror or {MIRROR_VARIABLE}, or fetch {model.zip_name} elsewhere "
        f"and run `hpe-volleyball models import {model.zip_name}`, or put its end2end.onnx at "
        f"{target}"
    )
