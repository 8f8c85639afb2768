"""Real models on real clips: people are found, and their joints lie on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpe_volleyball.media.video import probe
from hpe_volleyball.output.results import Results, read_results
from hpe_volleyball.records import Bools
from tests.runs import Cli, Models, names, stamps

pytestmark = pytest.mark.shared

CLIPS: dict[str, dict[str, Any]] = {
    "balance-3people-60fps": {"start": 0, "frames": 24, "people": 3},
    "walk-2people-30fps": {"start": 2, "frames": 24, "people": 2},
    "one-by-one-10fps": {"start": 10, "frames": 32, "people": 1},
}
"""Where to begin (seconds), how many frames, how many people are to be seen there."""
SURE = 0.3
"""Keypoints from this score on are drawn."""


@pytest.fixture(scope="session", params=CLIPS)
def clip(request: pytest.FixtureRequest, shared: Path) -> Path:
    return shared / "clips" / f"{request.param}.mp4"


@pytest.fixture
def results(cli: Cli, clip: Path, real_models: Models, tmp_path: Path) -> Results:
    part = CLIPS[clip.stem]
    outcome = cli(
        *("infer", clip, *real_models.options, "--output-dir", tmp_path, "--device", "cpu"),
        *("--start", part["start"], "--max-frames", part["frames"]),
    )
    assert (outcome.code, outcome.err) == (0, "")
    return read_results(tmp_path / f"{clip.stem}.poses.h5")


def test_people_are_found_and_their_joints_lie_on_them(
    results: Results, clip: Path, tmp_path: Path
) -> None:
    part, info = CLIPS[clip.stem], probe(clip)
    assert len(results.frame_index) == part["frames"]
    settled = results.person_frame >= part["frames"] // 3
    counts = np.bincount(results.person_frame[settled], minlength=part["frames"])
    assert np.median(counts[part["frames"] // 3 :]) == part["people"]
    size = np.array([info.width, info.height] * 2)
    assert ((results.bbox >= -1) & (results.bbox <= size + 1)).all()
    assert (results.bbox[:, 2:] > results.bbox[:, :2]).all()
    _check_joints(results)
    _check_files(results, clip, tmp_path)


def _check_joints(results: Results) -> None:
    """Sure joints lie in the box or near it, and fill its height."""
    corner, side = results.bbox[:, None, :2], results.bbox[:, None, 2:] - results.bbox[:, None, :2]
    inside = (results.keypoints - corner) / side
    sure = results.keypoint_scores >= SURE
    assert sure.mean() > 0.6
    near: Bools = np.abs(inside - 0.5).max(axis=2) < 0.65
    assert near[sure].mean() > 0.97
    # A skeleton that sits on its person reaches from top to bottom.
    whole = sure.sum(axis=1) >= 12
    heights = np.nanmax(np.where(sure, inside[..., 1], np.nan)[whole], axis=1) - np.nanmin(
        np.where(sure, inside[..., 1], np.nan)[whole], axis=1
    )
    assert np.median(heights) > 0.6


def _check_files(results: Results, clip: Path, folder: Path) -> None:
    stem = clip.stem
    assert names(folder) == [f"{stem}.overlay.mp4", f"{stem}.poses.h5", f"{stem}.run.json"]
    shown = stamps(folder / f"{stem}.overlay.mp4")
    np.testing.assert_allclose(shown, results.time_s - results.time_s[0], atol=1e-6)
    told = json.loads((folder / f"{stem}.run.json").read_text(encoding="utf-8"))
    assert told["summary"]["people"] == len(results.track_id)


def test_an_empty_scene_gives_no_people(
    cli: Cli, shared: Path, real_models: Models, tmp_path: Path
) -> None:
    outcome = cli(
        *("infer", shared / "clips" / "one-by-one-10fps.mp4", *real_models.options),
        *("--output-dir", tmp_path, "--max-frames", 12),
    )
    assert outcome.code == 0
    data = read_results(tmp_path / "one-by-one-10fps.poses.h5")
    assert len(data.frame_index) == 12
    assert len(data.track_id) == len(data.keypoints) == 0
