"""Frames that keep their picture as it was decoded."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import av
import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame

from hpe_volleyball.media.decoded import Converter, DecodedFrame
from hpe_volleyball.records import Image
from tests.clips import fixed_rate

SIZE = (64, 48)


@pytest.fixture
def pictures(tmp_path: Path) -> list[VideoFrame]:
    with av.open(str(fixed_rate(tmp_path / "a.mp4", frames=4, size=SIZE))) as container:
        return list(container.decode(video=0))


def bgr(picture: VideoFrame) -> Image:
    return picture.to_ndarray(format="bgr24").astype(np.uint8, copy=False)


def test_the_picture_is_that_of_the_decoder(pictures: list[VideoFrame]) -> None:
    frame = DecodedFrame(3, 0.12, 40, pictures[1], Converter(*SIZE))
    assert (frame.index, frame.time_s, frame.pts, frame.size) == (3, 0.12, 40, SIZE)
    np.testing.assert_array_equal(frame.image, bgr(pictures[1]))


def test_the_picture_is_the_same_after_it_was_let_go(pictures: list[VideoFrame]) -> None:
    converter = Converter(*SIZE)
    frames = [DecodedFrame(i, i / 25, i, picture, converter) for i, picture in enumerate(pictures)]
    for frame in frames:
        frame.let_go()
    out = converter.to_bgr(pictures[0])
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.image, bgr(picture))
        frame.copy_image(out)
        np.testing.assert_array_equal(out, bgr(picture))


def test_what_somebody_holds_is_not_made_anew(pictures: list[VideoFrame]) -> None:
    frame = DecodedFrame(0, 0.0, 0, pictures[0], Converter(*SIZE))
    held = frame.image
    frame.let_go()
    assert frame.image is held
    del held
    again = frame.image
    assert frame.image is again


def test_a_picture_that_is_held_outlives_all_frames(pictures: list[VideoFrame]) -> None:
    converter = Converter(*SIZE)
    held = DecodedFrame(0, 0.0, 0, pictures[0], converter).image[10:20]
    for picture in pictures[1:]:
        DecodedFrame(1, 0.04, 1, picture, converter).let_go()
    np.testing.assert_array_equal(held, bgr(pictures[0])[10:20])


@pytest.mark.parametrize(
    ("rotation", "turn"), [(90, cv2.ROTATE_90_COUNTERCLOCKWISE), (180, cv2.ROTATE_180)]
)
def test_pictures_are_turned_upright(rotation: int, turn: int, pictures: list[VideoFrame]) -> None:
    size = SIZE if rotation == 180 else SIZE[::-1]
    frame = DecodedFrame(0, 0.0, 0, pictures[2], Converter(*size, rotation))
    np.testing.assert_array_equal(frame.image, cv2.rotate(bgr(pictures[2]), turn))


def test_rows_with_gaps_between_them_are_read_right(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "odd.mp4", frames=1, size=(70, 46))
    with av.open(str(clip)) as container:
        picture = next(container.decode(video=0))
    frame = DecodedFrame(0, 0.0, 0, picture, Converter(70, 46))
    np.testing.assert_array_equal(frame.image, bgr(picture))


def test_several_threads_may_ask(pictures: list[VideoFrame]) -> None:
    converter = Converter(*SIZE)
    expected = [bgr(picture) for picture in pictures]
    wrong: list[int] = []

    def ask() -> None:
        for _ in range(50):
            for i, picture in enumerate(pictures):
                if not np.array_equal(converter.to_bgr(picture), expected[i]):
                    wrong.append(i)

    threads = [Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
