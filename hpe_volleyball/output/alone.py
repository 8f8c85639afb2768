"""Keeps two processes from writing the same results at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from filelock import FileLock, Timeout

from hpe_volleyball.errors import InUseError, OutputError
from hpe_volleyball.files import cannot_write


@contextmanager
def alone(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock; the system lets go of it when the process ends, however it ends.

    Args:
        lock: File to lock, gone afterwards; its directory is made if it is not there.
        what: Is written by nobody else meanwhile, such as "results of match in output".

    Raises:
        InUseError: another process, or thread, holds it.
        OutputError: the directory cannot be made or written to.
    """
    directory = lock.parent
    held = FileLock(lock)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):  # told now, not after the last frame
            pass
        held.acquire(timeout=0)
    except Timeout as error:
        raise InUseError(
            f"{what} are being written by another run; let it end, or choose another --output-dir"
        ) from error
    except OSError as error:
        raise OutputError(cannot_write(directory, error)) from error
    try:
        yield
    finally:
        # While it is held: whoever has the file open by now finds it gone, and makes a new one.
        with suppress(OSError):  # Windows removes no open file
            lock.unlink()
        held.release()
