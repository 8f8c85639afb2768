"""Folders of model files and of what is made from them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from hpe_volleyball.errors import ModelError

FOLDER_VARIABLE = "HPE_VOLLEYBALL_MODELS"


def cache_folder() -> Path:
    """Where the program keeps what it can make or fetch again.

    Raises:
        ModelError: the system knows no home directory of this user.
    """
    try:
        return user_cache_path("hpe-volleyball", appauthor=False)
    except RuntimeError as error:
        raise ModelError(
            f"this user has no home directory to keep models in ({error}); name a folder with "
            f"--models-dir or {FOLDER_VARIABLE}, or set HOME"
        ) from error


def download_folder(models_dir: Path | None) -> Path:
    """Where downloads go.

    Raises:
        ModelError: no folder was named, and there is no cache.
    """
    return _named_folder(models_dir) or cache_folder() / "models"


def search_folders(models_dir: Path | None) -> list[Path]:
    """The folders of models in the order in which they are looked through.

    A user without a home directory, as in a container, has no cache.
    """
    named = _named_folder(models_dir)
    folders = [*([named] if named else []), Path("models")]
    with suppress(ModelError):
        folders.append(cache_folder() / "models")
    return folders


def _named_folder(models_dir: Path | None) -> Path | None:
    """The folder of models that the user named: the option, else the environment variable."""
    named = os.environ.get(FOLDER_VARIABLE)
    return models_dir or (Path(named) if named else None)
