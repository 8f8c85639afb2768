"""Takes the model out of a zip: one file, never under a path that the zip chooses."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from hpe_volleyball.errors import ModelError

MEMBER = "end2end.onnx"
"""Name of the model in OpenMMLab's zips, in whatever folder."""

_LARGEST = 2**31
"""Bytes that a model may have; ONNX files end there, larger ones keep their weights outside."""


def extract_model(archive: Path, target: Path) -> None:
    """Write the model that a zip holds to `target`.

    Raises:
        ModelError: it is no zip, is damaged or cut off, holds no model or more than one, or a path
            that leads out of it.
        OSError: the target cannot be written.
    """
    try:
        with (
            zipfile.ZipFile(archive) as opened,
            opened.open(_model_in(opened)) as source,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ModelError(f"expected a zip file, found a damaged or unfinished one ({error})") from (
            error
        )
    except RuntimeError as error:  # zipfile's way to ask for a password
        raise ModelError(f"expected a zip file that opens, found: {error}") from error


def _model_in(opened: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The entry of the model."""
    for name in opened.namelist():
        if _leads_out(name):
            raise ModelError(f"found a path that leads out of the zip ({name}): it is not trusted")
    found = [entry for entry in opened.infolist() if PurePosixPath(entry.filename).name == MEMBER]
    if len(found) != 1:
        raise ModelError(f"expected one {MEMBER} in the zip, found {len(found)}")
    if found[0].file_size > _LARGEST:
        raise ModelError(f"expected a model of at most 2 GiB, found {found[0].file_size} bytes")
    return found[0]


def _leads_out(name: str) -> bool:
    windows = PureWindowsPath(name)
    return ".." in windows.parts or bool(windows.anchor)
