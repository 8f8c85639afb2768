"""Runs code in a process of its own, which it may kill or starve of disk space."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python code with these `sys.argv[1:]` from the folder above `tests`."""
    command = [sys.executable, "-c", dedent(code), *map(str, arguments)]
    root = Path(__file__).parents[1]
    return subprocess.run(  # noqa: S603 - the code comes from tests
        command, capture_output=True, text=True, timeout=60, check=False, cwd=root
    )
