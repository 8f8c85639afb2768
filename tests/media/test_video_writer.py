from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from hpe_volleyball.errors import OutputError
from hpe_volleyball.media import video_writer
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.orientation import Orientation
from hpe_volleyball.media.video import Colour, VideoInfo, probe
from hpe_volleyball.media.video_writer import VideoWriter
from hpe_volleyball.records import Frame
from tests.child import run_python
from tests.clips import B_FRAMES, NTSC, fixed_rate, joined, number_of, picture, variable_rate


def copied(source: Path, target: Path, **span: float) -> tuple[VideoInfo, list[Frame]]:
    """Read a video, write it to `target`, and say what was read."""
    with read_frames(source, **span) as reader:  # type: ignore[arg-type]
        frames = list(reader)
    with VideoWriter(target, reader.info) as writer:
        for frame in frames:
            writer.write(frame.image, frame.pts)
    assert writer.warning is None
    return reader.info, frames


def frames_of(path: Path) -> list[Frame]:
    with read_frames(path) as reader:
        return list(reader)


def exact_times(path: Path) -> list[Fraction]:
    info = probe(path)
    return [frame.pts * info.time_base for frame in frames_of(path)]


def audio_packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(audio=0)
            if packet.size and packet.pts is not None
        ]


@pytest.mark.parametrize(("usable", "threads"), [(1, 1), (3, 3), (64, 4)])
def test_the_encoder_has_the_usable_cores_at_most_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usable: int, threads: int
) -> None:
    monkeypatch.setattr("hpe_volleyball.media.video_writer.usable_cores", lambda: usable)
    info = probe(fixed_rate(tmp_path / "a.mp4", frames=3))
    with VideoWriter(tmp_path / "out.mp4", info) as writer:
        assert writer._stream.codec_context.thread_count == threads
        writer.write(picture(0), 0)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mov", "a.avi"])
