"""Live pictures: the newest, with times that go on through lost connections."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from hpe_volleyball.errors import SourceDamaged, SourceError
from hpe_volleyball.media import live, live_address, live_link
from hpe_volleyball.media.damage import Damage
from hpe_volleyball.media.live import LiveReader
from hpe_volleyball.media.live_address import is_live, without_secrets
from hpe_volleyball.media.live_clock import TICKS, LiveClock, measured_rate
from hpe_volleyball.media.live_link import Link
from hpe_volleyball.records import Frame
from tests.clips import Clip, fixed_rate, number_of
from tests.http_server import serving

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
PATIENCE_S = 30
KEYFRAMES = 5
STREAM = (("preset", "ultrafast"), ("g", str(KEYFRAMES)), ("bf", "0"))


def clip(path: Path, frames: int, **changes: object) -> bytes:
    """A transport stream of numbered pictures at 25 frames/s."""
    return fixed_rate(path, frames, Fraction(25), options=STREAM, **changes).read_bytes()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def feed(pipe: Path, *contents: bytes) -> threading.Thread:
    """Write these contents into a pipe, each as a writer of its own."""

    def write() -> None:
        for content in contents:
            with pipe.open("wb") as file:
                file.write(content)
            time.sleep(0.3)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)


def until(reader: LiveReader, what: Callable[[], bool]) -> list[Frame]:
    """Frames until something is so."""

    def poll() -> None:
        if what():
            raise KeyboardInterrupt

    reader.poll = poll
    return list(reader)


@pytest.mark.parametrize(
    "source",
    ["0", "12", "rtsp://hall/1", "RTSP://hall/1", "http://x/y.mp4", "https://x", "udp://@:1234"],
)
def test_live_addresses(source: str) -> None:
    assert is_live(source)


@pytest.mark.parametrize("source", ["match.mp4", "", "0.mp4", "²", "file:///x.mp4", "C:\\x.mp4"])
def test_other_sources(source: str) -> None:
    assert not is_live(source)


def test_a_file_named_like_a_camera_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert not is_live("0")
    assert is_live("1")


@needs_pipes
def test_a_pipe_is_live(pipe: Path) -> None:
    assert is_live(str(pipe))


def test_passwords_are_left_out() -> None:
    assert without_secrets("infer rtsp://me:p%40ss@hall/1 --det x") == "infer rtsp://hall/1 --det x"
    assert without_secrets("http://hall/me@home") == "http://hall/me@home"
    assert without_secrets("match.mp4") == "match.mp4"


class TestClock:
    def test_stamps_of_the_stream_count_from_the_first(self) -> None:
        clock = LiveClock()
        assert [clock.stamp(1000 + 3600 * n, 5 + n) for n in range(3)] == [0, 3600, 7200]

    def test_a_burst_keeps_its_distances(self) -> None:
        clock = LiveClock()
        assert [clock.stamp(3600 * n, 7.0) for n in range(3)] == [0, 3600, 7200]

    def test_stamps_ascend(self) -> None:
        clock = LiveClock()
        assert [clock.stamp(at, 7.0) for at in (0, 3600, 3600, 1800, 7200)] == [
            *(0, 3600, 3601, 3602, 7200)
        ]

    def test_without_stamps_the_clock_counts(self) -> None:
        clock = LiveClock()
        assert [clock.stamp(None, 7 + n / 2) for n in range(3)] == [0, 45000, 90000]

    def test_a_new_connection_goes_on_by_the_clock(self) -> None:
        clock = LiveClock()
        clock.stamp(500, 1.0)
        clock.restart()
        assert clock.stamp(10**9, 4.0) == 3 * TICKS
        assert clock.stamp(10**9 + 3600, 4.0) == 3 * TICKS + 3600

    @pytest.mark.parametrize("jump", [-(2**33), -2 * TICKS, 60 * TICKS])
    def test_jumps_go_by_the_clock(self, jump: int) -> None:
        clock = LiveClock()
        clock.stamp(2**33, 1.0)
        assert clock.stamp(2**33 + jump, 1.5) == TICKS // 2
        assert clock.stamp(2**33 + jump + 3600, 1.5) == TICKS // 2 + 3600

    def test_a_silent_minute_is_a_minute(self) -> None:
        clock = LiveClock()
        clock.stamp(0, 1.0)
        assert clock.stamp(60 * TICKS, 61.0) == 60 * TICKS


def test_the_rate_of_a_stream_that_names_none_is_measured() -> None:
    assert measured_rate([3003 * n for n in range(12)]) == Fraction(30000, 1001)
    assert measured_rate([1800 * n for n in range(12)]) == 50
    assert measured_rate([None, None]) == 25


@needs_pipes
def test_writers_of_a_pipe_one_after_the_other(pipe: Path, tmp_path: Path) -> None:
    writer = feed(pipe, clip(tmp_path / "a.ts", 5), clip(tmp_path / "b.ts", 5))
    with LiveReader(str(pipe)) as reader:
        assert reader.info.name == str(pipe)
        assert (reader.info.width, reader.info.height) == (96, 64)
        assert reader.info.rate == 25
        assert (reader.info.codec, reader.info.has_audio) == ("h264", False)
        frames = until(reader, lambda: reader.report.reconnects == 1 and not writer.is_alive())
    assert reader.report.dropped == 0
    assert reader.report.lost_s > 0
    assert [number_of(frame.image) for frame in frames] == [*range(5), *range(5)]
    assert [frame.index for frame in frames] == list(range(10))
    times = [frame.time_s for frame in frames]
    np.testing.assert_allclose(np.diff(times[:5]), 0.04, atol=1e-3)
    np.testing.assert_allclose(np.diff(times[5:]), 0.04, atol=1e-3)
    assert times[5] - times[4] > 0.25
    assert [frame.pts for frame in frames] == [round(at * TICKS) for at in times]


@needs_pipes
def test_a_first_track_without_pictures_is_passed_over(pipe: Path, tmp_path: Path) -> None:
    feed(pipe, clip(tmp_path / "a.ts", 30, empty_track=True))
    with LiveReader(str(pipe), max_frames=3) as reader:
        assert (reader.info.width, reader.info.height) == (96, 64)
        assert len(list(reader)) == 3


@needs_pipes
def test_a_slow_reader_gets_the_newest(pipe: Path, tmp_path: Path) -> None:
    feed(pipe, clip(tmp_path / "a.ts", 60))
    with LiveReader(str(pipe), max_frames=6) as reader:
        wait_until(lambda: reader.report.dropped == 54)
        frames = list(reader)
    assert [number_of(frame.image) for frame in frames] == list(range(54, 60))
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(54, 60) / 25, atol=1e-3)
    assert [frame.index for frame in frames] == list(range(6))


@needs_pipes
def test_a_slow_decoder_leaves_out_what_it_cannot_do(pipe: Path) -> None:
    """Whoever works on the pictures of a link takes twice as long as they last."""
    feed(pipe, clip(pipe.with_name("a.ts"), 75))
    left_out: list[None] = []
    link = Link(str(pipe), threading.Event(), Damage(), lambda: left_out.append(None))
    seen = []
    for picture in link.pictures():
        seen.append(number_of(np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)))
        time.sleep(0.08)
    link.close()
    assert len(seen) + len(left_out) == 75
    assert len(left_out) >= 20
    gaps = [after for before, after in pairwise(seen) if after != before + 1]
    assert gaps
    assert all(number % KEYFRAMES == 0 for number in gaps)


@needs_pipes
def test_the_end_that_is_asked_for(pipe: Path, tmp_path: Path) -> None:
    feed(pipe, clip(tmp_path / "a.ts", 6))
    with LiveReader(str(pipe), max_seconds=0.2) as reader:  # the time of the sixth
        assert [number_of(frame.image) for frame in reader] == [0, 1, 2, 3, 4]
    feed(pipe, clip(tmp_path / "b.ts", 6))
    # Nobody writes after the sixth: the clock ends it.
    with LiveReader(str(pipe), max_seconds=1) as reader:
        assert len(list(reader)) == 6
    feed(pipe, clip(tmp_path / "c.ts", 6))
    with LiveReader(str(pipe)) as reader:
        assert next(reader).index == 0
        reader.end()
        assert list(reader) == []
        reader.close()


@needs_pipes
def test_a_stream_that_is_joined_in_the_middle_has_no_damage(pipe: Path) -> None:
    """Up to the first keyframe, here the 21st picture, nothing can be decoded."""
    path = fixed_rate(pipe.with_name("a.ts"), 60, Fraction(25), options=(("g", "20"), ("bf", "0")))
    with av.open(str(path)) as container:
        places = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
    feed(pipe, path.read_bytes()[places[5] :])
    damage = Damage()
    link = Link(str(pipe), threading.Event(), damage, lambda: None)
    seen = [number_of(np.asarray(p.to_ndarray(format="bgr24"), np.uint8)) for p in link.pictures()]
    link.close()
    assert (seen, damage) == (list(range(20, 60)), Damage())


@needs_pipes
def test_a_unit_of_time_is_no_rate(pipe: Path) -> None:
    """Matroska of a program that names a thousandth of a second as the length of a picture."""
    ticks = Clip(range(0, 2400, 40), Fraction(1, 1000), Fraction(1000), options=STREAM)
    feed(pipe, ticks.write(pipe.with_name("a.mkv")).read_bytes())
    with LiveReader(str(pipe), max_frames=1) as reader:
        assert reader.info.rate == 25


@needs_pipes
def test_another_picture_size_ends_the_frames(pipe: Path, tmp_path: Path) -> None:
    feed(pipe, clip(tmp_path / "a.ts", 5), clip(tmp_path / "b.ts", 5, size=(128, 64)))
    with LiveReader(str(pipe)) as reader:
        taken = [next(reader) for _ in range(5)]
        with pytest.raises(SourceDamaged, match="size changes from 96x64 to 128x64"):
            next(reader)
    assert len(taken) == 5


@needs_pipes
def test_another_picture_size_while_the_rate_is_measured(
    pipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the first pictures of a stream that does not name its rate."""
    monkeypatch.setattr(live_link, "_RATES", (0, 0))
    feed(pipe, clip(tmp_path / "a.ts", 5) + clip(tmp_path / "b.ts", 15, size=(128, 64)))
    with LiveReader(str(pipe)) as reader:
        assert [next(reader).index for _ in range(5)] == list(range(5))
        with pytest.raises(SourceDamaged, match="size changes from 96x64 to 128x64"):
            next(reader)


