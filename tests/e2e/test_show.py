"""The window of `--show`: an error without a display, q ends the run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpe_volleyball.output.results import read_results
from tests.clips import fixed_rate
from tests.e2e.test_interrupt import PATIENCE_S, start, wait_for
from tests.runs import Cli, Models, names

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs X11")


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A display without a screen."""
    server = shutil.which("Xvfb")
    if server is None or shutil.which("xdotool") is None:
        pytest.skip("needs Xvfb and xdotool")
    ours, theirs = os.pipe()
    process = subprocess.Popen(  # noqa: S603 - found above
        [server, "-displayfd", str(theirs), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=(theirs,),
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    with os.fdopen(ours) as numbers:
        name = f":{numbers.readline().strip()}"
    monkeypatch.setenv("DISPLAY", name)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield name
    process.terminate()
    process.wait(10)


@LINUX
@pytest.mark.parametrize("value", [None, ":97"], ids=["none", "nobody_listens"])
def test_no_display_is_an_error(
    cli: Cli,
    tmp_path: Path,
    constant_models: Models,
    monkeypatch: pytest.MonkeyPatch,
    value: str | None,
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if value is not None:
        monkeypatch.setenv("DISPLAY", value)
    clip, out = fixed_rate(tmp_path / "match.mp4", 5), tmp_path / "out"
    outcome = cli("infer", clip, *constant_models.options, "--output-dir", out, "--show")
    assert outcome.code == 1
    assert outcome.err.startswith("error: --show needs a display")
    assert outcome.err.count("\n") == 1
    assert names(out) == []


@LINUX
def test_q_ends_the_run(display: str, tmp_path: Path, constant_models: Models) -> None:
    clip, out = fixed_rate(tmp_path / "match.mp4", 3000, size=(320, 240)), tmp_path / "out"
    process = start("infer", clip, *constant_models.options, "--output-dir", out, "--show")
    wait_for(out / "match.overlay.partial.mp4", 5_000)
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None:
        assert time.monotonic() < deadline, f"q was not heard on {display}"
        subprocess.run(
            ["xdotool", "search", "--name", "match.mp4", "windowfocus", "key", "q"],  # noqa: S607
            check=False,
            capture_output=True,
        )
        time.sleep(0.1)
    printed = process.communicate()[0]
    assert process.returncode == 130
    assert "stopped before the end" in printed
    assert 0 < len(read_results(out / "match.poses.partial.h5").frame_index) < 3000


@LINUX
def test_the_window_closes_with_the_video(
    display: str, tmp_path: Path, constant_models: Models
) -> None:
    assert display
    clip, out = fixed_rate(tmp_path / "match.mp4", 10), tmp_path / "out"
    process = start("infer", clip, *constant_models.options, "--output-dir", out, "--show")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert names(out) == ["match.overlay.mp4", "match.poses.h5", "match.run.json"]
