"""Decoding behind a live stream: how far at most, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import pytest

from hpe_volleyball.media.live_backlog import LATE_S, Backlog

STEP_S = 0.04
RATE = Fraction(25)


def taken(
    packets: int,
    work_s: Callable[[int], float],
    *,
    keyframes: int = 50,
    stamps: bool = True,
    rate: Fraction | None = RATE,
) -> list[int]:
    """Numbers of the packets of a 25 fps stream that are decoded, at so much work each."""
    backlog = Backlog(rate)
    numbers = []
    for number in range(packets):
        time_s = 7 + number * STEP_S if stamps else None
        if backlog.takes(time_s, keyframe=number % keyframes == 0):
            numbers.append(number)
            backlog.worked(work_s(number))
    return numbers


@pytest.mark.parametrize("stamps", [True, False])
def test_work_that_fits_leaves_nothing_out(stamps: bool) -> None:
    assert len(taken(5000, lambda _: 0.039, stamps=stamps)) == 5000


def test_hiccups_pass() -> None:
    assert len(taken(5000, lambda n: 0.45 if n % 100 == 0 else 0.01)) == 5000


@pytest.mark.parametrize("work_s", [0.045, 0.08, 0.3, 2.0])
@pytest.mark.parametrize("stamps", [True, False])
def test_slow_work_stays_bounded_behind_the_stream(work_s: float, stamps: bool) -> None:
    numbers = taken(5000, lambda _: work_s, keyframes=10, stamps=stamps)
    now_s = most = 0.0
    for number in numbers:  # a real queue: a packet begins when it has come and the one before ends
        now_s = max(now_s, number * STEP_S)
        most = max(most, now_s - number * STEP_S)
        now_s += work_s
    assert most <= LATE_S + 1e-9
    gaps = {b for a, b in pairwise(numbers) if b != a + 1}
    assert gaps
    assert all(number % 10 == 0 for number in gaps)
    # As much of the stream is decoded as there is time for, but for what waits for a keyframe.
    assert len(numbers) * work_s > 0.5 * min(1, work_s / 0.4) * 5000 * STEP_S


def test_every_picture_a_keyframe_is_left_out_one_by_one() -> None:
    numbers = taken(5000, lambda _: 0.08, keyframes=1)
    assert len(numbers) == pytest.approx(2500, rel=0.05)


def test_a_stream_without_keyframes_goes_on() -> None:
    numbers = taken(2000, lambda _: 0.08, keyframes=10_000)
    assert numbers[-1] > 1700
    gaps = [b - a for a, b in pairwise(numbers)]
    assert max(gaps) == pytest.approx(10 / STEP_S, abs=2)


def test_stamps_that_jump_do_no_harm() -> None:
    backlog = Backlog(None)
    for time_s in (5.0, 1e6, 3.0, None, 3.04, -7.0):
        assert backlog.takes(time_s, keyframe=False)
        backlog.worked(0.01)
