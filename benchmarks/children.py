"""Runs programs in processes of their own and takes their time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes per unit of ru_maxrss."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took, from its start to its end."""

    wall_s: float
    cpu_s: float
    """User and system time of all its threads."""
    peak_mb: float
    """Most resident memory at any time, 10^6 bytes."""


def run_child(command: Sequence[str], log: Path) -> Cost:
    """Run a program to its end.

    Raises:
        RuntimeError: it failed; the message has the end of what it printed.
    """
    with log.open("wb") as out:
        started = perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)  # noqa: S603 - ours
        _, status, used = os.wait4(child.pid, 0)
        wall_s = perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        said = log.read_text(encoding="utf-8", errors="replace")[-800:]
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}: {said}")
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * _RSS_UNIT / 1e6)
