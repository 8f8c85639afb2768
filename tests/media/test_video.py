from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition

from hpe_volleyball.errors import SourceError
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.orientation import Orientation
from hpe_volleyball.media.video import open_video, probe
from tests.clips import NTSC, fixed_rate, number_of, sound_only, truncated, variable_rate


def test_says_what_a_clip_holds(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4", frames=31, audio="aac"))
    assert (info.width, info.height, info.codec) == (96, 64, "h264")
    assert info.rate == NTSC
    assert info.n_frames == 31
    assert info.duration_s == pytest.approx(31 * 1001 / 30000, abs=1e-9)
    assert (info.start_pts, info.orientation) == (0, Orientation())
    assert info.sample_aspect == 1
    assert info.has_audio
    assert info.frame_ticks * info.time_base == 1 / NTSC
    assert info.time_s(round(30 * info.frame_ticks)) == 30 * 1001 / 30000


def test_rate_of_variable_clip_is_the_exact_average(tmp_path: Path) -> None:
    # 25 pictures: five times through the gaps, 4250/15000 s each time.
    info = probe(variable_rate(tmp_path / "v.mp4", frames=25))
    assert info.n_frames == 25
    assert float(info.rate) == pytest.approx(25 / (5 * 4250 / 15000), rel=0.01)


@pytest.mark.parametrize(("rotation", "size"), [(90, (64, 96)), (180, (96, 64)), (270, (64, 96))])
def test_size_is_that_of_the_upright_picture(
    tmp_path: Path, rotation: int, size: tuple[int, int]
) -> None:
    info = probe(fixed_rate(tmp_path / "r.mp4", frames=3, rotation=rotation))
    assert info.orientation == Orientation(rotation)
    assert (info.width, info.height) == size


@pytest.mark.parametrize("size", [(1, 1), (33, 17)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = fixed_rate(
        tmp_path / "o.mkv", frames=3, size=size, codec="ffv1", pix_fmt="bgr0", options=()
    )
    info = probe(clip)
    assert (info.width, info.height) == size
    assert info.n_frames is None
    assert info.rate == NTSC


def test_a_colon_in_the_name_is_no_protocol(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=3).rename(tmp_path / "http:x.mp4")
    assert probe(clip).n_frames == 3


def test_a_first_track_without_pictures_is_passed_over(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.ts", frames=30, empty_track=True)
    with av.open(str(clip)) as container:
        assert len(container.streams.video) == 2
    info = probe(clip)
    assert (info.width, info.height, info.codec) == (96, 64, "h264")
    with read_frames(clip) as frames:
        assert [number_of(frame.image) for frame in frames] == list(range(30))


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    with av.open(str(clip), "w") as out:
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        out.mux(cover.encode(av.VideoFrame(640, 480, "yuvj420p")))
        for _ in range(10):
            out.mux(video.encode(av.VideoFrame(96, 64, "yuv420p")))
        out.mux(video.encode())
    with av.open(str(clip)) as container:
        covers = [s.disposition & Disposition.attached_pic for s in container.streams.video]
    assert sorted(map(bool, covers)) == [False, True]
    assert (probe(clip).width, probe(clip).codec) == (96, "h264")


@pytest.mark.parametrize(("usable", "threads"), [(1, 1), (4, 2), (64, 4)])
def test_the_decoder_has_half_of_the_usable_cores_at_most_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usable: int, threads: int
) -> None:
    monkeypatch.setattr("hpe_volleyball.media.video.usable_cores", lambda: usable)
    with open_video(fixed_rate(tmp_path / "a.mp4", frames=3)) as (_, stream):
        assert stream.codec_context.thread_count == threads


def _text(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _unknown_codec(folder: Path) -> Path:
    clip = fixed_rate(folder / "u.mp4", frames=3)
    clip.write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))
    return clip


def _no_keyframe(folder: Path) -> Path:
    clip = fixed_rate(folder / "k.ts", frames=10, options=(("preset", "ultrafast"), ("g", "99")))
    content = clip.read_bytes()
    junk = folder / "junk.ts"
    junk.write_bytes(b"".join(content[i : i + 8] + bytes(180) for i in range(0, 9400, 188)))
    return junk


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda d: d / "none.mp4", "no such file"),
        (lambda d: d, "is a directory"),
        (lambda d: _text(d, "a.mp4", ""), r"is empty \(0 bytes\)"),
        (lambda d: _text(d, "a.txt", "words\n" * 99), "is a text file"),
        (lambda d: _text(d, "a.mp4", "words\n" * 99), "cannot be opened"),
        (lambda d: _text(d, "a.m3u8", "#EXTM3U\nhttp://127.0.0.1/a.ts\n"), "cannot be opened"),
        (lambda d: sound_only(d / "a.m4a"), "has no picture track, found: audio"),
        (lambda d: truncated(fixed_rate(d / "a.mp4"), 0.6), r"without its index \(moov\)"),
        (_unknown_codec, "a format without a decoder"),
        (_no_keyframe, "cannot be|no picture that can be decoded|no picture track"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path: Path, make: object, told: str) -> None:
    assert callable(make)
    path = make(tmp_path)
    with pytest.raises(SourceError, match=told) as caught:
        probe(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_real_clips(shared: Path) -> None:
    found = {
        p.name: (i.width, i.height, i.rate, i.n_frames, i.has_audio)
        for p in sorted((shared / "clips").glob("*.mp4"))
        for i in (probe(p),)
    }
    assert found == {
        "balance-3people-60fps.mp4": (1088, 1920, Fraction(60), 100, False),
        "one-by-one-10fps.mp4": (768, 432, Fraction(10), 1394, False),
        "walk-2people-30fps.mp4": (1768, 994, Fraction(30), 230, True),
    }


def test_a_file_is_looked_at_once_as_long_as_it_stands(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=3)
    assert probe(clip) is probe(clip)
    fixed_rate(tmp_path / "b.mp4", frames=5).replace(clip)
    assert probe(clip).n_frames == 5
    clip.unlink()
    with pytest.raises(SourceError, match="no such file"):
        probe(clip)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_title_that_is_no_utf_8_is_no_obstacle(tmp_path: Path, name: str) -> None:
    """As an old camera writes it."""
    clip = fixed_rate(tmp_path / name)
    content = clip.read_bytes()
    assert b"Lavf" in content  # the name of the writing program
    clip.write_bytes(content.replace(b"Lavf", b"\xe4\xf6\xfc\xff"))
    with read_frames(clip) as frames:
        assert len(list(frames)) == 30
