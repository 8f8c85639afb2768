"""Pictures to calibrate on and other ones to validate on: the user's video or a synthetic rally."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hpe_volleyball.errors import SourceError
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.video import probe
from hpe_volleyball.records import Floats, Frame
from hpe_volleyball.source import length_of
from hpe_volleyball.synthetic import Rally, RallyConfig


@dataclass(frozen=True, slots=True)
class Samples:
    """Pictures spread over a video, alternately for calibration and for validation."""

    source: str
    """Where they are from."""
    calibration: list[Frame]
    validation: list[Frame]
    boxes: dict[int, Floats] | None
    """Where people are, by the frame's number; None where only a detector can tell."""


def rally_samples(count: int) -> Samples:
    """Pictures of the synthetic rally, in which real detectors find most figures."""
    rally = Rally(RallyConfig(width=1280, height=720, fps=Fraction(50), seconds=6.0))
    frames = [
        Frame(index, rally.time_s(index), rally.image(index))
        for index in _spread(2 * count, rally.n_frames)
    ]
    boxes = {frame.index: rally.truth(frame.index).boxes for frame in frames}
    return Samples("synthetic rally", frames[1::2], frames[::2], boxes)


def video_samples(video: Path, count: int) -> Samples:
    """Pictures of a video.

    Raises:
        SourceError: it cannot be read, or has too few pictures.
    """
    info = probe(video)
    length_s = length_of(info)
    frames = []
    if length_s is None or length_s * info.rate <= 2 * count:
        with read_frames(video, max_frames=2 * count) as source:
            frames = list(source)
    else:
        for number in range(2 * count):
            start_s = length_s * (number + 0.5) / (2 * count)
            with read_frames(video, start_s=start_s, max_frames=1) as source:
                frames += [Frame(number, frame.time_s, frame.image) for frame in source]
    if len(frames) < 4:
        raise SourceError(f"{video}: found {len(frames)} pictures, expected at least 4")
    return Samples(str(video), frames[1::2], frames[::2], None)


def _spread(count: int, length: int) -> Iterator[int]:
    for number in range(min(count, length)):
        yield number * length // min(count, length)
