"""The data file of a two-hour match: its size, its memory, and how fast a range is read."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball import load_results
from hpe_volleyball.files import partial_path
from hpe_volleyball.output.data_cut import cut_data
from hpe_volleyball.output.data_file import DataFile
from hpe_volleyball.records import Frame, FrameResult, Poses, Tracks
from tests.recorded import record
from tests.rows import BLANK, HEADER

RATE, FRAMES, PEOPLE = 50, 360_000, 12
FLUSH_FRAMES = 150
"""Frames in the 5 s between two writes when a run does 30 frames per second."""
LIMIT_MB, LIMIT_S = 1500, 1.0


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def match(number: int, rng: np.random.Generator) -> FrameResult:
    """Twelve people whose every coordinate and score has noise: little of it can be compressed."""
    x = 100 + 140 * np.arange(PEOPLE) + 60 * np.sin(number / 70 + np.arange(PEOPLE))
    boxes = np.stack([x, np.full(PEOPLE, 400.0), x + 90, np.full(PEOPLE, 640.0)], axis=1)
    boxes += rng.normal(0, 1, boxes.shape)
    points = boxes[:, None, :2] + rng.uniform(0, 1, (PEOPLE, 17, 2)) * [90, 240]
    scores = rng.uniform(0.5, 1.0, (PEOPLE, 18)).astype(np.float32)
    ids = np.arange(1, PEOPLE + 1, dtype=np.int32) + PEOPLE * (number // 20_000)
    tracks = Tracks(ids, boxes.astype(np.float32), scores[:, 0], rng.random(PEOPLE) < 0.25)
    poses = Poses(points.astype(np.float32), scores[:, 1:])
    return FrameResult(Frame(number, number / RATE, BLANK), tracks, poses, number % 4 == 0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_two_hours_of_twelve_people(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "match.poses.h5"
    file = DataFile(path, replace(HEADER, fps=Fraction(RATE)), flush_s=1e9)
    memory: list[float] = []
    for number in range(FRAMES):
        file.write(match(number, rng))
        if number % FLUSH_FRAMES == 0:
            file._flush()
        if number % (FRAMES // 10) == FRAMES // 20:
            memory.append(round(resident_mb(), 1))
    file.close(complete=True)
    size_mb = path.stat().st_size / 1e6
    reads: dict[str, float] = {}
    for start in (0, 3600, 7190):
        for length in (10, 60):
            begun = time.perf_counter()
            part = load_results(path, start, start + length)
            reads[f"{length} s from {start} s"] = round(time.perf_counter() - begun, 3)
            frames = min(length, FRAMES // RATE - start) * RATE
            assert len(part.frame_index) == frames
            assert len(part.track_id) == frames * PEOPLE
    begun = time.perf_counter()
    cut_data(path, partial_path(path), FRAMES - 1000)
    record(
        "two_hours",
        {
            "frames": FRAMES,
            "people": PEOPLE,
            "size_mb": round(size_mb, 1),
            "limit_mb": LIMIT_MB,
            "read_s": reads,
            "seconds_to_cut_for_resume": round(time.perf_counter() - begun, 1),
            "memory_mb": memory,
        },
    )
    assert size_mb <= LIMIT_MB
    assert min(reads.values()) < LIMIT_S
