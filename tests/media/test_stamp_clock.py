"""Time stamps that fall back, jump or are missing."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from hpe_volleyball.media.stamp_clock import StampClock
from hpe_volleyball.media.video import VideoInfo, probe
from tests.clips import fixed_rate

SECOND = 90_000
FRAME = SECOND // 25


@pytest.fixture
def info(tmp_path: Path) -> VideoInfo:
    found = probe(fixed_rate(tmp_path / "a.ts", frames=3, rate=Fraction(25)))
    return replace(found, start_pts=500)


def test_stamps_count_on_from_the_first(info: VideoInfo) -> None:
    clock = StampClock(info)
    assert [clock.stamp(500 + n * FRAME) for n in range(3)] == [500, 4100, 7700]
    assert clock.offset == 0


def test_missing_stamps_are_one_frame_apart(info: VideoInfo) -> None:
    clock = StampClock(info)
    assert [clock.stamp(at) for at in (None, None, 20_000, None)] == [500, 4100, 20_000, 23_600]


def test_stamps_out_of_order_stay_ascending(info: VideoInfo) -> None:
    clock = StampClock(info)
    assert [clock.stamp(at) for at in (0, 7200, 3600, 10_800)] == [0, 7200, 7201, 10_800]


@pytest.mark.parametrize("jump", [-5 * SECOND, 2**33 - 90 * SECOND, 7200 * SECOND, 11 * SECOND])
def test_a_jump_goes_on_one_frame_behind(info: VideoInfo, jump: int) -> None:
    clock = StampClock(info)
    assert clock.stamp(0) == 0
    assert [clock.stamp(jump), clock.stamp(jump + FRAME)] == [FRAME, 2 * FRAME]
    assert clock.offset == FRAME - jump


def test_a_gap_stays_a_gap(info: VideoInfo) -> None:
    clock = StampClock(info)
    assert [clock.stamp(0), clock.stamp(9 * SECOND)] == [0, 9 * SECOND]
    clock = StampClock(replace(info, may_jump=False))
    assert [clock.stamp(0), clock.stamp(7200 * SECOND)] == [0, 7200 * SECOND]


def test_what_comes_too_late_behind_damage_is_left_out(info: VideoInfo) -> None:
    clock = StampClock(info)
    clock.stamp(SECOND, damaged=True)
    assert clock.stamp(SECOND // 2, damaged=True) is None
    assert clock.stamp(SECOND + FRAME, damaged=True) == SECOND + FRAME
