"""A synthetic rally whose truth is known, through the whole program with the demo models."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from hpe_volleyball.demo import DemoReport, run_demo


@pytest.fixture(scope="session", params=[0, 1, 2, 3], ids="seed {}".format)
def every_frame(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> DemoReport:
    """Two seconds of six against six, the detector on every frame; seed 0 is the demo's own."""
    return run_demo(
        tmp_path_factory.mktemp("rally"),
        seconds=2.0,
        det_interval=1,
        seed=request.param,
        size=(1280, 720),
        fps=Fraction(25),
    )


def test_everybody_keeps_the_id(every_frame: DemoReport) -> None:
    tracks = every_frame.accuracy.tracks
    assert tracks.idf1 >= 0.99, every_frame.accuracy.rows()


def test_joints_are_within_two_pixels(every_frame: DemoReport) -> None:
    poses = every_frame.accuracy.poses
    assert poses is not None
    assert poses.joints > 50 * 12 * 5
    assert poses.median_px <= 2.0, every_frame.accuracy.rows()


def test_every_frame_was_detected(every_frame: DemoReport) -> None:
    assert every_frame.run.frames == every_frame.run.detector_calls == 50
    assert Path(every_frame.run.outputs["data"]).is_file()
