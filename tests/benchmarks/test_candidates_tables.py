"""The page of track_candidates.py says what the runs say."""

from __future__ import annotations

from typing import Any

from candidates_tables import tables


def run(method: str, scenario: str, interval: int, idf1: float) -> dict[str, Any]:
    return {
        "method": method,
        "interval": interval,
        "scenario": scenario,
        "idf1": idf1,
        "switches_per_min": 10.0,
        "recall": 0.9,
        "precision": 0.95,
        "box_iou": 0.8,
        "calls": 1 / interval,
    }


def content(clips: list[dict[str, Any]]) -> dict[str, Any]:
    runs = [
        run(method, scenario, interval, idf1 - interval / 100)
        for scenario, idf1 in (("one", 0.9), ("two", 0.7))
        for method in ("ours", "theirs")
        for interval in (1, 4)
    ]
    return {
        "machine": {"processor": "CPU", "cores": 2},
        "versions": {},
        "runs": runs,
        "clips": clips,
        "code_lines": {"ours": 120, "theirs": 80},
        "track_ms": {"ours": 1.234, "theirs": 0.5},
    }


def test_a_table_for_each_interval_with_means_and_the_worst() -> None:
    page = tables(content([]))
    every, fourth = page.split("## N = 4")
    assert "## Every frame: mean over 2 rallies" in every
    assert "| ours | 0.790 | 10.0 | 0.900 | 0.950 | 0.800 | 100.0% | 0.690 | 120 | 1.23 |" in every
    assert "| theirs | 0.760 | 10.0 | 0.900 | 0.950 | 0.800 | 25.0% | 0.660 | 80 |  |" in fourth
    assert "Real clips" not in page


def test_clips_show_agreement_with_both_references() -> None:
    row = {"clip": "walk", "interval": 4, "to_bytetrack": 0.8, "ids": 3}
    clips = [{**row, "method": "ours", "to_shipped": 0.9}, {**row, "method": "theirs"}]
    clips[1]["to_shipped"] = 0.85
    page = tables(content(clips))
    assert "## Real clips, N = 4" in page
    assert "| ours | 0.900, 0.800; 3 |" in page
    assert "| theirs | 0.850, 0.800; 3 |" in page
