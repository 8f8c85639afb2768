"""The pictures of a video that was cut off, and a video that begins with them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import av
import pytest

from hpe_volleyball.errors import OutputError
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.kept_pictures import KeptPictures, count_pictures
from hpe_volleyball.media.video_writer import VideoWriter
from tests.child import run_python
from tests.clips import fixed_rate, number_of
from tests.runs import sound_packets, stamps

FRAMES = 120


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fixed_rate(tmp_path_factory.mktemp("source") / "s.mp4", FRAMES, audio="aac")


def begun(source: Path, target: Path, frames: int) -> Path:
    """A video that was stopped after so many frames: where it stands."""
    with read_frames(source, max_frames=frames) as reader:
        writer = VideoWriter(target, reader.info)
        for frame in reader:
            writer.write(frame.image, frame.pts)
    return writer.close(complete=False)


def finished(source: Path, target: Path, kept: KeptPictures | None = None) -> Path:
    start = kept.frames if kept else 0
    with read_frames(source) as reader, VideoWriter(target, reader.info, kept=kept) as writer:
        for frame in reader:
            if frame.index >= start:
                writer.write(frame.image, frame.pts)
    return target


@pytest.mark.parametrize("frames", [1, 50, FRAMES])
def test_a_video_in_two_parts_is_the_video_in_one(
    tmp_path: Path, source: Path, frames: int
) -> None:
    whole = finished(source, tmp_path / "whole.mp4")
    kept = begun(source, tmp_path / "first.mp4", min(FRAMES, frames + 20))
    assert count_pictures(kept) == min(FRAMES, frames + 20)
    both = finished(source, tmp_path / "both.mp4", KeptPictures(kept, frames, 0))
    assert not kept.exists()
    assert stamps(both) == stamps(whole)
    assert sound_packets(both) == sound_packets(whole)
    with read_frames(both) as reader:
        assert [number_of(frame.image) for frame in reader] == list(range(FRAMES))
    with av.open(str(both)) as video:
        packets = [p for p in video.demux(video=0) if p.size]
    assert packets[min(frames, FRAMES - 1)].is_keyframe or frames == FRAMES


@pytest.mark.parametrize("sound", [{}, {"audio": "aac"}, {"audio": "aac", "audio_s": 1.0}])
def test_a_kill_costs_seven_pictures_at_most(tmp_path: Path, sound: dict[str, Any]) -> None:
    source = fixed_rate(tmp_path / "s.mp4", FRAMES, **sound)
    done = run_python(
        """
        import os, sys
        from pathlib import Path
        from hpe_volleyball.media.frame_reader import read_frames
        from hpe_volleyball.media.video_writer import VideoWriter
        with read_frames(Path(sys.argv[1]), max_frames=100) as reader:
            writer = VideoWriter(Path(sys.argv[2]), reader.info)
            for frame in reader:
                writer.write(frame.image, frame.pts)
            os._exit(9)
        """,
        source,
        tmp_path / "v.mp4",
    )
    assert done.returncode == 9, done.stderr
    partial = tmp_path / "v.partial.mp4"
    assert 93 <= count_pictures(partial) <= 100
    with read_frames(partial) as reader:
        numbers = [number_of(frame.image) for frame in reader]
    assert numbers == list(range(count_pictures(partial)))


def test_a_torn_end_counts_whole_pictures_only(tmp_path: Path, source: Path) -> None:
    kept = begun(source, tmp_path / "v.mp4", 60)
    content = kept.read_bytes()
    counts = []
    for part in (0.0, 0.01, 0.3, 0.6, 0.999):
        kept.write_bytes(content[: int(len(content) * part)])
        counts.append(count_pictures(kept))
        shutil.copy(kept, tmp_path / "copy.mp4")
        pictures = KeptPictures(tmp_path / "copy.mp4", counts[-1], 0)
        both = finished(source, tmp_path / f"{part}.mp4", pictures)
        with read_frames(both) as reader:
            assert [number_of(frame.image) for frame in reader] == list(range(FRAMES))
    assert counts[:2] == [0, 0]
    assert counts == sorted(counts)
    assert 10 < counts[2] < counts[3] < 60
    assert count_pictures(tmp_path / "none.mp4") == 0


def test_pictures_of_another_encoder_are_refused(tmp_path: Path, source: Path) -> None:
    other = fixed_rate(tmp_path / "other.mp4", 30, options=(("profile", "baseline"),))
    with pytest.raises(OutputError, match="was encoded in another way"):
        finished(source, tmp_path / "v.mp4", KeptPictures(other, 20, 0))
    assert other.exists()
    assert not (tmp_path / "v.mp4").exists()


def test_pictures_of_another_size_are_refused(tmp_path: Path, source: Path) -> None:
    """They differ in one of two parameter sets alone."""
    other = fixed_rate(tmp_path / "s.mp4", 30, size=(112, 64))
    kept = begun(other, tmp_path / "other.mp4", 30)
    with pytest.raises(OutputError, match="was encoded in another way"):
        finished(source, tmp_path / "v.mp4", KeptPictures(kept, 20, 0))
    assert kept.exists()


def test_no_picture_of_a_torn_fragment_counts_that_is_not_whole(
    tmp_path: Path, source: Path
) -> None:
    kept = begun(source, tmp_path / "v.mp4", 12)
    content = kept.read_bytes()
    with av.open(str(kept)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    ends = [(packet.pos or 0) + packet.size for packet in packets]
    for number in (5, 6, 7):
        for missing in (packets[number].size // 2, 1, 0):
            kept.write_bytes(content[: ends[number] - missing])
            assert count_pictures(kept) == (number if missing else number + 1)
