"""Pictures of a video to convert by."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpe_volleyball.errors import SourceError
from hpe_volleyball.quantize.samples import rally_samples, video_samples
from hpe_volleyball.records import Frame
from tests.clips import fixed_rate, number_of


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.image) for frame in frames]


def test_pictures_lie_over_the_whole_video_and_none_is_in_both_halves(tmp_path: Path) -> None:
    samples = video_samples(fixed_rate(tmp_path / "match.mp4", 120), 5)
    one, other = numbers(samples.calibration), numbers(samples.validation)
    assert len(one) == len(other) == 5
    assert not set(one) & set(other)
    every = sorted(one + other)
    assert every[0] < 12
    assert every[-1] >= 108


@pytest.mark.parametrize(("length", "half"), [(4, 2), (9, 4), (16, 8)])
def test_of_a_short_video_every_picture_is_taken(tmp_path: Path, length: int, half: int) -> None:
    samples = video_samples(fixed_rate(tmp_path / "match.mp4", length), 8)
    assert len(samples.calibration) == half
    assert sorted(numbers(samples.calibration) + numbers(samples.validation)) == list(range(length))


@pytest.mark.parametrize("length", [1, 3])
def test_a_video_that_is_too_short(tmp_path: Path, length: int) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", length)
    with pytest.raises(SourceError, match=f"found {length} pictures, expected at least 4"):
        video_samples(clip, 8)


def test_of_the_rally_no_picture_is_in_both_halves() -> None:
    samples = rally_samples(2)
    one, other = samples.calibration, samples.validation
    # Evenly over 300 pictures, in turns.
    assert [frame.index for frame in other] == [0, 150]
    assert [frame.index for frame in one] == [75, 225]
    assert len({frame.image.tobytes() for frame in (*one, *other)}) == 4
    assert samples.boxes is not None
    assert sorted(samples.boxes) == [0, 75, 150, 225]
