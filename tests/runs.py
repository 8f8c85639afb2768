"""Runs of the command line, and what they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av


class Models(NamedTuple):
    """Two model files."""

    det: Path
    pose: Path

    @property
    def options(self) -> tuple[str, ...]:
        """As options of a command."""
        return "--det", str(self.det), "--pose", str(self.pose)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


def names(folder: Path) -> list[str]:
    """Names of all files in a folder, hidden ones too; none if there is no folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def stamps(path: Path) -> list[float]:
    """Times of a video's pictures in seconds from the first."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pts = [frame.pts for frame in container.decode(stream)]
        assert stream.time_base is not None
        assert None not in pts
        first = pts[0] or 0
        return [float(((at or 0) - first) * stream.time_base) for at in pts]


def rate(path: Path) -> Fraction:
    """Average frame rate of a video, exact."""
    with av.open(str(path)) as container:
        average = container.streams.video[0].average_rate
        assert average is not None
        return Fraction(average.numerator, average.denominator)


def sound_packets(path: Path) -> list[bytes]:
    """The coded sound of a video from its time 0 on."""
    with av.open(str(path)) as container:
        return [
            bytes(packet)
            for packet in container.demux(audio=0)
            if packet.size and packet.pts is not None and packet.pts >= 0
        ]
