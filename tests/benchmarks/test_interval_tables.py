"""The page of the detection interval, from runs with known scores."""

from __future__ import annotations

from typing import Any

import pytest
from interval_tables import tables
from track_interval import METHODS


def page(idf1_of_four: tuple[float, float], switches_of_four: tuple[float, float]) -> list[str]:
    """The lines of a page of two scenarios; all methods but N = 4 have an IDF1 of 0.9 and 0.8."""
    of_four = "ours, N = 4"
    runs: list[dict[str, Any]] = [
        {
            "method": method.name,
            "scenario": f"rally {k}",
            "idf1": idf1_of_four[k] if method.name == of_four else (0.9, 0.8)[k],
            "switches_per_min": switches_of_four[k] if method.name == of_four else 10.0,
            "fragmentations_per_min": 5.0,
            **dict.fromkeys(("recall", "precision", "box_iou", "pck", "oks"), 0.9),
            "calls": 1 / method.interval,
            "crops_per_row": 1.1,
        }
        for method in METHODS
        for k in range(2)
    ]
    content = {
        "machine": {"processor": "one", "cores": 2},
        "versions": {"python": "3"},
        "runs": runs,
        "track_ms": {method.name: 2.0 for method in METHODS},
    }
    return tables(content, [method.name for method in METHODS]).splitlines()


def test_the_difference_is_that_of_each_scenario_with_its_standard_error() -> None:
    lines = page((0.88, 0.80), (11.0, 15.0))
    start = next(k for k, line in enumerate(lines) if line.startswith("## Difference"))
    rows = {line.split(" | ")[0].strip("| "): line for line in lines[start:] if "±" in line}
    assert len(rows) == len(METHODS) - 1
    # Differences -0.02 and 0, 1 and 5: standard deviations 0.01414 and 2.83, by the root of two.
    assert rows["ours, N = 4"] == "| ours, N = 4 | -0.0100 ± 0.0100 | +3.0 ± 2.0 |"
    assert rows["ours, N = 8"] == "| ours, N = 8 | +0.0000 ± 0.0000 | +0.0 ± 0.0 |"


@pytest.mark.parametrize(("switches", "holds"), [((10.0, 11.9), "yes"), ((10.0, 12.1), "**no**")])
def test_one_more_switch_a_minute_is_allowed(switches: tuple[float, float], holds: str) -> None:
    lines = page((0.9, 0.8), switches)
    [line] = [line for line in lines if "switches" in line and "N = 4" in line and "≤" in line]
    assert line.endswith(f"| {holds} |")
