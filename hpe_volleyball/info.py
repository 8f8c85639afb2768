"""Collects what a bug report needs: versions, machine, devices tried out, codecs, models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hpe_volleyball.errors import ModelError
from hpe_volleyball.media.codecs import decoders, encoders
from hpe_volleyball.models.devices import PROVIDERS
from hpe_volleyball.models.folders import cache_folder, download_folder, search_folders
from hpe_volleyball.models.inventory import inventory, verify
from hpe_volleyball.models.libraries import (
    compiled_in,
    cuda_major,
    installed_flavours,
    tensorrt_version,
)
from hpe_volleyball.models.nvidia import read_driver
from hpe_volleyball.models.providers import choose_device, why_not
from hpe_volleyball.output import provenance


def collect(models_dir: Path | None = None) -> dict[str, Any]:
    """Everything, as JSON can carry it."""
    auto = choose_device("auto")
    compiled = compiled_in()
    return {
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "nvidia": asdict(read_driver()),
        "onnxruntime": {
            "installed": installed_flavours(),
            "cuda": cuda_major() or None,
            "tensorrt": tensorrt_version() or None,
        },
        "devices": {
            device: {
                "provider": provider,
                "compiled_in": provider in compiled,
                "works": not why_not(device),
                "why_not": why_not(device),
            }
            for device, provider in PROVIDERS.items()
        },
        "auto": asdict(auto),
        "decoders": decoders(),
        "encoders": encoders(),
        "models": _models(models_dir),
        "folders": {
            "models": [str(folder.absolute()) for folder in search_folders(models_dir)],
            "downloads": _folder(lambda: download_folder(models_dir)),
            "cache": _folder(cache_folder),
        },
    }


def _folder(find: Callable[[], Path]) -> str:
    try:
        return str(find().absolute())
    except ModelError as error:
        return f"none: {error}"


def _models(models_dir: Path | None) -> list[dict[str, str]]:
    precisions = {
        held.model.name: ", ".join(held.variants) for held in inventory(models_dir) if held.path
    }
    return [
        {
            "name": each.model.name,
            "file": str(each.path.absolute()),
            "content": each.state,
            "variants": precisions[each.model.name],
        }
        for each in verify(models_dir)
    ]
