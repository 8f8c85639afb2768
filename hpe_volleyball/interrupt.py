"""Ctrl-C that stops a run between two frames, never in the middle of a write."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupt_held() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back; the function given raises it as KeyboardInterrupt when it is called.

    A second Ctrl-C is not held back. Where Ctrl-C raises no KeyboardInterrupt (in other threads
    than the main one, under `nohup`, with a handler of the caller's), nothing is changed.
    """
    usual = signal.default_int_handler
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not usual
    ):
        yield lambda: None
        return
    pressed = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, usual)

    def check() -> None:
        if pressed.is_set():
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, usual)
