"""Are the speed-ups of `bench` those of rows run alone? Writes rows_alone.json and .md.

The rows together, as `bench` runs them, then each in a process of its own. On the CPU, with nets of
random weights on the synthetic rally.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from writing import RESULTS, origin, origin_line, table, write_results

from hpe_volleyball.bench.measure import Bench
from hpe_volleyball.bench.rows import cumulative_rows
from hpe_volleyball.bench.scene import RallyScene
from hpe_volleyball.options import InferOptions
from hpe_volleyball.synthetic.nets import build_graph


def total_ms(frames: int, rounds: int, only: int | None = None) -> dict[str, list[float]]:
    """Milliseconds per frame by row and round: of all rows, or of one of them."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        options = InferOptions(
            det=build_graph("rtmdet-nano", place / "det.onnx"),
            pose=build_graph("rtmpose-t", place / "pose.onnx"),
            device="cpu",
            precision="fp32",
        )
        rows = cumulative_rows(options)
        rows = rows if only is None else [rows[only]]
        bench = Bench(rows, RallyScene(place, frames, stand_ins=True), place)
        bench.warm_up()
        return {row.name: row.total_ms for row in bench.measure(frames, rounds).rows[:-1]}


def judged(together: dict[str, list[float]], alone: dict[str, list[float]]) -> list[dict[str, Any]]:
    """For each row its times, the range of its speed-up, and whether the two ranges meet.

    Together the speed-up is taken round by round, as `bench` does. Alone no round of one row
    belongs to one of another, so every pair of rounds counts.
    """
    first = next(iter(together))
    rows = []
    for name, ms in together.items():
        paired = [a / b for a, b in zip(together[first], ms, strict=True)]
        crossed = [a / b for a in alone[first] for b in alone[name]]
        rows.append(
            {
                "row": name,
                "together_ms": ms,
                "alone_ms": alone[name],
                "together_speed_up": [min(paired), median(paired), max(paired)],
                "alone_speed_up": [min(crossed), median(crossed), max(crossed)],
                "meet": min(paired) <= max(crossed) and min(crossed) <= max(paired),
            }
        )
    return rows


def markdown(content: dict[str, Any]) -> str:
    """The results in Markdown."""
    headings = ["", "ms together", "ms alone", "speed-up together", "alone", "ranges meet"]
    cells = [
        [
            row["row"],
            f"{median(row['together_ms']):.1f}",
            f"{median(row['alone_ms']):.1f}",
            _ranged(*row["together_speed_up"]),
            _ranged(*row["alone_speed_up"]),
            "yes" if row["meet"] else "**no**",
        ]
        for row in content["rows"]
    ]
    return (
        "# Rows of bench, together and alone\n\n"
        "Written by `benchmarks/rows_alone.py`; what it does: [README.md](../README.md). "
        f"{content['rounds']} rounds of {content['frames']} frames.\n\n"
        f"{origin_line(content)}\n\n{table(headings, cells)}"
    )


def _ranged(least: float, middle: float, most: float) -> str:
    return f"{middle:.2f} ({least:.2f} to {most:.2f})"


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=16, metavar="N", help="of each run")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    together = total_ms(options.frames, options.rounds)
    alone: dict[str, list[float]] = {}
    for number in range(len(together)):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            alone |= pool.submit(total_ms, options.frames, options.rounds, number).result()
    rows = judged(together, alone)
    content = {**origin(), "frames": options.frames, "rounds": options.rounds, "rows": rows}
    text = markdown(content)
    write_results("rows_alone", content, text, options.results)
    print(text)


if __name__ == "__main__":
    main()
