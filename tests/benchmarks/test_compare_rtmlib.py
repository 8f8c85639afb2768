"""The comparison with rtmlib: what is run, what is counted, what is shown."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from children import Cost, run_child
from compare_rtmlib import Case, box_agreement, command, contenders, run_row, same_boxes
from compare_tables import frames_of, ratio_table, tables, whole_rows
from rtmlib_loop import Stopwatch

from tests.runs import Models

OPTIONS = argparse.Namespace(det_size=640, device="cpu", frames=8)
CLIP = Case("a", Path("a.mp4"), Path("d.onnx"), Path("p.onnx"))
RALLY = replace(CLIP, rally=60)


@pytest.mark.parametrize("case", [CLIP, RALLY])
def test_every_contender_gets_the_same_models_frames_and_interval(case: Case) -> None:
    field = contenders(4, openvino=False)
    assert [c.name for c in field if c.ours] == [
        "hpe-volleyball, N = 4",
        "hpe-volleyball, N = 4, every 2nd pose",
        "hpe-volleyball, N = 1",
    ]
    assert len(field) == 7
    assert len(contenders(1, openvino=True)) == 4
    for contender in field:
        line = command(contender, case, OPTIONS, Path("out"), 50)
        assert ("60" in line) == (case is RALLY)
        assert ("--pose-interval" in line) == contender.name.endswith("pose")
        said = dict(pairwise(line))
        for name, value in (("--det", "d.onnx"), ("--pose", "p.onnx"), ("--det-size", "640")):
            assert said[name] == value
        assert said["--max-frames"] == "50"
        interval = said["--det-interval" if contender.ours else "--interval"]
        assert contender.name.partition("N = ")[2][0] == interval
        assert ("--tracking" in line) == contender.name.endswith("on")


def test_boxes_that_only_one_side_has_count_against_both() -> None:
    box = np.array([[0, 0, 10, 10]], np.float32)
    two = np.array([[0, 0, 10, 10], [50, 0, 60, 10]], np.float32)
    sure, weak = np.array([0.9, 0.8], np.float32), np.array([0.9, 0.31], np.float32)
    assert box_agreement([box], [sure[:1]], [box]) == {"boxes": 2, "same": 1, "iou": 1}
    assert box_agreement([two], [sure], [box])["same"] == pytest.approx(2 / 3)
    assert box_agreement([box], [sure[:1]], [two])["same"] == pytest.approx(2 / 3)
    # A box near to the threshold may be on either side.
    assert box_agreement([two], [weak], [box])["same"] == 1
    assert box_agreement([two], [weak], [two])["same"] == 1
    none = np.zeros((0, 4), np.float32)
    assert box_agreement([none], [sure[:0]], [none]) == {"boxes": 0, "same": 1, "iou": 1}
    moved = box + np.float32(3)
    assert box_agreement([box], [sure[:1]], [moved])["same"] == 0


@pytest.mark.shared
def test_real_detectors_see_the_same(shared: Path, real_models: Models) -> None:
    options = argparse.Namespace(det=real_models.det, det_size=320, frames=4)
    found = same_boxes(shared / "clips" / "balance-3people-60fps.mp4", options)
    assert found["boxes"] == 24
    assert found["same"] == 1
    assert found["iou"] > 0.98


def test_a_child_is_timed_from_start_to_end(tmp_path: Path) -> None:
    held = np.ones(50_000_000)  # what this process holds is not the child's
    code = "import time; block = bytearray(80_000_000); time.sleep(0.2)"
    started = time.perf_counter()
    cost = run_child([sys.executable, "-c", code], tmp_path / "log")
    assert 0.2 <= cost.wall_s <= time.perf_counter() - started
    assert cost.cpu_s > 0
    assert 80 < cost.peak_mb < 200 < held.nbytes / 1e6


def test_a_child_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 3: no such luck"):
        run_child(
            [sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"], tmp_path / "log"
        )


def test_stages_inside_others_are_taken_out() -> None:
    watch = Stopwatch()
    pose = watch.timed("pose", time.sleep)
    with watch.time("track"):
        pose(0.05)
    assert watch.seconds["pose"] >= 0.05
    assert 0 <= watch.seconds["track"] < watch.seconds["pose"]


def test_what_stands_in_for_the_nets_is_not_counted() -> None:
    told = {"frames": 10, "people": 30, "loop_s": 2.0, "stages_s": {}, "stand_in_s": 0.5}
    row = run_row(Cost(4.0, 6.0, 300.0), told)
    assert (row["wall_s"], row["cpu_s"], row["loop_ms"]) == (3.5, 5.5, 200)


def test_the_table_is_of_medians_and_ratios_by_round() -> None:
    def row(wall_s: float) -> dict[str, object]:
        told = {"frames": 10, "people": 30, "loop_s": wall_s / 2, "stages_s": {"pose": wall_s / 4}}
        return run_row(Cost(wall_s, 2 * wall_s, 300.4), told)

    clip = {
        "clip": "walk",
        "det": "d",
        "pose": "p",
        "boxes": {"boxes": 40.0, "same": 1.0, "iou": 0.99},
        "runs": {
            "ours, N = 4": [row(1), row(4), row(2)],
            "rtmlib, N = 4": [row(2), row(4), row(8)],
        },
    }
    rows = whole_rows(clip)[1]
    assert "| rtmlib, N = 4 | 2.00 (2.00) |" in ratio_table(clip)
    assert rows[0] == [
        "ours, N = 4",
        "2.0 ±1.5",
        "4.0 ±3.0",
        "300",
        "100.0 ±75.0",
        "10.0",
        "3.00",
        "1.00",
    ]
    assert rows[1][-1] == "0.50"
    content = {
        "machine": {"processor": "Abacus", "cores": 2},
        "versions": {"python": "3.11"},
        "rtmlib": "0.0.16",
        "settings": {"rounds": 3, "det_size": 640, "device": "cpu"},
        "clips": [clip],
    }
    text = tables(content)
    assert "| rtmlib, N = 4 | 0.0 | 0.0 | 0.0 | 100.0 | 0.0 | 0.0 |" in text
    assert "10 frames. d at 640 px, p." in text
    assert "100.0% of 40 boxes are the same, mean IoU 0.9900" in text


def test_runs_of_other_lengths_are_not_compared() -> None:
    runs = {"ours": [{"frames": 10}, {"frames": 10}], "rtmlib": [{"frames": 9}]}
    with pytest.raises(ValueError, match="walk: expected as many frames in every run"):
        frames_of({"clip": "walk", "runs": runs})
