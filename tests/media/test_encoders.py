"""H.264 encoders: one that works is picked, and its qualities differ."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from hpe_volleyball.choices import Quality
from hpe_volleyball.media import encoders
from hpe_volleyball.media.encoders import pick_encoder
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.video import probe
from hpe_volleyball.media.video_writer import VideoWriter
from tests.clips import fixed_rate

QUALITIES: tuple[Quality, ...] = ("low", "medium", "high")


def test_the_encoder_picked_encodes() -> None:
    picked = pick_encoder(64, 48).name
    assert encoders.works(picked, 64, 48)
    assert picked in av.codecs_available


def test_an_encoder_that_is_not_built_in_does_not_work() -> None:
    assert not encoders.works("h264_of_tomorrow")


def test_an_encoder_that_does_not_take_the_size_is_not_picked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H.263 stands in for a hardware encoder: it has a few sizes only."""
    monkeypatch.setattr(encoders, "HARDWARE", ("h263",))
    assert pick_encoder(352, 288).name == "h263"
    assert pick_encoder(354, 288).name == encoders.SOFTWARE


def test_the_size_that_counts_is_that_of_the_overlay_made_even(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def works(_: str, width: int, height: int) -> bool:
        asked.append((width, height))
        return False

    monkeypatch.setattr(encoders, "works", works)
    info = probe(fixed_rate(tmp_path / "a.mp4", size=(320, 240)))
    VideoWriter(tmp_path / "small.mp4", info, size=(133, 101)).close(complete=False)
    assert set(asked) == {(134, 102)}


def test_every_encoder_has_three_qualities_without_b_frames() -> None:
    for name in (*encoders.HARDWARE, encoders.SOFTWARE):
        options = [encoders._options(name, quality) for quality in QUALITIES]
        assert all(given["bf"] == "0" for given in options)
        assert len({tuple(given.items()) for given in options}) == len(QUALITIES), name


def test_more_quality_is_nearer_to_the_source_and_larger(tmp_path: Path) -> None:
    with read_frames(fixed_rate(tmp_path / "a.mp4", frames=10, size=(320, 240))) as reader:
        frames = list(reader)
    noise = np.random.default_rng(0).integers(-40, 40, frames[0].image.shape)
    pictures = [np.clip(f.image + noise, 0, 255).astype(np.uint8) for f in frames]
    sizes, errors = [], []
    for quality in QUALITIES:
        out = tmp_path / f"{quality}.mp4"
        with VideoWriter(out, reader.info, quality=quality) as writer:
            for frame, image in zip(frames, pictures, strict=True):
                writer.write(image, frame.pts)
        with read_frames(out) as copied:
            errors.append(
                float(
                    np.mean(
                        [
                            np.abs(f.image.astype(int) - image).mean()
                            for f, image in zip(copied, pictures, strict=True)
                        ]
                    )
                )
            )
        sizes.append(out.stat().st_size)
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert sizes[0] < sizes[2]


def test_a_smaller_copy_keeps_shape_and_is_never_larger(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4", size=(320, 240)))
    assert info.size_at(120) == (160, 120)
    assert info.size_at(101) == (135, 101)
    assert info.size_at(None) == info.size_at(240) == info.size_at(999) == (320, 240)


def test_an_odd_sized_copy_becomes_even(tmp_path: Path) -> None:
    info = probe(fixed_rate(tmp_path / "a.mp4", size=(320, 240)))
    out = tmp_path / "small.mp4"
    with VideoWriter(out, info, size=info.size_at(101)) as writer:
        writer.write(np.zeros((101, 135, 3), np.uint8), info.start_pts)
    small = probe(out)
    assert (small.width, small.height) == (136, 102)
