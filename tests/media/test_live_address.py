"""How a live source is opened: a pipe that nobody writes to can be left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Timer

import pytest

from hpe_volleyball.media.live_address import open_live

_PATIENCE_S = 10.0

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("writer", [False, True])
def test_a_signal_ends_the_wait_for_something_to_read(
    pipe: Path, stop: Event, number: signal.Signals, writer: bool
) -> None:
    with ExitStack() as stack:
        if writer:
            stack.callback(os.close, os.open(pipe, os.O_RDWR))
        soon = Timer(0.3, os.kill, (os.getpid(), number))
        stack.callback(soon.cancel)
        soon.start()
        with pytest.raises(KeyboardInterrupt), open_live(str(pipe), stop):
            pass
    assert not stop.is_set()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
