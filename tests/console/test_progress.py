"""The progress bar shows itself on a terminal only."""

from __future__ import annotations

import os
import pty
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


@pytest.mark.parametrize("frames", [7, None])
def test_nothing_where_there_is_no_terminal(
    capfd: pytest.CaptureFixture[str], frames: int | None
) -> None:
    with Progress(frames, quiet=False) as progress:
        for number in range(7):
            progress.advance(result(number))
    assert capfd.readouterr() == ("", "")
