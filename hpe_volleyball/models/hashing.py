"""Hashes of model files, computed once for a file that does not change."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from hpe_volleyball.errors import ModelError


def sha256_of(path: Path) -> str:
    """Hash of a file, in hex.

    Raises:
        OSError: the file cannot be read.
    """
    stat = path.stat()
    return _sha256(path.resolve(), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str | None) -> None:
    """Compare a model file with the hash that it must have; None: it is not known.

    Raises:
        ModelError: the file has another one, or cannot be read.
    """
    if expected is None:
        return
    try:
        found = sha256_of(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); check the file") from error
    if found != expected:
        raise ModelError(
            f"{path}: expected sha256 {expected}, found {found}: it is damaged or another model; "
            "delete it and run `hpe-volleyball models pull`, or give its path if it is meant"
        )
