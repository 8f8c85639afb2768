"""Folders of model files and of what is made from them."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

FOLDER_VARIABLE = "HPE_VOLLEYBALL_MODELS"


def cache_folder() -> Path:
    """Where the program keeps what it can make or fetch again."""
    return user_cache_path("hpe-volleyball", appauthor=False)


def download_folder(models_dir: Path | None) -> Path:
    """Where downloads go."""
    return _named_folder(models_dir) or cache_folder() / "models"


def search_folders(models_dir: Path | None) -> list[Path]:
    """The folders of models in the order in which they are looked through."""
    named = _named_folder(models_dir)
    return [*([named] if named else []), Path("models"), cache_folder() / "models"]


def _named_folder(models_dir: Path | None) -> Path | None:
    """The folder of models that the user named: the option, else the environment variable."""
    named = os.environ.get(FOLDER_VARIABLE)
    return models_dir or (Path(named) if named else None)
