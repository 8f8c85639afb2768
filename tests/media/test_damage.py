from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame

from hpe_volleyball.errors import SourceDamaged
from hpe_volleyball.media.damage import Damage, check_size
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.video import probe
from hpe_volleyball.records import Frame
from tests.clips import (
    B_FRAMES,
    FRONT_INDEX,
    fixed_rate,
    number_of,
    truncated,
    variable_rate,
    with_edit_list,
    with_junk,
)

RATE = Fraction(25)
FRAGMENTS = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)


def read_until_error(path: Path, **span: Any) -> tuple[list[Frame], str | None, Damage]:
    frames: list[Frame] = []
    error = None
    with read_frames(path, **span) as reader:
        try:
            frames.extend(reader)
        except SourceDamaged as caught:
            error = str(caught)
    return frames, error, reader.damage


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a.mp4", {"container": FRONT_INDEX}),
        ("b.mp4", {"container": FRONT_INDEX, "options": B_FRAMES}),
        ("a.mkv", {}),
        ("b.mkv", {"options": B_FRAMES, "audio": "aac"}),
        ("a.avi", {"codec": "mpeg4", "options": ()}),
        ("f.mp4", {"container": FRAGMENTS}),
    ],
)
def test_everything_before_a_torn_end_is_delivered_then_told(
    tmp_path: Path, name: str, changes: dict[str, Any]
) -> None:
    clip = fixed_rate(tmp_path / name, frames=100, rate=RATE, **changes)
    frames, error, damage = read_until_error(truncated(clip, 0.5))
    assert 5 < len(frames) < 95
    assert [number_of(frame.image) for frame in frames] == list(range(len(frames)))
    assert error is not None
    if name == "a.avi":
        # AVI does not say that its last packet is cut off: the decoder has to find out.
        assert damage == Damage(skipped=1)
        assert f"(frame {len(frames) + 1})" in error
    else:
        assert damage == Damage()
        assert f"(frame {len(frames)})" in error
    assert "its header promises 0:00:0" in error
    if name in ("a.mp4", "b.mp4", "a.avi"):
        assert "its header promises 0:00:04.000 (100 frames)" in error


@pytest.mark.parametrize("tag", [b"00:00:0x.000000000", b"00:00:1/0\0\0\0\0\0\0\0\0\0"])
def test_a_matroska_tag_that_is_no_time_promises_nothing(tmp_path: Path, tag: bytes) -> None:
    clip = fixed_rate(tmp_path / "a.mkv", frames=50, rate=RATE)
    content = clip.read_bytes()
    assert content.count(b"00:00:02.000000000") == 1
    clip.write_bytes(content.replace(b"00:00:02.000000000", tag))
    frames, error, damage = read_until_error(clip)
    assert (len(frames), error, damage) == (50, None, Damage())


def test_the_time_of_the_break_is_told(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mkv", frames=100, rate=RATE)
    frames, error, _ = read_until_error(truncated(clip, 0.5))
    assert error is not None
    seconds = float(error.split("breaks off at 0:00:")[1].split()[0])
    assert seconds == pytest.approx(len(frames) / 25, abs=0.002)


def test_one_missing_picture_of_an_mp4_is_noticed(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=50, rate=RATE, container=FRONT_INDEX)
    content = clip.read_bytes()
    clip.write_bytes(content[:-10])  # the media data is last
    frames, error, _ = read_until_error(clip)
    assert len(frames) == 49
    assert error is not None
    assert "(frame 49)" in error


def test_a_break_is_noticed_from_any_start(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=100, rate=RATE, container=FRONT_INDEX)
    cut = truncated(clip, 0.5)
    whole, _, _ = read_until_error(cut)
    part, error, _ = read_until_error(cut, start_s=0.8)
    assert len(part) == len(whole) - 20
    assert error is not None
    nothing, error, _ = read_until_error(cut, start_s=3.6)
    assert nothing == []
    assert error is not None


def test_a_part_before_the_break_is_fine(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=100, rate=RATE, container=FRONT_INDEX)
    cut = truncated(clip, 0.5)
    assert len(read_until_error(cut, end_s=0.8)[0]) == 20
    assert read_until_error(cut, end_s=0.8)[1] is None
    assert read_until_error(cut, max_frames=20)[1] is None


@pytest.mark.parametrize("options", [B_FRAMES, (("preset", "ultrafast"), ("g", "10"))])
def test_packets_that_do_not_decode_are_skipped_and_counted(
    tmp_path: Path, options: tuple[tuple[str, str], ...]
) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=60, rate=RATE, options=options)
    frames, error, damage = read_until_error(with_junk(clip, 30))
    assert error is None
    assert damage.skipped == 60 - len(frames)
    assert 0 < damage.skipped <= 10  # at most the pictures up to the next keyframe
    for frame in frames:
        place = round(25 * frame.time_s)
        if not 26 <= place < 40:  # near the damage the decoder may show a neighbour
            assert number_of(frame.image) == place
    assert frames[-1].time_s == 59 / 25


