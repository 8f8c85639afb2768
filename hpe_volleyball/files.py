"""Names of unfinished results, and small files that appear complete or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hpe_volleyball.errors import OutputError


def partial_path(path: Path) -> Path:
    """Where a result stands until it is complete: match.poses.partial.h5 for match.poses.h5."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def kept_path(path: Path) -> Path:
    """Where a resumed run keeps what an earlier one left, until it has copied it."""
    return path.with_name(f"{path.stem}.kept.partial{path.suffix}")


def finishing_path(path: Path) -> Path:
    """Where a result is put together just before it gets its final name."""
    return path.with_name(f"{path.name}.finishing")


def exists(path: Path) -> bool:
    """Whether there is such a file; of a name that is too long for the disk there is none."""
    try:
        return path.exists()
    except OSError:
        return False


def sync(path: Path) -> None:
    """Bring what was written to a file to the disk itself, so that a power cut spares it.

    Raises:
        OSError: the disk fails, or the file is no longer there.
    """
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def write_run_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as JSON; `path` appears, or is replaced, only when all is written.

    Raises:
        OutputError: the file cannot be written.
        TypeError: `content` holds something that JSON cannot carry.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    fresh = finishing_path(path)
    try:
        # Half a surrogate pair, as Python has for a byte of a name that is not UTF-8, becomes the
        # escape that JSON has for it.
        with fresh.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise OutputError(cannot_write(path, error)) from error


def cannot_write(path: Path, error: Exception) -> str:
    """What to tell the user about a failed write."""
    reason = getattr(error, "strerror", None) or str(error)
    # HDF5 packs the reason into a long message of several lines.
    packed = re.search(r"error message = '([^']*)'", reason)
    reason = packed[1] if packed else " ".join(reason.split())
    return (
        f"{path} cannot be written ({reason}); expected a folder with room that may be written; "
        f"free some space or choose another --output-dir"
    )
