"""The program, telling when its first frame was done.

python benchmarks/first_frame.py REPORT ARGUMENTS... runs `hpe-volleyball ARGUMENTS...` and writes
to REPORT the time of the system's clock at which the first result had been handed to all files.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic

from hpe_volleyball.cli import main
from hpe_volleyball.console.progress import Progress
from hpe_volleyball.records import FrameResult


def tell_first(report: Path) -> None:
    """Write the report when the progress bar moves for the first time."""
    advance = Progress.advance
    report.unlink(missing_ok=True)

    def tell(bar: Progress, result: FrameResult) -> None:
        if not report.exists():
            report.write_text(str(monotonic()), encoding="utf-8")
        advance(bar, result)

    setattr(Progress, "advance", tell)  # noqa: B010 - a method is no attribute to mypy


if __name__ == "__main__":
    tell_first(Path(sys.argv.pop(1)))
    main()