def test_pictures_that_a_lost_keyframe_takes_along_are_counted(tmp_path: Path) -> None:
    """As of a broadcast: a keyframe is gone, and the decoder leaves out what follows in silence."""
    clip = fixed_rate(tmp_path / "a.ts", frames=100, rate=RATE, size=(320, 240))
    with av.open(str(clip)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    lost = next(n for n in range(50, 100) if packets[n].is_keyframe)
    begin, end = (packets[n].pos or 0 for n in (lost, lost + 1))
    content = clip.read_bytes()
    clip.write_bytes(content[:begin] + content[end:])
    frames, error, damage = read_until_error(clip)
    assert error is None
    assert 85 < len(frames) < 99
    assert damage.skipped == 99 - len(frames)


def test_a_picture_that_is_partly_guessed_is_counted(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=60, rate=RATE)
    frames, error, damage = read_until_error(with_junk(clip, 30, start=0.5))
    assert error is None
    assert len(frames) == 60
    assert damage == Damage(skipped=0, flawed=1)


def test_a_change_of_size_is_told(tmp_path: Path) -> None:
    joined = fixed_rate(tmp_path / "a.ts", frames=30, rate=RATE)
    other = fixed_rate(tmp_path / "b.ts", frames=30, rate=RATE, size=(64, 48))
    joined.write_bytes(joined.read_bytes() + other.read_bytes())
    frames, error, _ = read_until_error(joined)
    assert len(frames) == 30
    assert error is not None
    assert "the picture size changes from 96x64 to 64x48" in error


def test_a_time_behind_ten_hours_is_told_whole(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4", frames=3, rate=RATE))
    other = VideoFrame(64, 48, "yuv420p")
    other.pts = info.start_pts + round(Fraction("36000.52") / info.time_base)
    with pytest.raises(SourceDamaged, match=r"96x64 to 64x48 at 10:00:00\.520;"):
        check_size(info, (96, 64), other)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("b.mp4", {"options": B_FRAMES}),
        ("b.mkv", {"options": B_FRAMES}),
        ("b.avi", {"codec": "mpeg4", "options": ()}),
        ("b.ts", {"options": B_FRAMES}),
        ("f.mp4", {"container": FRAGMENTS}),
        ("s.mkv", {"audio": "libopus"}),
        ("v.webm", {"codec": "libvpx-vp9", "options": (("deadline", "realtime"),)}),
    ],
)
def test_no_false_alarm(tmp_path: Path, name: str, changes: dict[str, Any]) -> None:
    clip = fixed_rate(tmp_path / name, frames=40, **changes)
    for start_s in (0.0, 0.7):
        frames, error, damage = read_until_error(clip, start_s=start_s)
        assert len(frames) == (40 if start_s == 0 else 19)
        assert error is None
        assert damage == Damage()


def test_no_false_alarm_for_variable_rate_and_edit_lists(tmp_path: Path) -> None:
    assert read_until_error(variable_rate(tmp_path / "v.mp4"))[1] is None
    assert read_until_error(variable_rate(tmp_path / "v.mkv"))[1] is None
    clip = fixed_rate(tmp_path / "a.mp4", frames=50, rate=RATE, options=B_FRAMES)
    for start, duration in ((0, 800), (7000, 1000), (9000, 600)):
        frames, error, _ = read_until_error(with_edit_list(clip, start, duration))
        assert error is None
        assert 10 < len(frames) < 40


def test_sound_that_goes_on_behind_the_pictures_is_no_damage(tmp_path: Path) -> None:
    """In a Matroska file of a program that does not note how long each track is."""
    clip = fixed_rate(tmp_path / "a.mkv", frames=50, rate=RATE, audio="libopus", audio_s=4.0)
    content = clip.read_bytes()
    assert content.count(b"DURATION") == 2
    clip.write_bytes(content.replace(b"DURATION", b"WHATEVER"))
    frames, error, damage = read_until_error(clip)
    assert (len(frames), error, damage) == (50, None, Damage())
