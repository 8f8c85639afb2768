"""Start-up and time outside the models: what is counted, what is shown."""

from __future__ import annotations

import argparse
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from first_frame import tell_first
from outside_models import covered, report
from start_up import seconds

from hpe_volleyball.console.progress import Progress
from hpe_volleyball.records import Frame, FrameResult, Poses, Tracks
from tests.clips import fixed_rate
from tests.runs import Models


def test_the_first_frame_comes_before_the_end(tmp_path: Path, constant_models: Models) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=14)
    options = argparse.Namespace(clip=clip, det=constant_models.det, pose=constant_models.pose)
    took = seconds(options, tmp_path)
    assert 0 < took["first_s"] < took["all_s"]
    assert (tmp_path / "a.poses.h5").is_file()


def test_later_frames_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Progress, "advance", lambda *_: None)
    told_in = tmp_path / "first.txt"
    told_in.write_text("of an earlier run")
    tell_first(told_in)
    advance = Progress(None, quiet=True).advance  # taken once for all frames, as `infer` does
    result = FrameResult(
        Frame(0, 0.0, np.zeros((2, 2, 3), np.uint8)),
        Tracks.empty(),
        Poses(np.zeros((0, 17, 2), np.float32), np.zeros((0, 17), np.float32)),
        keyframe=True,
    )
    advance(result)
    told = told_in.read_text()
    assert 0 < float(told) <= monotonic()
    advance(result)
    assert told_in.read_text() == told


def test_time_in_which_several_calls_run_counts_once() -> None:
    assert covered([]) == 0
    assert covered([(5, 6), (0, 2), (1, 3), (1.5, 1.6)]) == pytest.approx(4)


def test_shares_are_of_the_wall_time_of_each_round() -> None:
    rounds = [
        {"wall": 2 * n, "inside": n, "floor": n / 2, "cpu": 3 * n, "floor_cpu": n, "crops": 12.0}
        | {"detections": 0.25}
        for n in (10.0, 20.0, 40.0)
    ]
    content = {
        "machine": {"processor": "Abacus", "cores": 2},
        "versions": {"python": "3.11"},
        "models": ["d", "p"],
        "rounds": {"overlay": rounds, "no overlay": rounds[:1]},
    }
    text = report(content, 60)
    assert "| of it, some model is being run | 20.0 (50%) | 10.0 (50%) |" in text
    assert "0.25 detections and 12.0 crops a frame; median of 3 rounds of 60" in text