def test_copy_has_the_same_pictures_rate_and_times(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out.mp4"
    info, frames = copied(fixed_rate(tmp_path / name, frames=60, options=B_FRAMES), out)
    copy = probe(out)
    assert copy.rate == info.rate == NTSC
    assert copy.n_frames == 60
    assert copy.start_pts == 0
    assert exact_times(out) == [(f.pts - frames[0].pts) * info.time_base for f in frames]
    assert [number_of(frame.image) for frame in frames_of(out)] == list(range(60))


def test_variable_rate_and_a_range_keep_their_gaps(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    clip = variable_rate(tmp_path / "v.mp4")
    info, frames = copied(clip, out)
    assert exact_times(out) == [f.pts * info.time_base for f in frames]
    info, frames = copied(clip, out, start_s=0.7, end_s=1.3)
    assert exact_times(out) == [(f.pts - frames[0].pts) * info.time_base for f in frames]
    assert exact_times(out)[0] == 0
    assert 5 < len(frames) < 20


def test_rotated_source_gives_upright_video(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    copied(fixed_rate(tmp_path / "r.mp4", frames=5, rotation=90), out)
    copy = probe(out)
    assert (copy.width, copy.height, copy.orientation) == (64, 96, Orientation())
    assert number_of(np.rot90(frames_of(out)[3].image, -1)) == 3


@pytest.mark.parametrize(("size", "even"), [((1, 1), (2, 2)), ((33, 17), (34, 18))])
def test_odd_sizes_gain_a_copy_of_the_last_row_and_column(
    tmp_path: Path, size: tuple[int, int], even: tuple[int, int]
) -> None:
    out = tmp_path / "out.mp4"
    clip = fixed_rate(
        tmp_path / "o.mkv", frames=3, size=size, codec="ffv1", pix_fmt="bgr0", options=()
    )
    copied(clip, out)
    copy = probe(out)
    assert (copy.width, copy.height) == even
    image = frames_of(out)[0].image.astype(int)
    assert np.abs(image[-1] - image[-2]).max() <= 12  # the encoder's noise
    assert np.abs(image[:, -1] - image[:, -2]).max() <= 12


@pytest.mark.parametrize(("matrix", "value_range"), [(1, 1), (6, 1), (1, 2), (2, 0)])
def test_colours_stay(tmp_path: Path, matrix: int, value_range: int) -> None:
    out = tmp_path / "out.mp4"
    clip = fixed_rate(
        tmp_path / "c.mp4", frames=2, size=(192, 128), colorspace=matrix, color_range=value_range
    )
    _, frames = copied(clip, out)
    difference = frames_of(out)[0].image.astype(int) - frames[0].image
    flat = difference[72:-8, 8:88]  # inside one colour, away from its edges
    assert np.abs(flat).max() <= 6
    assert np.abs(flat.mean(axis=(0, 1))).max() <= 2
    assert np.abs(difference).mean() < 2
    assert probe(out).colour.matrix == 6


@pytest.mark.parametrize("height", [None, 360])
def test_colours_of_hd_that_names_no_matrix_stay(tmp_path: Path, height: int | None) -> None:
    """Players take HD for BT.709 and what is smaller for BT.601."""
    clip, out = tmp_path / "hd.mp4", tmp_path / "out.mp4"
    fixed_rate(clip, frames=1, size=(1280, 720))
    info = probe(clip)
    size = info.size_at(height)
    with read_frames(clip) as reader, VideoWriter(out, info, size=size) as writer:
        image = next(reader).image
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        writer.write(small, info.start_pts)
    with av.open(str(clip)) as container:
        shown = next(container.decode(video=0))
    shown.colorspace = 1
    np.testing.assert_array_equal(image, shown.to_ndarray(format="bgr24"))
    copy = frames_of(out)[0].image.astype(int)
    assert np.abs(copy[size[1] // 2 + 8 :, 8 : size[0] // 2 - 8] - image[-8, 8]).max() <= 6
    assert probe(out).colour.matrix == 6


def test_stream_is_what_browsers_play(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    copied(fixed_rate(tmp_path / "a.mkv", frames=60, audio="aac"), out)
    with av.open(str(out)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert video.profile in {"Main", "High"}
        assert not video.codec_context.has_b_frames
        assert container.streams.audio[0].codec_context.name == "aac"
    content = out.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert b"moof" not in content


def test_a_player_can_jump_to_every_second_second(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    copied(fixed_rate(tmp_path / "a.mp4", frames=50, rate=Fraction(10)), out)
    with av.open(str(out)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    assert [(p.pts or 0) * p.time_base for p in packets if p.is_keyframe] == [0, 2, 4]


def test_pixels_keep_their_shape_and_colours_their_primaries(tmp_path: Path) -> None:
    """Those of an anamorphic camera, and of HDR by BT.2020 and PQ."""
    out = tmp_path / "out.mp4"
    info = probe(fixed_rate(tmp_path / "a.mp4"))
    info = replace(info, sample_aspect=Fraction(4, 3), colour=Colour(9, 16, 9))
    with VideoWriter(out, info) as writer:
        writer.write(picture(0), 0)
    copy = probe(out)
    assert copy.sample_aspect == Fraction(4, 3)
    assert copy.colour == Colour(9, 16, 6)  # the matrix is the writer's own


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "libopus", "flac"])
def test_sound_is_copied_unchanged(tmp_path: Path, codec: str) -> None:
    clip, out = tmp_path / "a.mkv", tmp_path / "out.mp4"
    copied(fixed_rate(clip, frames=60, audio=codec), out)
    source = [(t, data) for t, data in audio_packets(clip) if 0 <= t < 60 / NTSC]
    copy = audio_packets(out)
    assert [data for _, data in copy] == [data for _, data in source]
    # MKV rounds times to milliseconds.
    for (time, _), (wanted, _) in zip(copy, source, strict=True):
        assert abs(time - wanted) < Fraction(3, 1000)


def test_sound_of_a_range_moves_with_its_pictures(tmp_path: Path) -> None:
    clip, out = tmp_path / "a.mp4", tmp_path / "out.mp4"
    _, frames = copied(fixed_rate(clip, frames=90, audio="aac"), out, start_s=1.5, end_s=2.5)
    shown = Fraction(1001 * len(frames), 30000)
    begin = frames[0].pts * Fraction(1, 30000)
    wanted = {data: t - begin for t, data in audio_packets(clip) if 0 <= t - begin < shown}
    copy = audio_packets(out)
    assert [data for _, data in copy] == list(wanted)
    for time, data in copy:
        assert abs(time - wanted[data]) < Fraction(1, 10000)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(("name", "codec"), [("a.mov", "pcm_s16le"), ("a.mkv", "libopus")])
def test_sound_that_begins_after_the_pictures_is_not_heard_before(
    tmp_path: Path, name: str, codec: str, *, complete: bool
) -> None:
    """MP4 would draw the first packet to time 0, where it is a click."""
    info = probe(fixed_rate(tmp_path / name, frames=60, audio=codec, audio_late_s=0.5))
    writer = VideoWriter(tmp_path / "m.mp4", info)
    for i in range(60):
        writer.write(picture(i), round(i / NTSC / info.time_base))
    where = writer.close(complete=complete)
    with av.open(str(where)) as container:
        starts = [frame.time or 0.0 for frame in container.decode(audio=0)]
    assert starts[0] == pytest.approx(0.5, abs=0.03)
    assert max(np.diff(starts)) < 0.03


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mov", "pcm_s16le"), ("a.avi", "mp2"), ("a.ts", "aac"), ("a.mkv", "ac3")]
)
def test_sound_that_browsers_do_not_play_becomes_aac(tmp_path: Path, name: str, codec: str) -> None:
    out = tmp_path / "out.mp4"
    copied(fixed_rate(tmp_path / name, frames=60, audio=codec), out)
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        loud = [np.abs(f.to_ndarray()).max() for f in container.decode(audio=0)]
    assert len(loud) == pytest.approx(2.002 * 48000 / 1024, abs=4)
    assert min(loud[2:-3]) > 0.1  # the tone goes on to the end


@pytest.mark.parametrize(
    ("codec", "sample_rate", "layout", "becomes"),
    [
        ("mp2", 32000, "mono", ("aac", 32000, 1)),
        ("pcm_s16le", 10000, "stereo", ("aac", 48000, 2)),  # AAC has no such rate
        ("libmp3lame", 12000, "stereo", ("aac", 12000, 2)),  # MP4 has no MP3 of such a rate
        ("libmp3lame", 16000, "stereo", ("mp3", 16000, 2)),
    ],
)
def test_sound_keeps_its_rate_and_channels_where_the_format_has_them(
    tmp_path: Path, codec: str, sample_rate: int, layout: str, becomes: tuple[str, int, int]
) -> None:
    out = tmp_path / "out.mp4"
    clip = tmp_path / "a.mkv"
    copied(fixed_rate(clip, audio=codec, audio_rate=sample_rate, audio_layout=layout), out)
    with av.open(str(out)) as container:
        found = container.streams.audio[0].codec_context
        seconds = sum(frame.samples for frame in container.decode(audio=0)) / found.sample_rate
    assert (found.codec.canonical_name, found.sample_rate, found.channels) == becomes
    assert seconds == pytest.approx(30 / NTSC, abs=0.1)


@pytest.mark.parametrize(
    ("codec", "change"),
    [
        ("ac3", {"audio_layout": "5.1"}),
        ("ac3", {"audio_rate": 44100}),
        ("mp2", {"audio_rate": 32000}),
    ],
)
def test_sound_goes_on_where_its_channels_or_rate_change(
    tmp_path: Path, codec: str, change: dict[str, object]
) -> None:
    out = tmp_path / "out.mp4"
    sound = {"audio": codec}
    second = {"pts": range(50, 100), **sound, **change}
    copied(joined(tmp_path / "a.ts", {"frames": 50, **sound}, second), out)
    with av.open(str(out)) as container:
        frames = list(container.decode(audio=0))
    loud = [np.abs(f.to_ndarray()).max() > 0.1 for f in frames]
    assert all(loud[2:-3])
    assert sum(f.samples for f in frames) / 48000 == pytest.approx(4, abs=0.1)
    assert frames[-1].time == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("codec", ["mp2", "libmp3lame"])
@pytest.mark.parametrize("clocks_s", [(0, 0, 0), (7200, 0, 3600)])
def test_sound_of_joined_files_stays_in_step_with_the_pictures(
    tmp_path: Path, codec: str, clocks_s: tuple[int, ...]
) -> None:
    """The tone of each part ends half a second before its pictures."""
    out = tmp_path / "out.mp4"
    parts = [
        {
            "pts": range(25 * at_s, 25 * at_s + 50),
            "audio": codec,
            "audio_s": 1.5,
            "container": (("mpegts_copyts", "1"),),
        }
        for at_s in clocks_s
    ]
    copied(joined(tmp_path / "a.ts", *parts), out)
    with av.open(str(out)) as container:
        frames = list(container.decode(audio=0))
    loud = np.array([f.time or 0.0 for f in frames if np.abs(f.to_ndarray()).max() > 0.1])
    runs = np.split(loud, np.flatnonzero(np.diff(loud) > 0.1) + 1)
    assert len(runs) == 3
    for number, run in enumerate(runs):
        assert run[[0, -1]] == pytest.approx([2 * number, 2 * number + 1.5], abs=0.08)


@pytest.mark.parametrize("codec", ["mp2", "libmp3lame"])
def test_sound_that_is_longer_than_its_pictures_ends_where_the_next_part_begins(
    tmp_path: Path, codec: str
) -> None:
    out = tmp_path / "out.mp4"
    parts = [{"frames": 50, "audio": codec, "audio_s": 3.0}] * 3
    copied(joined(tmp_path / "a.ts", *parts), out)
    with av.open(str(out)) as container:
        frames = list(container.decode(audio=0))
    assert sum(f.samples for f in frames) / 48000 == pytest.approx(6, abs=0.1)
    assert frames[-1].time == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("clocks_s", [(0, 0, 0), (7200, 0, 3600)])
def test_sound_of_a_range_is_that_of_the_part_of_a_joined_file_in_which_it_lies(
    tmp_path: Path, clocks_s: tuple[int, ...]
) -> None:
    """The tone of each part has a length of its own."""
    out = tmp_path / "out.mp4"
    parts = [
        {
            "pts": range(25 * at_s, 25 * at_s + 50),
            "audio": "mp2",
            "audio_s": length,
            "container": (("mpegts_copyts", "1"),),
        }
        for at_s, length in zip(clocks_s, (1.3, 1.7, 1.5), strict=True)
    ]
    copied(joined(tmp_path / "a.ts", *parts), out, start_s=4.2, end_s=5.9)
    with av.open(str(out)) as container:
        frames = list(container.decode(audio=0))
    loud = [f.time or 0.0 for f in frames if np.abs(f.to_ndarray()).max() > 0.1]
    assert (loud[0], loud[-1]) == pytest.approx((0, 1.3), abs=0.08)


def test_sound_without_a_decoder_is_left_out_and_told(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mkv", audio="aac")
    clip.write_bytes(clip.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    with VideoWriter(tmp_path / "out.mp4", probe(clip)) as writer:
        writer.write(picture(0), 0)
    assert writer.warning is not None
    assert "left out (no decoder for its format)" in writer.warning
    assert not probe(tmp_path / "out.mp4").has_audio


def test_one_frame_lasts_one_frame(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    copied(fixed_rate(tmp_path / "a.mp4", audio="aac"), out, max_frames=1)
    copy = probe(out)
    assert (copy.n_frames, copy.rate) == (1, NTSC)


def test_incomplete_video_stays_under_its_partial_name(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4", audio="aac"))
    writer = VideoWriter(tmp_path / "m.overlay.mp4", info)
    for i in range(13):
        writer.write(picture(i), 1001 * i)
    where = writer.close(complete=False)
    assert where == tmp_path / "m.overlay.partial.mp4"
    assert writer.close(complete=True) == where
    assert not (tmp_path / "m.overlay.mp4").exists()
    assert [number_of(frame.image) for frame in frames_of(where)] == list(range(13))
    assert audio_packets(where)


def test_an_error_in_the_body_leaves_the_partial_video(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4"))

    def fail() -> None:
        with VideoWriter(tmp_path / "m.mp4", info) as writer:
            writer.write(picture(0), 0)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert len(frames_of(tmp_path / "m.partial.mp4")) == 1
    assert not (tmp_path / "m.mp4").exists()


def test_no_frames(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4", audio="aac"))
    with pytest.raises(OutputError, match="at least one frame"):
        VideoWriter(tmp_path / "m.mp4", info).close(complete=True)
    VideoWriter(tmp_path / "n.mp4", info).close(complete=False)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_wrong_size_and_stamps_are_refused(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4"))
    with VideoWriter(tmp_path / "m.mp4", info) as writer:
        writer.write(picture(0), 10)
        with pytest.raises(ValueError, match=r"expected \(64, 96, 3\), found \(48, 64, 3\)"):
            writer.write(picture(1, 64, 48), 1001)
        with pytest.raises(ValueError, match="expected more than 10, found 10"):
            writer.write(picture(1), 10)


def test_a_gap_that_mp4_cannot_say_is_told(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4")
    info = replace(probe(clip), time_base=Fraction(1, 90_000))
    longest = 2**31 - 2
    with VideoWriter(tmp_path / "m.mp4", info) as writer:
        writer.write(picture(0), 0)
        writer.write(picture(1), longest)
        with pytest.raises(OutputError, match=r"6\.6 hours without a picture.*split the source"):
            writer.write(picture(2), 2 * longest + 1)
        writer.write(picture(2), 2 * longest)
    assert exact_times(tmp_path / "m.mp4") == [Fraction(n * longest, 90_000) for n in range(3)]


def test_folder_that_does_not_exist_is_told_at_once(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4"))
    with pytest.raises(OutputError, match=r"m\.mp4 cannot be written \(No such file"):
        VideoWriter(tmp_path / "none" / "m.mp4", info)


def test_full_disk_is_told_and_keeps_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    clip = fixed_rate(tmp_path / "a.mp4", frames=250, size=(320, 240), rate=Fraction(25))
    done = run_python(
        """
        import resource, signal, sys
        from pathlib import Path
        import numpy as np
        from hpe_volleyball.errors import OutputError
        from hpe_volleyball.media.frame_reader import read_frames
        from hpe_volleyball.media.video_writer import VideoWriter
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
        random = np.random.default_rng(0)
        with read_frames(Path(sys.argv[1])) as frames:
            try:
                with VideoWriter(Path(sys.argv[2]), frames.info) as writer:
                    for frame in frames:
                        noise = random.integers(0, 255, frame.image.shape, np.uint8)
                        writer.write(noise, frame.pts)
            except OutputError as error:
                print(error)
        """,
        clip,
        tmp_path / "m.mp4",
    )
    assert done.returncode == 0, done.stderr
    assert "m.mp4 cannot be written (File too large" in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "m.partial.mp4"]


def test_pictures_reach_the_disk_itself_every_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, synced = 0, []
    monkeypatch.setattr(video_writer, "monotonic", lambda: now)
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(now))
    writer = VideoWriter(tmp_path / "m.mp4", probe(fixed_rate(tmp_path / "a.mp4")))
    for now in range(13):
        writer.write(picture(now), 1001 * now)
    writer.close(complete=False)
    assert synced == [5, 10]


def test_a_kill_leaves_a_video_that_plays_up_to_the_last_two_seconds(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", frames=250, rate=Fraction(25), audio="aac")
    run_python(
        """
        import os, sys
        from pathlib import Path
        from hpe_volleyball.media.frame_reader import read_frames
        from hpe_volleyball.media.video_writer import VideoWriter
        with read_frames(Path(sys.argv[1])) as frames:
            writer = VideoWriter(Path(sys.argv[2]), frames.info)
            for frame in frames:
                writer.write(frame.image, frame.pts)
            os._exit(9)
        """,
        clip,
        tmp_path / "m.mp4",
    )
    frames = frames_of(tmp_path / "m.partial.mp4")
    assert [number_of(frame.image) for frame in frames] == list(range(len(frames)))
    assert len(frames) >= 250 - 75  # two seconds of a fragment, one in the encoder
    assert audio_packets(tmp_path / "m.partial.mp4")
