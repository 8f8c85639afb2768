from __future__ import annotations

import threading
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.records import Frame
from hpe_volleyball.timing import StageClocks
from tests.clips import (
    B_FRAMES,
    COLOURS,
    GAPS,
    NTSC,
    fixed_rate,
    joined,
    number_of,
    picture,
    variable_rate,
    with_edit_list,
)


def frames_of(path: Path, start_s: float = 0.0, end_s: float | None = None) -> list[Frame]:
    with read_frames(path, start_s=start_s, end_s=end_s) as frames:
        return list(frames)


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.image) for frame in frames]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.mov", "a.h264"])
@pytest.mark.parametrize("options", [B_FRAMES, (("preset", "ultrafast"), ("g", "10"))])
def test_every_picture_comes_once_in_order(
    tmp_path: Path, name: str, options: tuple[tuple[str, str], ...]
) -> None:
    rate = Fraction(25)
    frames = frames_of(fixed_rate(tmp_path / name, rate=rate, options=options))
    assert numbers(frames) == list(range(30))
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time_s for frame in frames] == [i / 25 for i in range(30)]
    assert frames[7].image.strides[1:] == (3, 1)


def test_ntsc_times_do_not_drift(tmp_path: Path) -> None:
    frames = frames_of(fixed_rate(tmp_path / "a.mp4", frames=60))
    assert [frame.time_s for frame in frames] == [float(i / NTSC) for i in range(60)]
    assert [frame.pts for frame in frames] == [1001 * i for i in range(60)]


def test_variable_rate_keeps_its_time_stamps(tmp_path: Path) -> None:
    frames = frames_of(variable_rate(tmp_path / "v.mp4"))
    gaps = [b.pts - a.pts for a, b in pairwise(frames)]
    assert gaps == [GAPS[i % len(GAPS)] for i in range(29)]
    assert numbers(frames) == list(range(30))


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (180, 2), (270, 3)])
def test_rotation_is_applied(tmp_path: Path, rotation: int, turns: int) -> None:
    frames = frames_of(fixed_rate(tmp_path / "r.mp4", frames=5, rotation=rotation))
    for number, frame in enumerate(frames):
        expected = np.rot90(picture(number), turns)
        assert frame.image.shape == expected.shape
        assert np.abs(frame.image.astype(int) - expected).mean() < 4
        assert frame.image.flags.c_contiguous


@pytest.mark.parametrize(("matrix", "value_range"), [(1, 1), (6, 1), (1, 2), (6, 2), (2, 0)])
def test_colours_follow_the_matrix_and_range_of_the_stream(
    tmp_path: Path, matrix: int, value_range: int
) -> None:
    clip = fixed_rate(
        tmp_path / "c.mp4", frames=2, size=(192, 128), colorspace=matrix, color_range=value_range
    )
    image = frames_of(clip)[0].image
    found = [image[y, x] for y, x in ((48, 48), (48, 144), (96, 48), (96, 144))]
    assert np.abs(np.array(found, int) - COLOURS).max() <= 5


def test_pictures_that_are_cropped_on_all_sides_are_cropped_exactly(tmp_path: Path) -> None:
    """FFmpeg cuts odd parts off the left side only where it is told to; they were an error."""
    plain, cropped = fixed_rate(tmp_path / "a.mp4", frames=5), tmp_path / "b.mp4"
    with av.open(str(plain)) as source, av.open(str(cropped), "w") as out:
        track = source.streams.video[0]
        copy = out.add_stream_from_template(track)
        sides = "crop_left=6:crop_top=2:crop_right=10:crop_bottom=4"
        crop = BitStreamFilterContext(f"h264_metadata={sides}", track, copy)
        for packet in source.demux(track):
            for shown in crop.filter(packet if packet.size else None):
                shown.stream = copy
                out.mux(shown)
    with read_frames(cropped) as reader:
        assert (reader.info.width, reader.info.height) == (80, 58)
        for number, frame in enumerate(reader):
            off = np.abs(frame.image.astype(int) - picture(number)[2:-4, 6:-10])
            assert off.mean() < 4
    assert number == 4


