"""The soak's parts: the stream, what is made of the samples, the frames of the loop."""

from __future__ import annotations

import gc
from fractions import Fraction
from pathlib import Path

import numpy as np
from soak import LoopedDetector, LoopedPoser, markdown, resident_mb, verdict, write_loop

from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.records import Detections, Floats, Frame, Poses
from hpe_volleyball.skeleton import COCO17
from tests.clips import fixed_rate, number_of
from tests.runs import stamps


def test_the_stream_is_the_clip_again_and_again(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", 30, rate=Fraction(50))
    stream = write_loop(clip, 30, 3, tmp_path / "stream.mp4")
    with read_frames(stream) as frames:
        assert [number_of(frame.image) for frame in frames] == list(range(30)) * 3
    np.testing.assert_allclose(stamps(stream), np.arange(90) / 50, atol=1e-6)


def test_models_are_asked_for_frames_of_the_loop() -> None:
    asked: list[int] = []

    class Models:
        skeleton = COCO17

        def detect(self, frame: Frame) -> Detections:
            asked.append(frame.index)
            return Detections.empty()

        def estimate(self, frames: list[Frame], _boxes: list[Floats]) -> list[Poses]:
            asked.extend(frame.index for frame in frames)
            return []

    frame = Frame(25, 0.5, np.zeros((2, 2, 3), np.uint8))
    LoopedDetector(Models(), 10).detect(frame)
    LoopedPoser(Models(), 7).estimate([frame], [])  # type: ignore[arg-type]
    assert asked == [5, 4]
    assert LoopedPoser(Models(), 7).skeleton is COCO17  # type: ignore[arg-type]


def test_memory_early_and_late_and_times_of_first_and_last_part() -> None:
    samples = [
        {"frame": 500.0 * i, "clock_s": 5.0 * i + max(0, i - 350), "rss_mb": 300.0 + (i > 80)}
        for i in range(361)
    ]
    found = verdict(samples)
    assert found["early_s"] == 360
    assert (found["early_mb"], found["end_mb"], found["most_mb"]) == (300, 301, 301)
    assert found["start_ms"] == 10
    assert found["end_ms"] == 10
    slow = [row | {"clock_s": row["clock_s"] * (1 + row["frame"] / 180_000)} for row in samples]
    assert verdict(slow)["end_ms"] > 25
    assert verdict(slow)["start_ms"] < 12


def test_resident_memory_grows_with_what_is_held() -> None:
    gc.collect()  # what earlier tests left must not be freed in between
    before = resident_mb()
    block = np.ones(25_000_000)
    assert resident_mb() - before > 100
    assert len(block)


def test_the_table_says_what_was_found() -> None:
    content = {
        "machine": {"processor": "Abacus", "cores": 2},
        "versions": {"python": "3.11"},
        "stream": {"minutes": 60.0, "size": "640x360", "players": 4},
        "fps": 61.25,
        "result": {
            "early_s": 600.0, "early_mb": 310.2, "end_mb": 312.9, "start_ms": 16.2, "end_ms": 16.3,
        },
        "files": {"frames": 180_000, "data_frames": 180_000, "overlay_frames_of_last_second": 50},
    }  # fmt: skip
    text = markdown(content)
    for row in (
        "| memory after 10.0 min | 310 MB |",
        "| frames, in the data file | 180000, 180000",
    ):
        assert row in text
