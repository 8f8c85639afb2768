"""Ctrl-C and SIGTERM that stop a run between two windows, never in the middle of a write."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


class StoppedAtOnce(BaseException):
    """A second signal came while the first one was being obeyed.

    It is no KeyboardInterrupt: nobody shall tidy up for it, the command line's library neither.
    """


_USUAL: dict[int, tuple[object, ...]] = {
    signal.SIGINT: (signal.default_int_handler,),
    signal.SIGTERM: (signal.SIG_DFL, signal.default_int_handler),
}


def let_termination_interrupt() -> None:
    """From now on SIGTERM does what Ctrl-C does: what is temporary is removed, locks are let go.

    Where the caller has another handler, that stays.
    """
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def interrupt_run() -> None:
    """Interrupt the run, as Ctrl-C does."""
    raise KeyboardInterrupt


@dataclass(slots=True)
class Interrupt:
    """Whether Ctrl-C or SIGTERM came while they were held back."""

    came: bool = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if one came."""
        if self.came:
            raise KeyboardInterrupt


@contextmanager
def interrupt_held() -> Iterator[Interrupt]:
    """Hold Ctrl-C and SIGTERM back; whoever can stop asks whether one came.

    A second one is not held back: it raises StoppedAtOnce wherever the program is. A signal whose
    handling is not the usual one (Ctrl-C under `nohup`, a handler of the caller's) is left alone,
    and so are both in other threads than the main one.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        if interrupt.came:
            raise StoppedAtOnce
        interrupt.came = True

    before = {number: signal.getsignal(number) for number in _USUAL}
    held = {number: handler for number, handler in before.items() if handler in _USUAL[number]}
    for number in held:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
