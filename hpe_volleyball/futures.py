"""Futures of one's own making: of what is there already, and of several as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Semaphore
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def finished(result: T) -> Future[T]:
    """Something that needs no waiting for, where others do."""
    future: Future[T] = Future()
    future.set_result(result)
    return future


class Joined(Generic[T, R]):
    """The results of several futures as one, made by whoever waits for it.

    Args:
        parts: The futures.
        join: Makes one of their results.
    """

    def __init__(self, parts: Sequence[Future[T]], join: Callable[[list[T]], R]) -> None:
        self._parts = parts
        self._join = join

    def result(self) -> R:
        """Wait for all parts; whatever one of them raised is raised here."""
        return self._join([part.result() for part in self._parts])

    def add_done_callback(self, call: Callable[[object], None], /) -> None:
        """Call this when all parts are done, in the thread that ends the last one, or at once."""
        if not self._parts:
            call(self)
            return
        others = Semaphore(len(self._parts) - 1)

        def note(_: Future[T]) -> None:
            if not others.acquire(blocking=False):
                call(self)

        for part in self._parts:
            part.add_done_callback(note)
