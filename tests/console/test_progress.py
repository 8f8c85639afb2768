"""A bar on a terminal, lines in a log."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from hpe_volleyball.console.progress import Progress
from tests.rows import result

ON_A_TERMINAL = """
import sys
from hpe_volleyball.console.progress import Progress
from tests.rows import result
with Progress(7, quiet="quiet" in sys.argv) as progress:
    for number in range(7):
        progress.advance(result(number))
"""


def shown_on_a_terminal(*arguments: str) -> str:
    """What a run with a terminal as standard error writes there."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(  # noqa: S603 - the code above
            [sys.executable, "-c", ON_A_TERMINAL, *arguments],
            stderr=theirs,
            check=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )
        os.set_blocking(ours, False)
        try:
            return os.read(ours, 65536).decode()
        except BlockingIOError:
            return ""
    finally:
        os.close(ours)
        os.close(theirs)


def test_frames_speed_and_time_left_on_a_terminal() -> None:
    shown = shown_on_a_terminal()
    assert "7/7" in shown
    assert "fps" in shown


def test_quiet_shows_nothing_there() -> None:
    assert shown_on_a_terminal("quiet") == ""


@pytest.mark.parametrize(
    ("frames", "lines"),
    [
        (4000, ["1 of 4000 frames, N fps, N left", "2 of 4000 frames, N fps, N left"]),
        (1, ["1 of 1 frames, N fps, 0:00:00 left", "2 of 1 frames, N fps, 0:00:00 left"]),
        (None, ["1 frames, N fps", "2 frames, N fps"]),
    ],
)
def test_lines_where_there_is_no_terminal(
    capfd: pytest.CaptureFixture[str], frames: int | None, lines: list[str]
) -> None:
    with Progress(frames, quiet=False, every_s=1e-9) as progress:
        for number in range(2):
            progress.advance(result(number))
    out, err = capfd.readouterr()
    found = re.sub(r"[\d.]+ fps", "N fps", err)
    found = found if frames == 1 else re.sub(r"\d:\d\d:\d\d left", "N left", found)
    assert (out, found.splitlines()) == ("", lines)


def test_the_time_left_is_that_of_the_frames_that_are_left(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four hundred frames at 4 per second, then the others at 2."""
    now = 0.0
    monkeypatch.setattr("hpe_volleyball.console.progress.monotonic", lambda: now)
    with Progress(700, quiet=False) as progress:
        for number in range(700):
            now += 0.25 if number < 400 else 0.5
            progress.advance(result(number))
    assert capfd.readouterr().err.splitlines() == [
        "240 of 700 frames, 4.0 fps, 0:01:55 left",
        "440 of 700 frames, 3.3 fps, 0:01:18 left",
        "560 of 700 frames, 2.0 fps, 0:01:10 left",
        "680 of 700 frames, 2.0 fps, 0:00:10 left",
    ]


def test_a_short_run_or_a_quiet_one_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for progress in (Progress(7, quiet=False), Progress(7, quiet=True, every_s=1e-9)):
        with progress:
            for number in range(7):
                progress.advance(result(number))
    assert capfd.readouterr() == ("", "")
