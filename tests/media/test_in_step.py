"""The sound is moved like the pictures, in whatever order the packets of a joined file lie."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hpe_volleyball.media.in_step import in_step
from hpe_volleyball.media.video import VideoInfo, probe
from tests.clips import fixed_rate

SECOND = 90_000
TICKS = {"video": 3600, "audio": 2160}
"""Length of a picture and of a packet of sound: 40 and 24 ms."""
PART = 6 * SECOND


class Fake:
    """A packet of one kind."""

    time_base = Fraction(1, SECOND)

    def __init__(self, kind: str, dts: int) -> None:
        self.stream = SimpleNamespace(type=kind)
        self.pts = self.dts = dts
        self.duration = TICKS[kind]


def joined(*begins: dict[str, int], ahead: dict[str, int]) -> list[Fake]:
    """Parts of six seconds.

    Args:
        begins: For each part the first stamp of each kind of packets that it has.
        ahead: How much earlier in the file, in ticks, packets of a kind lie.
    """
    placed = [
        (number * PART + at - ahead.get(kind, 0), Fake(kind, begin + at))
        for number, kinds in enumerate(begins)
        for kind, begin in kinds.items()
        for at in range(0, PART, TICKS[kind])
    ]
    return [packet for _, packet in sorted(placed, key=lambda pair: pair[0])]


def stamps(packets: Iterable[Fake], info: VideoInfo) -> list[int]:
    moved = list(in_step(cast("Any", packets), info))
    assert all(packet.pts == packet.dts for packet in moved)
    return [packet.dts or 0 for packet in moved]


@pytest.fixture
def info(tmp_path: Path) -> VideoInfo:
    return probe(fixed_rate(tmp_path / "a.ts", frames=3, rate=Fraction(25)))


@pytest.mark.parametrize("ahead", [{}, {"video": SECOND}, {"audio": SECOND}])
@pytest.mark.parametrize("second", [0, 3600 * SECOND])
def test_packets_of_both_sides_of_a_jump_may_lie_in_any_order(
    info: VideoInfo, second: int, ahead: dict[str, int]
) -> None:
    packets = joined(
        {"video": SECOND, "audio": SECOND}, {"video": second, "audio": second}, ahead=ahead
    )
    assert stamps(packets, info) == list(range(SECOND, SECOND + 2 * PART, TICKS["audio"]))


def test_sound_that_begins_behind_its_pictures_does_so_behind_a_jump(info: VideoInfo) -> None:
    packets = joined({"video": 0, "audio": 9000}, {"video": 0, "audio": 9000}, ahead={})
    assert stamps(packets, info) == [
        number * PART + at for number in range(2) for at in range(9000, 9000 + PART, 2160)
    ]


def test_a_jump_of_the_sound_alone_moves_nothing(info: VideoInfo) -> None:
    packets = joined({"video": 0, "audio": 0}, {"video": PART, "audio": 0}, ahead={})
    assert stamps(packets, info) == 2 * list(range(0, PART, TICKS["audio"]))


def test_a_jump_of_the_pictures_alone_moves_the_sound_too(info: VideoInfo) -> None:
    """Twelve seconds without pictures, through which the sound goes on."""
    begins = [{"audio": number * PART} for number in range(4)]
    begins[0]["video"], begins[3]["video"] = 0, 3 * PART
    found = stamps(joined(*begins, ahead={}), info)
    [moved] = [at for at, (a, b) in enumerate(pairwise(found), 1) if b < a]
    assert found[:moved] == list(range(0, found[moved - 1] + 1, TICKS["audio"]))
    assert 3 * PART < found[moved - 1] < 3 * PART + 2 * SECOND
    assert found[-1] == 2 * PART - TICKS["audio"]


def test_sound_may_count_in_another_unit_than_pictures(info: VideoInfo) -> None:
    packets = joined({"video": 0, "audio": 0}, {"video": 0, "audio": 0}, ahead={})
    for packet in packets:
        if packet.stream.type == "audio":
            packet.time_base = Fraction(1, 48_000)
            packet.pts = packet.dts = packet.dts * 48 // 90
            packet.duration = packet.duration * 48 // 90
    assert stamps(packets, info) == list(range(0, 12 * 48_000, 1152))
