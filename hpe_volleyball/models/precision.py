"""Which file of a model to run: the original, or one that `hpe-volleyball quantize` made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hpe_volleyball.errors import ModelError
from hpe_volleyball.files import is_file
from hpe_volleyball.models.contents import read_contents
from hpe_volleyball.models.devices import GPU, Granted, Precision
from hpe_volleyball.models.folders import search_folders
from hpe_volleyball.models.hashing import sha256_of

PREFIX: Final = "hpe_volleyball."
"""Of the entries in a converted model's metadata."""

_VALIDATED: Final = frozenset({"safe", "usable"})


@dataclass(frozen=True, slots=True)
class ChosenFile:
    """The file that will run."""

    path: Path
    note: str
    """What the user should know about the choice; else ""."""


def choose_file(
    path: Path, precision: Precision, device: Granted, models_dir: Path | None
) -> ChosenFile:
    """The file of a model in the precision that is asked for.

    "auto" takes a validated FP16 file on a GPU, if there is one, and else the original.

    Args:
        path: The original.
        precision: What is asked for.
        device: What the model will run on.
        models_dir: Folder of models that the user named.

    Raises:
        ModelError: there is no file of this precision, or it was made of another model.
    """
    if precision == "fp32" or (precision == "auto" and device not in GPU) or not is_file(path):
        return ChosenFile(path, "")
    kind = "fp16" if precision == "auto" else precision
    found = _variant(path, kind, models_dir)
    if precision == "auto":
        why = _why_not(found, path)
        return ChosenFile(path, why) if found is None or why else ChosenFile(found, "")
    if found is None:
        raise ModelError(
            f"--precision {kind}: expected {path.stem}.{kind}.onnx beside {path} or in a folder of "
            f"models, found none; make it with `hpe-volleyball quantize --precision {kind}`"
        )
    if _of_another(found, path):
        raise ModelError(
            f"{found}: made of another model than {path}; make it again with `hpe-volleyball "
            f"quantize --precision {kind}`"
        )
    verdict = _verdict(found)
    if verdict in _VALIDATED:
        return ChosenFile(found, "")
    return ChosenFile(found, f"{found.name} is {verdict or 'not validated'}: check its results")


def _variant(path: Path, kind: str, models_dir: Path | None) -> Path | None:
    name = f"{path.stem}.{kind}.onnx"
    folders = [path.parent, *search_folders(models_dir)]
    return next((folder / name for folder in folders if is_file(folder / name)), None)


def _why_not(half: Path | None, source: Path) -> str:
    """Why a model does not run in FP16 on a GPU that could; "" if it does."""
    if half is None:
        return f"{source.name} runs in FP32: `hpe-volleyball quantize` makes an FP16 file of it"
    if _of_another(half, source):
        return f"{source.name} runs in FP32: {half.name} was made of another model"
    if _verdict(half) not in _VALIDATED:
        return f"{source.name} runs in FP32: {half.name} is {_verdict(half) or 'not validated'}"
    return ""


def _entry(path: Path, key: str) -> str:
    return read_contents(path).metadata.get(f"{PREFIX}{key}", "")


def _of_another(found: Path, source: Path) -> bool:
    return _entry(found, "source_sha256") != sha256_of(source)


def _verdict(found: Path) -> str:
    return _entry(found, "verdict")
