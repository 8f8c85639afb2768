"""Which models of the catalogue are here, whether they are right, and how to get the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.catalogue import AUTO_MODES, MODELS, MODES, Mode, Model, model_named
from hpe_volleyball.models.download import fetch, is_intact
from hpe_volleyball.models.finding import find, variants
from hpe_volleyball.models.folders import download_folder
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.waiting import OnProgress

State = Literal["right", "wrong", "unknown"]
"""Of a file's content; unknown: no checksum of the model is published."""


@dataclass(frozen=True, slots=True)
class Held:
    """A model of the catalogue, and its file if it is here."""

    model: Model
    path: Path | None
    variants: dict[str, Path]
    """Files of other precisions beside it, by precision."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A model file and what its content is."""

    model: Model
    path: Path
    sha256: str
    state: State


def inventory(models_dir: Path | None) -> list[Held]:
    """All models of the catalogue, in its order."""
    found = [(model, find(model, models_dir)) for model in MODELS]
    return [Held(model, path, variants(path) if path else {}) for model, path in found]


def verify(models_dir: Path | None, names: Iterable[str] = ()) -> list[Verified]:
    """Compare the files that are here with the published checksums.

    Args:
        models_dir: Folder to look through first.
        names: Models to verify, all of which must be here; empty: those that are.

    Raises:
        ModelError: a name is unknown, or its file is not here or cannot be read.
    """
    wanted = [model_named(name) for name in names]
    verified = []
    for held in inventory(models_dir):
        if held.path is not None and (not wanted or held.model in wanted):
            verified.append(_verify(held.model, held.path))
        elif held.model in wanted:
            raise ModelError(
                f"{held.model.name}: expected {held.model.file} in a folder of models, found none; "
                f"`hpe-volleyball models pull {held.model.name}` fetches it"
            )
    return verified


def wanted_models(names: Iterable[str], mode: Mode) -> list[Model]:
    """The models with these names, or those of a mode if there are no names.

    "auto" stands for both of its modes: which one it will be is not known before a device is.

    Raises:
        ModelError: a name is unknown.
    """
    names = list(names)
    if not names:
        modes = AUTO_MODES if mode == "auto" else (mode,)
        names = [name for each in modes for name in MODES[each]]
    return [model_named(name) for name in dict.fromkeys(names)]


def pull(
    model: Model, models_dir: Path | None, *, mirror: str | None, on_progress: OnProgress
) -> tuple[Path, bool]:
    """Have a model here: the file that is here if it is right, else a new download.

    Returns:
        Where it is, and whether it was downloaded.

    Raises:
        ModelError: it cannot be fetched.
    """
    path = find(model, models_dir)
    if path is not None and is_intact(path, model):
        return path, False
    folder = path.parent if path is not None else download_folder(models_dir)
    return fetch(model, folder, mirror=mirror, on_progress=on_progress), True


def _verify(model: Model, path: Path) -> Verified:
    try:
        sha256 = sha256_of(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); check the file") from error
    if model.sha256 is None:
        return Verified(model, path, sha256, "unknown")
    return Verified(model, path, sha256, "right" if sha256 == model.sha256 else "wrong")
