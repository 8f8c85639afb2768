"""Names of unfinished results, and small files that appear complete or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG
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
    """Whether there is such a file; `Path.exists` raises where that cannot be told.

    As of a name that is too long for the disk, and in a folder that may not be entered.
    """
    return _mode(path) != 0


def is_file(path: Path) -> bool:
    """Whether this is a regular file, as far as it can be told."""
    return S_ISREG(_mode(path))


def is_directory(path: Path) -> bool:
    """Whether this is a directory, as far as it can be told."""
    return S_ISDIR(_mode(path))


def why_missing(path: Path) -> str:
    """Why nothing `exists` under a path, for a message."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return "no such file"
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    return "no such file"  # it has come in the meantime


def _mode(path: Path) -> int:
    """Kind and permissions (st_mode); 0 where there is nothing, or nobody can tell."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):  # of ValueError: a name with a zero byte
        return 0


def sync(path: Path) -> None:
    """Bring what was written to a file to the disk itself, so that a power cut spares it.

    Raises:
        OSError: the disk fails, or the file is no longer there.
    """
    with path.open("r+b") as file:
        os.fsync(file.fileno())


@contextmanager
def replacing(path: Path, fresh: Path | None = None) -> Iterator[Path]:
    """Where to write what appears as `path`, or replaces it, when the block ends without an error.

    After an error nothing of it is left, and an earlier `path` stays.

    Args:
        path: The final name, in a folder that is there.
        fresh: Where to write; None: beside it, in a file of this process's own that ends alike.

    Raises:
        OSError: it cannot be given its name, or the disk fails.
    """
    if fresh is None:
        fresh = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield fresh
        sync(fresh)
        fresh.replace(path)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def write_run_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as JSON; `path` appears, or is replaced, only when all is written.

    Raises:
        OutputError: the file cannot be written.
        TypeError: `content` holds something that JSON cannot carry.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    try:
        with replacing(path, finishing_path(path)) as fresh:
            # Half a surrogate pair, as Python has for a byte of a name that is not UTF-8, becomes
            # the escape that JSON has for it.
            fresh.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
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
