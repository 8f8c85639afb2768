"""A lock that another process respects, and that ends with the process that holds it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hpe_volleyball.errors import InUseError
from hpe_volleyball.output.alone import alone
from tests.runs import names

HOLD = """
import sys
from pathlib import Path
from hpe_volleyball.output.alone import alone

with alone(Path(sys.argv[1]), "results of another process"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_of_another_process_that_is_then_killed(tmp_path: Path) -> None:
    lock = tmp_path / "new" / ".match.lock"
    with subprocess.Popen(  # noqa: S603 - this Python, and the lines above
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InUseError, match="results of match are being"), _held(lock):
            pass
        holder.kill()
        holder.wait()
    assert names(lock.parent) == [".match.lock"]  # what a killed process leaves is in nobody's way
    with _held(lock):
        pass
    assert names(lock.parent) == []


def test_it_ends_with_an_error_too(tmp_path: Path) -> None:
    lock = tmp_path / ".match.lock"
    with pytest.raises(KeyError), _held(lock):
        raise KeyError
    with _held(lock):
        assert lock.exists()


def _held(lock: Path) -> AbstractContextManager[None]:
    return alone(lock, "results of match")
