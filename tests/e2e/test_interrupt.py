"""Ctrl-C, a real one: exit code 130, and everything up to then is kept and readable."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpe_volleyball.output.results import read_results
from tests.clips import fixed_rate
from tests.runs import Models, names, stamps

START = "import sys; from hpe_volleyball.cli import main; sys.argv[0] = 'hpe-volleyball'; main()"
PATIENCE_S = 60


def start(*arguments: object) -> subprocess.Popen[str]:
    """The command line in a process of its own, with Ctrl-C as in a terminal."""
    return subprocess.Popen(  # noqa: S603 - this Python, and the line above
        [sys.executable, "-c", START, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


def wait_for(path: Path, least: int) -> None:
    """Wait until a file has so many bytes."""
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists() or path.stat().st_size < least:
        assert time.monotonic() < deadline, f"{path} does not grow"
        time.sleep(0.02)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_everything_until_then_is_kept(
    tmp_path: Path, constant_models: Models, number: signal.Signals
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 3000, size=(320, 240), audio="aac")
    out = tmp_path / "out"
    process = start("infer", clip, *constant_models.options, "--output-dir", out)
    wait_for(out / "match.overlay.partial.mp4", 20_000)
    process.send_signal(number)
    printed, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert errors == ""
    assert "Stage times" in printed
    assert "stopped before the end; what was done until then is kept" in printed
    kept = ["match.overlay.partial.mp4", "match.poses.partial.h5", "match.run.partial.json"]
    assert names(out) == kept
    assert all(str(out / name) in printed for name in kept)
    data = read_results(out / kept[1])
    frames = len(data.frame_index)
    assert 0 < frames < 3000
    assert len(data.track_id) == len(data.keypoints) == int((data.person_frame < frames).sum())
    assert not data.complete
    assert stamps(out / kept[0]) == stamps(clip)[:frames]
    summary = json.loads((out / kept[2]).read_text(encoding="utf-8"))["summary"]
    assert (summary["complete"], summary["frames"]) == (False, frames)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way")
def test_a_second_signal_stops_at_once(tmp_path: Path, constant_models: Models) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 3000, size=(320, 240))
    out = tmp_path / "out"
    arguments = ("infer", clip, *constant_models.options, "--output-dir", out)
    process = start(*arguments)
    wait_for(out / "match.overlay.partial.mp4", 20_000)
    for number in (signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (130, "")
    assert {"match.overlay.partial.mp4", "match.poses.partial.h5"} <= set(names(out))
    resumed = start(*arguments, "--resume", "--quiet")
    assert resumed.communicate(timeout=PATIENCE_S) == ("", "")
    assert len(read_results(out / "match.poses.h5").frame_index) == 3000


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way")
def test_a_demo_that_is_stopped_while_it_draws(tmp_path: Path) -> None:
    process = start("demo", "--output-dir", tmp_path, "--seconds", 600)
    deadline = time.monotonic() + PATIENCE_S
    while not list(tmp_path.glob(".rally.*.part.mp4")):
        assert time.monotonic() < deadline, "the rally is not begun"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, printed, errors) == (130, "", "")
    assert [name for name in names(tmp_path) if not name.endswith(".onnx")] == []


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_conversion_that_is_stopped_leaves_nothing(
    tmp_path: Path, demo_models: Models, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    out = tmp_path / "out"
    options = ("--device", "cpu", "--output-dir", out, "--frames", 300)
    process = start("quantize", "--pose", demo_models.pose, *options)
    assert process.stdout is not None
    assert "taking pictures" in process.stdout.readline()
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (130, "")
    assert [name for name in names(tmp_path / "tmp") if "hpe-volleyball" in name] == []
    assert names(out) == []
