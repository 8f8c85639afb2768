"""Fetches models from the official address or a mirror."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.catalogue import Model

MIRROR_VARIABLE = "HPE_VOLLEYBALL_MIRROR"

OnProgress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes that are there and the bytes in all, None if unknown."""


def fetch(
    model: Model,
    folder: Path,
    *,
    mirror: str | None = None,
    on_progress: OnProgress | None = None,
) -> Path:
    """Download a model into a folder.

    Raises:
        ModelError: always, for now.
    """
    del mirror, on_progress
    raise ModelError(
        f"{model.name}: downloads are not built in yet; fetch {model.url}, take end2end.onnx out "
        f"of it and put it at {folder / model.file}"
    )
