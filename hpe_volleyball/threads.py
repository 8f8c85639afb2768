"""Bounded background threads: read ahead of a consumer, or work behind a producer."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from threading import Condition, Thread, get_native_id
from typing import Generic, TypeVar

T = TypeVar("T")

_NICENESS = 5
"""Of background threads: a third of the time of others that want the same core (sched(7))."""


class _Channel(Generic[T]):
    """A bounded queue between one sending and one receiving thread; each can end it."""

    def __init__(self, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"depth: expected at least 1, found {depth}")
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = Condition()
        self._finished = False
        self._dropped = False
        self._error: BaseException | None = None

    def wait_for_room(self) -> bool:
        """Wait until an item can be queued; False when the receiver has gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._dropped or len(self._items) < self._depth)
            return not self._dropped

    def send(self, item: T) -> bool:
        """Wait for room and queue `item`; False when the receiver has gone."""
        with self._changed:
            if self.wait_for_room():
                self._items.append(item)
                self._changed.notify_all()
            return not self._dropped

    def finish(self, error: BaseException | None = None) -> None:
        """No more items; the receiver meets `error` after the last one."""
        with self._changed:
            self._finished = True
            self._error = error
            self._changed.notify_all()

    def drop(self) -> None:
        """Throw away what is queued and refuse the rest: the receiver has gone."""
        with self._changed:
            self._dropped = True
            self._items.clear()
            self._changed.notify_all()

    def received(self) -> Generator[T]:
        """The items in order, until the sender has finished or the channel is dropped."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._finished or self._dropped)
                if self._dropped:
                    return
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


def prefetch(source: Iterable[T], depth: int) -> Generator[T]:
    """Iterate over `source` in a thread of its own, at most `depth` items ahead, all counted.

    The thread starts with the first `next`. Whatever `source` raises is raised here, after all
    items before it. Closing the generator (or leaving it to the garbage collector) stops the
    thread after the item at hand, closes `source`, if it is a generator, there and waits for it.

    Raises:
        ValueError: `depth` is below 1.
    """
    channel: _Channel[T] = _Channel(depth)
    thread = _start(lambda: _send_all(source, channel), "prefetch")
    try:
        yield from channel.received()
    finally:
        # When the interpreter ends, its daemon threads stand still, perhaps with a lock.
        if not sys.is_finalizing():
            channel.drop()
            thread.join()


def _send_all(source: Iterable[T], channel: _Channel[T]) -> None:
    """Feed the channel from `source`, which is asked only when there is room; errors travel too."""
    try:
        items = iter(source)
        with suppress(StopIteration):
            while channel.wait_for_room():
                channel.send(next(items))
        if isinstance(source, Generator):
            source.close()
    except BaseException as error:  # noqa: BLE001 - raised again in the receiving thread
        channel.finish(error)
    else:
        channel.finish()


def _start(target: Callable[[], None], name: str) -> Thread:
    def run() -> None:
        _give_way()
        target()

    # Daemon: a consumer that is still alive when the interpreter ends must not block its exit.
    thread = Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _give_way() -> None:
    """Let this thread, and those that it starts, run where the main thread leaves a core idle.

    What is behind or ahead can wait as long as its queue has room; the loop in between cannot.
    Only Linux has priorities of threads that anybody may lower, but for sandboxes that forbid it:
    there the threads share as they are.
    """
    if sys.platform == "linux":
        own = get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + _NICENESS)


class Worker(Generic[T]):
    """A thread that calls `handle` for each item, in order, behind a bounded queue.

    Args:
        handle: called in the worker's thread, one item at a time.
        depth: how many items may wait.
        name: of the thread, for debuggers.

    Raises:
        ValueError: `depth` is below 1.
    """

    def __init__(self, handle: Callable[[T], None], depth: int, name: str = "worker") -> None:
        self._handle = handle
        self._channel: _Channel[T] = _Channel(depth)
        self._error: BaseException | None = None
        self._closed = False
        self._thread = _start(self._run, name)

    def put(self, item: T) -> None:
        """Queue `item`; waits while the queue is full.

        Raises:
            BaseException: whatever `handle` raised for an earlier item.
            ValueError: the worker is closed.
        """
        if self._closed:
            raise ValueError("put: the worker is closed")
        if not self._channel.send(item):
            self._raise_error()

    def close(self) -> None:
        """Wait until all items are handled and end the thread; may be called again.

        Raises:
            BaseException: whatever `handle` raised.
        """
        self._closed = True
        self._channel.finish()
        self._thread.join()
        self._raise_error()

    def _run(self) -> None:
        try:
            for item in self._channel.received():
                self._handle(item)
        except BaseException as error:  # noqa: BLE001 - raised again by put() or close()
            self._error = error
            self._channel.drop()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error
