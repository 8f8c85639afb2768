"""This program's `infer` on bench's rally, its nets blind: the rally's truth, with errors, answers.

python benchmarks/rally_child.py REPORT FRAMES ARGUMENTS... runs `hpe-volleyball ARGUMENTS...` and
writes to REPORT how many seconds went into what stands in for the nets.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from hpe_volleyball import loaded
from hpe_volleyball.cli import main
from hpe_volleyball.options import InferOptions


def run(report: Path, frames: int) -> None:
    """Run the program with the arguments that are left."""
    started = perf_counter()
    from hpe_volleyball.bench.scene import StandIns, rally_of  # noqa: PLC0415 - timed

    stand_ins, load = StandIns(rally_of(frames)), loaded.load_models

    def load_blind(options: InferOptions, **named: Any) -> loaded.Models:
        return stand_ins.blind(load(options, **named))

    loaded.load_models = load_blind
    report.write_text(json.dumps({"stand_in_s": perf_counter() - started}), encoding="utf-8")
    main()


if __name__ == "__main__":
    _report, _frames = Path(sys.argv[1]), int(sys.argv[2])
    del sys.argv[1:3]
    run(_report, _frames)
