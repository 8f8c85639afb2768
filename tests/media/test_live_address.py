"""How a live source is opened: a pipe that nobody writes to can be left."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Timer

import pytest

from hpe_volleyball.media.live_address import open_live

_PATIENCE_S = 10.0

if sys.platform == "win32":
    pytest.skip("pipes with names are no files there", allow_module_level=True)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.fixture
def stop() -> Iterator[Event]:
    """Set after a while, so that a test in which nothing ends the waiting ends all the same."""
    event = Event()
    timer = Timer(_PATIENCE_S, event.set)
    timer.start()
    yield event
    timer.cancel()


def send_soon(number: signal.Signals) -> None:
    Timer(0.3, os.kill, (os.getpid(), number)).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("writer", [False, True])
def test_a_signal_ends_the_wait_for_something_to_read(
    pipe: Path, stop: Event, number: signal.Signals, writer: bool
) -> None:
    silent = os.open(pipe, os.O_RDWR) if writer else None
    send_soon(number)
    with pytest.raises(KeyboardInterrupt), open_live(str(pipe), stop):
        pass
    assert not stop.is_set()
    if silent is not None:
        os.close(silent)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
