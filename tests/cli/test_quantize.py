"""`quantize` from the command line: tables, last line, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.http_server import serving_model
from tests.runs import Cli, Models, names


@pytest.mark.slow
def test_a_result_that_is_slower_here_is_not_kept_and_the_code_is_1(
    cli: Cli, demo_models: Models, tmp_path: Path
) -> None:
    outcome = cli(
        *("quantize", "--pose", demo_models.pose, "--device", "cpu", "--frames", 2),
        *("--output-dir", tmp_path, "--budget", 1),
    )
    assert outcome.err == ""
    *_, last = outcome.out.splitlines()
    assert last.startswith("demo-rtmpose.onnx in FP16: ")
    kept = outcome.code == 0
    assert names(tmp_path) == (["demo-rtmpose.fp16.onnx"] if kept else [])
    assert kept or "not kept (--keep-anyway keeps it)" in last


def test_keep_anyway_writes_the_file(cli: Cli, demo_models: Models, tmp_path: Path) -> None:
    outcome = cli(
        *("quantize", "--pose", demo_models.pose, "--device", "cpu", "--frames", 2),
        *("--output-dir", tmp_path, "--budget", 1, "--keep-anyway"),
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert names(tmp_path) == ["demo-rtmpose.fp16.onnx"]
    for words in ("mean OKS", "verdict", "speed against FP32", "MB ->", "synthetic rally"):
        assert words in outcome.out
    assert str(tmp_path / "demo-rtmpose.fp16.onnx") in outcome.out


def test_a_converted_file_as_source_is_one_line(cli: Cli, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing")
    outcome = cli("quantize", "--pose", broken, "--device", "cpu", "--output-dir", tmp_path / "o")
    assert outcome.code == 1
    assert outcome.err.startswith(f"error: {broken}: expected an ONNX model")
    assert len(outcome.err.splitlines()) == 1


def test_a_pose_model_alone_needs_to_know_where_people_are(
    cli: Cli, demo_models: Models, rally_clip: Path
) -> None:
    outcome = cli("quantize", "--pose", demo_models.pose, "--calibrate", rally_clip)
    assert outcome.code == 1
    assert "name a detector with --det too" in outcome.err


def test_swapped_models_are_told_before_pictures_are_taken(
    cli: Cli, demo_models: Models, tmp_path: Path
) -> None:
    for option, model, kind in (
        ("--det", demo_models.pose, "RTMDet"),
        ("--pose", demo_models.det, "RTMPose"),
    ):
        outcome = cli("quantize", option, model, "--output-dir", tmp_path / "out")
        assert outcome.code == 1
        assert outcome.err.startswith(f"error: {model}: expected {kind}")
        assert "swapped" in outcome.err
        assert outcome.out == ""


def test_a_download_is_told_but_not_if_quiet(
    cli: Cli, constant_models: Models, tmp_path: Path
) -> None:
    with serving_model(tmp_path) as (name, mirror):
        for folder, quiet in (("told", ()), ("quiet", ("--quiet",))):
            outcome = cli(
                # A wrong detector, so that it ends after the download.
                *("quantize", "--det", constant_models.pose, "--pose", name),
                *("--models-dir", tmp_path / folder, "--mirror", mirror, "--device", "cpu"),
                *quiet,
            )
            assert outcome.code == 1
            *told, error = outcome.err.splitlines()
            assert "swapped" in error
            assert [line.split(" (")[0] for line in told] == ([] if quiet else [name])
