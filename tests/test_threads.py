from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from hpe_volleyball.threads import Worker, prefetch

WAIT_S = 10.0


class Boom(Exception):  # noqa: N818
    pass


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_prefetch_keeps_order_and_ends() -> None:
    assert list(prefetch(range(1000), 3)) == list(range(1000))
    assert list(prefetch([], 1)) == []


def test_prefetch_runs_in_another_thread_and_stays_within_its_depth() -> None:
    made: list[int] = []
    names: set[str] = set()
    full = threading.Event()

    def source() -> Iterator[int]:
        for number in range(100):
            names.add(threading.current_thread().name)
            made.append(number)
            if number == 3:
                full.set()
            yield number

    ahead = prefetch(source(), 3)
    assert next(ahead) == 0
    # One taken, three queued; the source is not asked for more before one of them is taken.
    assert full.wait(WAIT_S)
    sleep(0.05)
    assert made == [0, 1, 2, 3]
    assert next(ahead) == 1
    ahead.close()
    assert len(made) <= 5
    assert names == {"prefetch"}


def test_prefetch_raises_after_all_items_before_the_error() -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise Boom("five")

    seen: list[int] = []
    with pytest.raises(Boom, match="five"):
        seen.extend(prefetch(source(), 2))
    assert seen == [0, 1, 2, 3, 4]


def test_closing_a_full_prefetch_closes_the_source_in_its_thread() -> None:
    closed: list[str] = []

    def source() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(threading.current_thread().name)

    ahead = prefetch(source(), 1)
    next(ahead)
    ahead.close()
    assert closed == ["prefetch"]


def test_prefetch_left_behind_is_stopped() -> None:
    def source() -> Iterator[int]:
        while True:
            yield 1

    next(prefetch(source(), 1))  # the fixture sees that the thread has gone


def test_a_forgotten_prefetch_does_not_block_the_exit_of_the_program() -> None:
    code = (
        "from itertools import count; from hpe_volleyball.threads import prefetch\n"
        "kept = prefetch(count(), 1); next(kept)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=WAIT_S * 3)  # noqa: S603


def test_depth_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, found 0"):
        list(prefetch([1], 0))
    with pytest.raises(ValueError, match="at least 1, found 0"):
        Worker(print, 0)


def test_worker_handles_everything_in_order_before_close_returns() -> None:
    done: list[int] = []
    worker = Worker(done.append, 2)
    for number in range(500):
        worker.put(number)
    worker.close()
    assert done == list(range(500))
    worker.close()
    with pytest.raises(ValueError, match="closed"):
        worker.put(1)


def test_put_waits_while_the_queue_is_full() -> None:
    go, queued = threading.Event(), threading.Event()
    done: list[int] = []

    def handle(number: int) -> None:
        assert go.wait(WAIT_S)
        done.append(number)

    worker = Worker(handle, 1)

    def produce() -> None:
        for number in range(3):
            worker.put(number)
        queued.set()

    producer = threading.Thread(target=produce)
    producer.start()
    assert not queued.wait(0.1)  # one in hand, one queued, the third waits
    go.set()
    producer.join()
    worker.close()
    assert done == [0, 1, 2]


def test_error_reaches_a_put_that_waits_and_every_later_call() -> None:
    handled: list[int] = []

    def handle(number: int) -> None:
        handled.append(number)
        if number == 2:
            raise Boom("two")

    worker = Worker(handle, 1)

    def produce() -> None:
        for number in range(100):
            worker.put(number)

    with pytest.raises(Boom, match="two"):
        produce()
    assert handled == [0, 1, 2]
    with pytest.raises(Boom):
        worker.close()


def test_error_of_the_last_item_is_raised_by_close() -> None:
    def handle(_: int) -> None:
        raise Boom("last")

    worker = Worker(handle, 5)
    worker.put(1)
    with pytest.raises(Boom, match="last"):
        worker.close()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_background_threads_and_those_they_start_give_way() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def from_within() -> Iterator[int]:
        yield niceness()
        with ThreadPoolExecutor(1) as further:
            yield further.submit(niceness).result()

    before, seen = niceness(), list(prefetch(from_within(), 1))

    def handle(_: int) -> None:
        seen.append(niceness())

    worker = Worker(handle, 1)
    worker.put(1)
    worker.close()
    assert seen == [min(19, before + 5)] * 3
    assert niceness() == before


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_where_priorities_are_forbidden_the_work_is_done_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a sandbox."""

    def forbidden(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", forbidden)
    assert list(prefetch(iter([1, 2, 3]), 2)) == [1, 2, 3]
    handled: list[int] = []
    worker = Worker(handled.append, 1)
    worker.put(4)
    worker.close()
    assert handled == [4]
