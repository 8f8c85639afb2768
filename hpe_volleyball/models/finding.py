"""Where model files are looked for: a path, the folders of models, then the download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hpe_volleyball.errors import ModelError
from hpe_volleyball.files import exists, is_file
from hpe_volleyball.models.catalogue import (
    AUTO_MODES,
    BY_NAME,
    MODES,
    ROLE_NAMES,
    Mode,
    Model,
    Role,
    model_named,
)
from hpe_volleyball.models.devices import GPU, Granted
from hpe_volleyball.models.folders import download_folder, search_folders
from hpe_volleyball.models.hashing import check_sha256
from hpe_volleyball.models.waiting import OnProgress
from hpe_volleyball.options import InferOptions

PRECISIONS = ("fp16", "int8")
"""Variants of a model that lie beside it, as NAME.fp16.onnx."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of a run."""

    det: Path
    pose: Path
    note: str
    """How they were chosen, where the program chose; else ""."""


def find(model: Model, models_dir: Path | None) -> Path | None:
    """The file of a model, if it is in one of the folders; not verified."""
    paths = (folder / model.file for folder in search_folders(models_dir))
    return next((path for path in paths if is_file(path)), None)


def variants(path: Path) -> dict[str, Path]:
    """The files of other precisions beside a model file, by precision."""
    beside = {precision: path.with_suffix(f".{precision}.onnx") for precision in PRECISIONS}
    return {precision: file for precision, file in beside.items() if is_file(file)}


def settled_mode(mode: Mode, device: Granted) -> Mode:
    """The mode, "auto" settled by what the models will run on."""
    if mode != "auto":
        return mode
    elsewhere, on_gpu = AUTO_MODES
    return on_gpu if device in GPU else elsewhere


def resolve_models(
    options: InferOptions, device: Granted, *, on_progress: OnProgress | None = None
) -> ModelFiles:
    """The files of the detector and the pose model that the options ask for.

    What is asked for by name, or left to the mode, is looked for in `search_folders` and else
    downloaded; its content is compared with the known sha256.

    Args:
        options: `det`, `pose` and `mode` say which; the rest of them where from.
        device: What the models will run on; settles mode "auto".
        on_progress: Called while a file is downloaded.

    Raises:
        ModelError: a name is unknown, or a file is not there, cannot be fetched or is not what its
            name says.
    """
    mode, note = settled_mode(options.mode, device), ""
    if mode != options.mode:
        note = f"mode auto: {mode}, because the models run on {device}"
        if mode == "lightweight":
            note += "; it misses people far away, --mode balanced finds more of them and is slower"
    asked: dict[Role, str | Path | None] = {"det": options.det, "pose": options.pose}
    files = {
        role: _resolve(role, value, mode, options, on_progress) for role, value in asked.items()
    }
    return ModelFiles(files["det"], files["pose"], "" if all(asked.values()) else note)


def _resolve(
    role: Role,
    asked: str | Path | None,
    mode: Mode,
    options: InferOptions,
    on_progress: OnProgress | None,
) -> Path:
    if asked is None:
        asked = MODES[mode][role == "pose"]
    if _is_path(asked):
        return Path(asked)
    model = model_named(str(asked))
    if model.role != role:
        raise ModelError(
            f"--{role} {model.name}: expected a {ROLE_NAMES[role]}, found a "
            f"{ROLE_NAMES[model.role]}; are --det and --pose swapped?"
        )
    found = find(model, options.models_dir)
    if found is not None:
        check_sha256(found, model.sha256)
        return found
    if options.offline:
        raise ModelError(_not_here(model, options.models_dir))
    # Loads Python's HTTP and TLS, which most runs never need.
    from hpe_volleyball.models.download import fetch  # noqa: PLC0415

    return fetch(
        model,
        download_folder(options.models_dir),
        mirror=options.mirror,
        on_progress=on_progress,
    )


def _is_path(asked: str | Path) -> bool:
    """Whether a path is meant: a name has neither folder nor suffix, and no file is called so."""
    if isinstance(asked, Path):
        return True
    if asked in BY_NAME:
        return False
    path = Path(asked)
    return path.suffix == ".onnx" or path.name != asked or exists(path)


def _not_here(model: Model, models_dir: Path | None) -> str:
    folders = ", ".join(map(str, search_folders(models_dir)))
    return (
        f"{model.name}: expected {model.file} in one of the folders {folders}, found none, and "
        f"--offline forbids the download; fetch {model.url} elsewhere and run `hpe-volleyball "
        f"models import {model.zip_name}`"
    )
