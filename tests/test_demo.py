"""The demo: everything it leaves, what it prints, and how the truth is turned into a reference."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.demo import MOSTLY_HIDDEN, run_demo, truth_of
from hpe_volleyball.errors import OutputError
from hpe_volleyball.media.video import probe
from hpe_volleyball.output.results import read_results
from hpe_volleyball.synthetic import Rally, RallyConfig
from tests.runs import Cli, names

SMALL = {"seconds": 0.4, "size": (320, 240), "fps": Fraction(25)}


def test_clip_models_and_results_are_left(tmp_path: Path) -> None:
    seen: list[int] = []
    report = run_demo(tmp_path, **SMALL, on_frame=lambda r: seen.append(r.frame.index))  # type: ignore[arg-type]
    assert names(tmp_path) == [
        "demo-rtmdet.onnx",
        "demo-rtmpose.onnx",
        "rally.mp4",
        "rally.overlay.mp4",
        "rally.poses.h5",
        "rally.run.json",
    ]
    info = probe(report.clip)
    assert (info.width, info.height, info.rate, info.n_frames) == (320, 240, Fraction(25), 10)
    assert seen == list(range(10))
    assert report.accuracy.tracks.reference_ids == 12
    assert dict(report.accuracy.rows())["IDF1"] == f"{report.accuracy.tracks.idf1:.3f}"


def test_another_seed_is_another_rally_and_needs_overwrite(tmp_path: Path) -> None:
    first = run_demo(tmp_path, **SMALL, det_interval=10)  # type: ignore[arg-type]
    before = first.clip.read_bytes()
    with pytest.raises(OutputError, match="use --overwrite"):
        run_demo(tmp_path, **SMALL, seed=1)  # type: ignore[arg-type]
    assert first.clip.read_bytes() == before
    second = run_demo(tmp_path, **SMALL, det_interval=10, seed=1, overwrite=True)  # type: ignore[arg-type]
    assert second.clip.read_bytes() != before


def test_a_clip_of_the_users_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "rally.mp4").write_bytes(b"the final")
    with pytest.raises(OutputError, match=r"rally\.mp4 is already there"):
        run_demo(tmp_path, **SMALL)  # type: ignore[arg-type]
    assert names(tmp_path) == ["rally.mp4"]
    assert (tmp_path / "rally.mp4").read_bytes() == b"the final"


def test_the_truth_as_a_reference() -> None:
    rally = Rally(RallyConfig(width=320, height=240, fps=Fraction(25), seconds=0.4))
    people = truth_of(rally)
    truth = rally.truth(7)
    rows = people.frame == 7
    np.testing.assert_array_equal(people.ids[rows], truth.ids)
    np.testing.assert_array_equal(people.boxes[rows], truth.boxes)
    assert people.keypoint_scores is not None
    np.testing.assert_array_equal(people.keypoint_scores[rows] > 0, truth.visible)
    assert people.ignored is not None
    np.testing.assert_array_equal(people.ignored[rows], truth.occlusion > MOSTLY_HIDDEN)


def test_the_command_prints_times_accuracy_and_files(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("demo", "--output-dir", tmp_path, "--seconds", 1, "--det-interval", 25)
    assert (outcome.code, outcome.err) == (0, "")
    for words in ("Stage times", "IDF1", "joint distance, median", "demo models"):
        assert words in outcome.out
    for name in names(tmp_path):
        assert str(tmp_path / name) in outcome.out
    data = read_results(tmp_path / "rally.poses.h5")
    assert data.fps == 50
    again = cli("demo", "--output-dir", tmp_path, "--quiet")
    assert again.code == 1
    assert again.err.startswith("error: already there from an earlier run")
    assert again.err.count("\n") == 1