@pytest.mark.parametrize("size", [(1, 1), (33, 17)])
def test_odd_sizes_are_exact(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = fixed_rate(
        tmp_path / "o.mkv", frames=4, size=size, codec="ffv1", pix_fmt="bgr0", options=()
    )
    for number, frame in enumerate(frames_of(clip)):
        assert np.array_equal(frame.image, picture(number, *size))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.h264"])
@pytest.mark.parametrize(
    ("span", "first", "count"),
    [
        ((1.0, None), 25, 25),
        ((0.4, 1.2), 10, 20),
        ((1.01, 1.05), 26, 1),
        ((0.0, 0.04), 0, 1),
        ((9, None), 0, 0),
    ],
)
def test_a_range_begins_at_its_start_and_ends_before_its_end(
    tmp_path: Path, name: str, span: tuple[float, float | None], first: int, count: int
) -> None:
    clip = fixed_rate(tmp_path / name, frames=50, rate=Fraction(25), options=B_FRAMES)
    frames = frames_of(clip, *span)
    assert numbers(frames) == list(range(first, first + count))
    assert [frame.index for frame in frames] == list(range(count))
    assert [frame.time_s for frame in frames] == [i / 25 for i in range(first, first + count)]


def test_start_on_the_very_time_of_a_frame_takes_it(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=60)
    times = [frame.time_s for frame in frames_of(clip)]
    for number in (1, 7, 29, 59):
        assert numbers(frames_of(clip, start_s=times[number]))[0] == number
        assert numbers(frames_of(clip, end_s=times[number]))[-1] == number - 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("start_s", [1e9, 1e15, 1e300])
def test_a_start_beyond_all_time_stamps(tmp_path: Path, name: str, start_s: float) -> None:
    assert frames_of(fixed_rate(tmp_path / name), start_s=start_s) == []


def test_max_frames(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4")
    with read_frames(clip, max_frames=4) as frames:
        assert numbers(list(frames)) == [0, 1, 2, 3]
    with read_frames(clip, max_frames=0) as frames:
        assert list(frames) == []


def test_joined_files_go_on_behind_what_came_before(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.ts", frames=60, rate=Fraction(25))
    clip.write_bytes(clip.read_bytes() * 2)
    frames = frames_of(clip)
    assert numbers(frames) == [*range(60), *range(60)]
    assert [frame.time_s for frame in frames] == [i / 25 for i in range(120)]


@pytest.mark.parametrize("length", [7, 20])
def test_short_parts_that_were_joined_go_on_too(tmp_path: Path, length: int) -> None:
    """Stamps fall back by less than a second."""
    clip = fixed_rate(tmp_path / "a.ts", frames=length, rate=Fraction(25))
    clip.write_bytes(clip.read_bytes() * 3)
    assert [frame.time_s for frame in frames_of(clip)] == [i / 25 for i in range(3 * length)]


@pytest.mark.parametrize(("first_s", "second_s"), [(7200, 0), (0, 7200), (70, 0)])
def test_a_second_part_of_an_earlier_or_later_clock_goes_on_too(
    tmp_path: Path, first_s: int, second_s: int
) -> None:
    """FFmpeg takes a clock that is set back by more than a minute for one that wraps."""
    parts = [
        {"pts": range(25 * at_s, 25 * at_s + 50), "container": (("mpegts_copyts", "1"),)}
        for at_s in (first_s, second_s)
    ]
    frames = frames_of(joined(tmp_path / "a.ts", *parts))
    assert numbers(frames) == [*range(50), *range(50)]
    assert [frame.time_s for frame in frames] == [i / 25 for i in range(100)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_long_gap_of_other_formats_is_a_gap(tmp_path: Path, name: str) -> None:
    pts = (0, 1, 500, 501)
    clip = fixed_rate(tmp_path / name, rate=Fraction(25), pts=pts)
    assert [frame.time_s for frame in frames_of(clip)] == [at / 25 for at in pts]


def test_edit_list_decides_about_the_first_and_last_picture(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=50, rate=Fraction(25))
    with av.open(str(clip)) as container:
        ticks = container.streams.video[0].time_base
    assert ticks is not None
    edited = with_edit_list(clip, start_ticks=int(15 / 25 / ticks), duration_ms=800)
    assert numbers(frames_of(edited)) == list(range(15, 35))


def test_decoding_is_timed_beside_the_other_stages(tmp_path: Path) -> None:
    clocks = StageClocks()
    with read_frames(fixed_rate(tmp_path / "a.mp4"), clocks=clocks) as frames:
        assert len(list(frames)) == 30
    (capture,) = clocks.summary()
    assert capture.stage == "capture"
    assert capture.overlaps
    assert capture.calls == 31  # the last one finds the end


def test_leaving_early_ends_the_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with read_frames(fixed_rate(tmp_path / "a.mp4")) as frames:
        assert next(frames).index == 0
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before
    assert list(frames) == []


@pytest.mark.shared
def test_real_clips_are_whole(shared: Path) -> None:
    for path in sorted((shared / "clips").glob("*.mp4")):
        with read_frames(path) as frames:
            assert sum(1 for _ in frames) == frames.info.n_frames
            assert (frames.damage.skipped, frames.damage.flawed) == (0, 0)


def test_without_reading_ahead_a_frame_is_decoded_when_it_is_asked_for(tmp_path: Path) -> None:
    path, clocks, threads = fixed_rate(tmp_path / "a.mp4"), StageClocks(), threading.active_count()
    with read_frames(path, ahead=False, clocks=clocks) as frames:
        first = [next(frames), next(frames)]
        assert threading.active_count() == threads
        [capture] = clocks.summary()
        assert (capture.calls, capture.overlaps) == (2, False)
        assert numbers([*first, *frames]) == list(range(30))
    with read_frames(path, ahead=False) as frames:
        next(frames)
    assert list(frames) == []
