"""Seconds from the start of `infer` to its first settled frame; writes start_up.json and .md.

Each run is a process of its own, on a clip with the given models, on the CPU.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic

from writing import RESULTS, origin, origin_line, table, write_results

_FRAMES = 12
"""Of each run: with look-ahead the first result comes with the second keyframe."""


def seconds(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """One run: until the first result, and until the end of the process."""
    report = folder / "first.txt"
    child = str(Path(__file__).with_name("first_frame.py"))
    command = [sys.executable, child, str(report), "infer", str(options.clip)]
    command += ["--det", str(options.det), "--pose", str(options.pose), "--device", "cpu"]
    command += ["--max-frames", str(_FRAMES), "--output-dir", str(folder), "--overwrite", "--quiet"]
    # Without kept bytecode every start compiles the program anew, as no installed one does.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = monotonic()
    subprocess.run(command, check=True, env=environment)  # noqa: S603 - our own script
    all_s = monotonic() - started
    return {"first_s": float(report.read_text(encoding="utf-8")) - started, "all_s": all_s}


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--det", type=Path, required=True, metavar="FILE")
    parser.add_argument("--pose", type=Path, required=True, metavar="FILE")
    parser.add_argument("--runs", type=int, default=9, metavar="N")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        seconds(options, Path(folder))
        runs = [seconds(options, Path(folder)) for _ in range(options.runs)]
    models = f"{options.det.stem} and {options.pose.stem}"
    content = {**origin(), "clip": options.clip.stem, "models": models, "runs": runs}
    names = {"first_s": "first frame settled", "all_s": f"{_FRAMES} frames, end of the process"}
    rows = []
    for key, name in names.items():
        values = [run[key] for run in runs]
        rows.append([name, f"{median(values):.2f}", f"{min(values):.2f}", f"{max(values):.2f}"])
    text = (
        "# Start-up\n\n"
        "Written by `benchmarks/start_up.py`; what it does: [README.md](../README.md).\n\n"
        f"{origin_line(content)} `infer` on {options.clip.stem} with {models}, {options.runs} "
        "runs, seconds from the start of the process:\n\n"
        f"{table(['', 'median', 'least', 'most'], rows)}"
    )
    write_results("start_up", content, text, options.results)
    print(text)


if __name__ == "__main__":
    main()
