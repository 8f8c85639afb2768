from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from hpe_volleyball.futures import Joined, finished


class Boom(Exception):  # noqa: N818
    pass


def test_joined_waits_for_all_parts_and_keeps_their_order() -> None:
    parts: list[Future[int]] = [Future() for _ in range(4)]
    called: list[object] = []
    whole = Joined(parts, list)
    whole.add_done_callback(called.append)
    for number in (2, 0, 3):
        parts[number].set_result(number)
        assert not called
    parts[1].set_result(1)
    assert called == [whole]
    assert whole.result() == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_joined_parts_that_are_done_already(count: int) -> None:
    called: list[object] = []
    whole = Joined([finished(3)] * count, sum)
    whole.add_done_callback(called.append)
    assert called == [whole]
    assert whole.result() == 3 * count


def test_joined_raises_what_a_part_raised() -> None:
    bad: Future[int] = Future()
    called: list[object] = []
    whole = Joined([finished(1), bad], sum)
    whole.add_done_callback(called.append)
    bad.set_exception(Boom())
    assert called == [whole]
    with pytest.raises(Boom):
        whole.result()


def test_joined_from_many_threads_calls_once() -> None:
    for _ in range(200):
        called: list[object] = []
        with ThreadPoolExecutor(4) as pool:
            whole = Joined([pool.submit(int, number) for number in range(8)], sum)
            whole.add_done_callback(called.append)
        assert whole.result() == 28
        assert called == [whole]
