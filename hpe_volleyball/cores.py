"""How many processors this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota: Path = _QUOTA) -> int:
    """Logical processors that this process may use, at least 1.

    Those that it may run on (`taskset`, a cluster's scheduler), and of them as many as a container
    may keep busy.

    Args:
        quota: Where Linux says how much processor time the container gets (cgroup v2, cpu.max).
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        granted, period = quota.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        granted = "max"
    if not granted.isdigit():  # "max": no limit
        return there or 1
    return max(1, min(there or 1, int(granted) // int(period)))
