"""The soak's parts, and a short one."""

from __future__ import annotations

import gc
from argparse import Namespace
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soak
from soak import LOOP, RATE, growth_mb, markdown, memory_mb, run, turn_scores, verdict, write_loop
from writing import origin

from hpe_volleyball.evaluation.people import People
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.output.data_file import DataFile
from tests.clips import fixed_rate, number_of
from tests.rows import HEADER, result
from tests.runs import stamps


def test_the_stream_is_the_clip_again_and_again(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "a.mp4", 30, rate=Fraction(50))
    stream = write_loop(clip, 30, 3, tmp_path / "stream.mp4")
    with read_frames(stream) as frames:
        assert [number_of(frame.image) for frame in frames] == list(range(30)) * 3
    np.testing.assert_allclose(stamps(stream), np.arange(90) / 50, atol=1e-6)


def samples(minutes: int) -> list[dict[str, float]]:
    """One a minute: 10 ms of the clock and 12 ms of the processors a frame."""
    return [
        {"frame": 3000.0 * i, "clock_s": 30.0 * i, "cpu_s": 36.0 * i, "rss_mb": 300.0 + i}
        for i in range(minutes + 1)
    ]


def test_memory_early_and_late_and_times_of_first_and_last_part() -> None:
    found = verdict(samples(60))
    assert (found["mb_after_300_s"], found["mb_after_600_s"]) == (305, 310)
    assert (found["mb_end"], found["mb_most"]) == (360, 360)
    assert growth_mb(found) == 55
    for part in ("start", "end"):
        assert found[f"wall_ms_{part}"] == pytest.approx(10)
        assert found[f"cpu_ms_{part}"] == pytest.approx(12)
    slow = [row | {"clock_s": row["clock_s"] * (1 + row["frame"] / 180_000)} for row in samples(60)]
    assert verdict(slow)["wall_ms_end"] > 25
    assert verdict(slow)["wall_ms_start"] < 12
    assert verdict(slow)["cpu_ms_end"] == pytest.approx(12)


def test_a_short_stream_has_no_memory_after_ten_minutes() -> None:
    found = verdict(samples(7))
    assert "mb_after_300_s" in found
    assert "mb_after_600_s" not in found
    assert growth_mb(found) == 2
    assert growth_mb(verdict(samples(4))) is None


def test_resident_memory_grows_with_what_is_held() -> None:
    gc.collect()  # what earlier tests left must not be freed in between
    before = memory_mb("VmRSS")
    block = np.ones(25_000_000)
    assert memory_mb("VmRSS") - before > 100
    assert memory_mb("VmHWM") >= before + 100
    assert len(block)


def test_one_turn_is_scored_as_the_rally(tmp_path: Path) -> None:
    """One person in the first two of three turns; the truth is that of the second."""
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        for number in range(3 * LOOP):
            found = result(number, people=int(number < 2 * LOOP))
            file.write(replace(found, frame=replace(found.frame, time_s=number / RATE)))
    second = [result(LOOP + i, people=1) for i in range(LOOP)]
    truth = People(
        frame=np.arange(LOOP),
        ids=np.ones(LOOP, np.int32),
        boxes=np.concatenate([each.tracks.boxes for each in second]),
        keypoints=np.concatenate([each.poses.keypoints for each in second]),
        keypoint_scores=np.ones((LOOP, 17), np.float32),
    )
    scores = {turn: turn_scores(tmp_path / "m.h5", turn, truth) for turn in range(3)}
    assert scores[0] == {"rows": LOOP, "box_precision": 0, "oks": 0}
    assert scores[1] == {"rows": LOOP, "box_precision": 1, "oks": 1}
    assert scores[2]["rows"] == 0


def test_a_soak_of_two_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "LOOP", 80)
    monkeypatch.setattr(soak, "SAMPLE", 40)
    options = Namespace(
        minutes=0, width=160, height=90, max_people=1, det_interval=8, pose_interval=8, device="cpu"
    )
    content = {**origin(), **run(options, tmp_path)}
    assert content["stream"]["frames"] == content["files"]["data_frames"] == 160
    assert [row["frame"] for row in content["samples"]] == [0, 40, 80, 120]
    assert content["files"]["data_complete"]
    assert content["files"]["overlay_frames_of_last_second"] == 50
    assert "| frames in the data file | 160 |" in markdown(content)