@needs_pipes
def test_a_pipe_without_video(pipe: Path) -> None:
    feed(pipe, b"Spiel 3, Halle 1\n" * 1000)
    with pytest.raises(SourceError, match=r"pipe cannot be opened|no picture"):
        LiveReader(str(pipe))


def test_a_playlist_leads_to_no_file_of_this_computer(tmp_path: Path) -> None:
    """Whoever runs the server would get to see it in the results."""
    clip(tmp_path / "private.ts", 60)
    playlist = (
        "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2.4,\n"
        f"file://{tmp_path}/private.ts\n#EXT-X-ENDLIST\n"
    )
    with serving() as server:
        server.files["/live.m3u8"] = playlist.encode()
        with pytest.raises(SourceError, match=r"live\.m3u8 (cannot be opened|has no picture)"):
            LiveReader(f"{server.url}/live.m3u8")


@pytest.mark.parametrize(("name", "length"), [("match.mp4", "1 s"), ("match.ts", r"0\.0 MB")])
def test_a_recording_behind_an_address_is_no_live_source(
    tmp_path: Path, name: str, length: str
) -> None:
    """This server sends no parts of files, so nobody can look how long a match.ts is."""
    fixed_rate(tmp_path / name, 30)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(SourceError, match=rf"is a recording of {length}, .*download it"):
            LiveReader(f"http://127.0.0.1:{server.server_port}/{name}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg's own test source in place of the system's cameras: opened and read likewise."""
    source = ("lavfi", "testsrc2=size=64x48:rate=30:duration={}")
    monkeypatch.setattr(live_address, "_CAMERAS", {"linux": source, "darwin": source})
    monkeypatch.setattr("sys.platform", "linux")
    with LiveReader("3", max_frames=4) as reader:
        frames = list(reader)
        assert reader.info.rate == 30
        assert reader.info.name == "3"
    assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * 4
    assert len({frame.image.tobytes() for frame in frames}) > 1


def test_a_source_that_stays_away_is_tried_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, pauses = 0.0, []

    class Stop(threading.Event):
        """Pauses pass at once, the source is gone from the first on; in the last comes the end."""

        def wait(self, timeout: float | None = None) -> bool:
            nonlocal now
            monkeypatch.setattr(live_address, "_CAMERAS", {"linux": ("lavfi", "none")})
            pauses.append(timeout or 0.0)
            now += pauses[-1]
            if len(pauses) == 8:
                self.set()
            return self.is_set()

    monkeypatch.setattr(live, "Event", Stop)
    monkeypatch.setattr(live, "monotonic", lambda: now)
    source = ("lavfi", "testsrc2=size=64x48:rate=30:duration={}")
    monkeypatch.setattr(live_address, "_CAMERAS", {"linux": source})
    monkeypatch.setattr("sys.platform", "linux")
    with LiveReader("1") as reader:
        wait_until(lambda: len(pauses) == 8)
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert reader.report.lost_s == sum(pauses)
    assert reader.report.reconnects == 0
