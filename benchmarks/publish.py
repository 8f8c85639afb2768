"""Measures what the README says of speed, and writes it there: tables and chart.

bench on the synthetic rally, then with --clip, --det and --pose also on a real clip, then against
rtmlib. About 25 minutes on two cores with nothing else to do. --from-results only writes the
README again from the JSON files.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from compare_tables import frames_of, whole_rows
from writing import RESULTS, table

from hpe_volleyball.bench.plot import plot
from hpe_volleyball.bench.prepare import frames_to_run, prepare
from hpe_volleyball.bench.result import BenchResult
from hpe_volleyball.choices import Weights
from hpe_volleyball.options import InferOptions

ROOT = Path(__file__).parents[1]
README, CHART = ROOT / "README.md", ROOT / "docs"
BEGIN, END = "<!-- speed: written by benchmarks/publish.py -->", "<!-- end of speed -->"
_ROUNDS = 3
_RALLY_S, _CLIP_S = 90.0, 50.0
"""Seconds for all rounds of each bench."""
_RALLY_FRAMES = 300
"""Of each run against rtmlib: six seconds, of which the start is less than a tenth."""


def main() -> None:
    """Measure, unless told not to, and write the README."""
    options = _options()
    if not options.from_results:
        _measure(options)
    results = {path.stem: path for path in sorted(options.results.glob("*.json"))}
    benches = {
        name: BenchResult.from_json(path)
        for name, path in results.items()
        if name.startswith("bench_")
    }
    for name, result in benches.items():
        plot(result, CHART / f"{name}.png")
    compared = results.get("compare_rtmlib")
    text = section(benches, _json(compared) if compared else None)
    README.write_text(put(README.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(text)


def device_name(result: BenchResult) -> str:
    """What the models ran on, as part of a file name."""
    return "cpu" if result.provider.startswith("CPU") else "gpu"


def section(benches: dict[str, BenchResult], compared: dict[str, Any] | None) -> str:
    """What the README says: a table for each benchmark, charts, rtmlib."""
    parts = []
    for name, result in benches.items():
        parts += [_bench_text(name, result), bench_table(result)]
        parts.append(f"![Milliseconds per frame of each row](docs/{name}.png)\n")
    if compared is not None:
        for clip in compared["clips"]:
            parts.append(
                f"Against rtmlib {compared['rtmlib']} on `{clip['clip']}`, {frames_of(clip)} "
                f"frames, {clip['det']} and {clip['pose']} in both, whole programs ([all numbers]"
                "(benchmarks/results/compare_rtmlib.md)):\n"
            )
            parts.append(table(*whole_rows(clip)))
    return "\n".join(parts)


def _bench_text(name: str, result: BenchResult) -> str:
    models = " + ".join(model["name"] for model in result.models)
    gpus = "".join(f", {gpu}" for gpu in result.machine["gpus"])
    machine = f"{result.machine['processor']}, {result.machine['cores']} cores{gpus}"
    return (
        f"`bench`, {result.clip}; {models}, {result.nets}. {machine}, "
        f"{result.rounds} rounds of {result.frames} frames ([all numbers]"
        f"(benchmarks/results/{name}.json)):\n"
    )


def bench_table(result: BenchResult) -> str:
    """The table of a benchmark, as the README shows it."""
    headings = ["", "ms per frame", "fps", "speed-up", "detector calls", "IDF1", "OKS", "p95 px"]
    baseline = result.listed[0]
    rows = []
    for row in result.listed:
        same, fast = row.agreement, row.speed_up(baseline)
        rows.append(
            [
                row.name,
                str(row.total),
                f"{row.fps.median:.1f}",
                f"{fast.median:.2f} ±{fast.spread:.2f}",
                str(row.detector_calls),
                f"{same.idf1:.3f}",
                "-" if same.oks is None else f"{same.oks:.3f}",
                "-" if same.p95_px is None else f"{same.p95_px:.1f}",
            ]
        )
    return table(headings, rows)


def put(readme: str, text: str) -> str:
    """The README with the text between its marks.

    Raises:
        ValueError: it has no marks.
    """
    marked = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)
    if not marked.search(readme):
        raise ValueError(f"README.md: expected {BEGIN} and {END}, found neither or one")
    return marked.sub(lambda _: f"{BEGIN}\n{text}\n{END}", readme)


def _measure(options: argparse.Namespace) -> None:
    rally = _bench(None, InferOptions(device=options.device), _RALLY_S)
    rally.write_json(options.results / f"bench_{device_name(rally)}_rally.json")
    if options.clip is None:
        return
    infer = InferOptions(det=options.det, pose=options.pose, device=options.device)
    clip = _bench(options.clip, infer, _CLIP_S)
    clip.write_json(options.results / f"bench_{device_name(clip)}_clip.json")
    against = [sys.executable, str(Path(__file__).with_name("compare_rtmlib.py"))]
    against += [str(options.clip), "--det", str(options.det), "--pose", str(options.pose)]
    against += ["--device", "cuda" if device_name(clip) == "gpu" else "cpu"]
    against += ["--rally", str(_RALLY_FRAMES), "--results", str(options.results)]
    subprocess.run(against, check=True)  # noqa: S603 - our own script


def _bench(video: Path | None, options: InferOptions, budget_s: float) -> BenchResult:
    weights: Weights = "random" if video is None else "real"
    with TemporaryDirectory() as folder:
        ready = prepare(video, options, weights, Path(folder))
        frames = frames_to_run(
            ready, video, options, frames=None, rounds=_ROUNDS, budget_s=budget_s
        )
        return named_only(ready.measure(frames, _ROUNDS))


def named_only(result: BenchResult) -> BenchResult:
    """The same without the folders of this machine, in which the models lie."""
    models = [{**model, "file": Path(model["file"]).name} for model in result.models]
    return replace(result, models=models)


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, metavar="FILE", help="a real clip")
    parser.add_argument("--det", type=Path, metavar="FILE", help="RTMDet model for the clip")
    parser.add_argument("--pose", type=Path, metavar="FILE", help="RTMPose model for the clip")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--from-results", action="store_true", help="measure nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    if len({options.clip is None, options.det is None, options.pose is None}) > 1:
        parser.error("--clip, --det and --pose belong together")
    return options


if __name__ == "__main__":
    main()
