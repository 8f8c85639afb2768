"""Runs programs in processes of their own and takes their time and memory.

A process is charged with the memory of the one that started it, up to the moment it becomes a
program of its own. So this script, which is small, stands in between: python children.py REPORT
COMMAND... runs a command and writes what it took.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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

    Args:
        command: The program and its arguments.
        log: Gets what it prints; what it took is written beside it.

    Raises:
        RuntimeError: it failed; the message has the end of what it printed.
    """
    report = log.with_suffix(".json")
    between = [sys.executable, __file__, str(report), *command]
    with log.open("wb") as out:
        code = subprocess.call(between, stdout=out, stderr=subprocess.STDOUT)  # noqa: S603 - ours
    if code:
        said = log.read_text(encoding="utf-8", errors="replace")[-800:]
        raise RuntimeError(f"{' '.join(command)} ended with {code}: {said}")
    return Cost(**json.loads(report.read_text(encoding="utf-8")))


def main() -> int:
    """Run the command, write the report, pass the exit code on."""
    report, *command = sys.argv[1:]
    started = perf_counter()
    child = subprocess.Popen(command)  # noqa: S603 - ours
    _, status, used = os.wait4(child.pid, 0)
    wall_s = perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    cost = Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * _RSS_UNIT / 1e6)
    Path(report).write_text(json.dumps(asdict(cost)), encoding="utf-8")
    return child.returncode


if __name__ == "__main__":
    sys.exit(main())
