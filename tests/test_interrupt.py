"""Ctrl-C is held back until it is asked for, once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from hpe_volleyball.interrupt import StoppedAtOnce, interrupt_held


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_nothing_happens_until_it_is_asked_for() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), interrupt_held() as interrupt:  # noqa: PT012
        interrupt.check()
        press()
        steps.append("after the press")
        interrupt.check()
        steps.append("after the check")
    assert steps == ["after the press"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("again", [press, terminate])
def test_a_second_signal_comes_through(again: Callable[[], None]) -> None:
    with pytest.raises(StoppedAtOnce), interrupt_held():  # noqa: PT012
        press()
        again()
        pytest.fail("the second press was held back")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_being_terminated_is_held_back_like_ctrl_c() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupt_held() as interrupt:  # noqa: PT012
        terminate()
        interrupt.check()
    assert signal.getsignal(signal.SIGTERM) == before


def test_ignored_interrupts_stay_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt_held() as interrupt:
            press()
            interrupt.check()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_the_handler_alone() -> None:
    found = []

    def work() -> None:
        with interrupt_held() as interrupt:
            interrupt.check()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
