"""Frames that keep their picture as it was decoded."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from threading import Thread

import av
import cv2
import numpy as np
import pytest
from av.filter import Graph
from av.video.frame import VideoFrame

from hpe_volleyball.media.decoded import Converter, DecodedFrame
from hpe_volleyball.media.orientation import Orientation
from hpe_volleyball.records import Frame, Image
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
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.image, bgr(picture))
        np.testing.assert_array_equal(frame.new_image(), bgr(picture))


@pytest.mark.parametrize("let_go", [False, True])
def test_a_new_picture_may_be_drawn_on(let_go: bool, pictures: list[VideoFrame]) -> None:
    frame = DecodedFrame(0, 0.0, 0, pictures[0], Converter(*SIZE))
    if let_go:
        frame.let_go()
    frame.new_image()[:] = 7
    np.testing.assert_array_equal(frame.image, bgr(pictures[0]))
    np.testing.assert_array_equal(frame.new_image(), bgr(pictures[0]))


def test_what_is_drawn_on_a_copy_stays_there_and_nowhere_else(pictures: list[VideoFrame]) -> None:
    frame = DecodedFrame(2, 0.08, 2, pictures[0], Converter(*SIZE))
    frame.let_go()
    held = frame.image
    copy = frame.copy()
    copy.image[:] = 7
    assert (copy.index, copy.time_s, copy.pts, copy.size) == (2, 0.08, 2, SIZE)
    assert (copy.image == 7).all()
    np.testing.assert_array_equal(held, bgr(pictures[0]))
    np.testing.assert_array_equal(copy.copy().image, bgr(pictures[0]))


@pytest.mark.parametrize("sent", [deepcopy, lambda frame: pickle.loads(pickle.dumps(frame))])  # noqa: S301
def test_another_process_gets_the_picture(
    sent: Callable[[Frame], Frame], pictures: list[VideoFrame]
) -> None:
    frame = sent(DecodedFrame(2, 0.08, 5, pictures[0], Converter(*SIZE)))
    assert (frame.index, frame.time_s, frame.pts, frame.size) == (2, 0.08, 5, SIZE)
    np.testing.assert_array_equal(frame.image, bgr(pictures[0]))


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
    frame = DecodedFrame(0, 0.0, 0, pictures[2], Converter(*size, Orientation(rotation)))
    np.testing.assert_array_equal(frame.image, cv2.rotate(bgr(pictures[2]), turn))


def test_rows_with_gaps_between_them_are_read_right(tmp_path: Path) -> None:
    clip = fixed_rate(tmp_path / "odd.mp4", frames=1, size=(70, 46))
    with av.open(str(clip)) as container:
        picture = next(container.decode(video=0))
    frame = DecodedFrame(0, 0.0, 0, picture, Converter(70, 46))
    np.testing.assert_array_equal(frame.image, bgr(picture))


def noise(width: int, height: int, pixels: str) -> VideoFrame:
    """A picture of smooth noise with planes of these pixels."""
    small = np.random.default_rng(width).integers(0, 256, (6, 8, 3), np.uint8)
    image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return VideoFrame.from_ndarray(image.astype(np.uint8, copy=False), "bgr24").reformat(
        format=pixels
    )


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv422p", "yuv420p10le", "nv12"])
@pytest.mark.parametrize("colorspace", [0, 1, 2, 5, 6, 9])
@pytest.mark.parametrize("color_range", [0, 1, 2])
def test_colours_are_those_of_the_reformatter(
    pixels: str, colorspace: int, color_range: int
) -> None:
    if colorspace == 0:  # RGB, which these planes are not
        pixels = "gbrp"
    picture = noise(70, 46, pixels)
    picture.colorspace, picture.color_range = colorspace, color_range
    expected = bgr(picture)
    np.testing.assert_array_equal(Converter(70, 46).to_bgr(picture), expected)


@pytest.mark.parametrize(("height", "matrix"), [(718, 6), (720, 1)])
@pytest.mark.parametrize("named", [2, 3, 40])
def test_hd_that_names_no_matrix_is_read_by_that_of_hd(
    height: int, matrix: int, named: int
) -> None:
    picture = noise(16, height, "yuv420p")
    picture.colorspace = matrix
    expected = bgr(picture)
    picture.colorspace = named
    np.testing.assert_array_equal(Converter(16, height).to_bgr(picture), expected)


def test_pictures_of_another_kind_may_follow() -> None:
    converter = Converter(70, 46)
    for pixels, colorspace in (("yuv420p", 6), ("yuv420p", 1), ("yuv420p10le", 1), ("yuv420p", 6)):
        picture = noise(70, 46, pixels)
        picture.colorspace = colorspace
        expected = bgr(picture)
        np.testing.assert_array_equal(converter.to_bgr(picture), expected)


def test_pictures_that_are_bgr_already_are_copied() -> None:
    picture = noise(64, 46, "bgr24")
    expected = bgr(picture)
    Converter(64, 46).to_bgr(picture)[:] = 7
    np.testing.assert_array_equal(bgr(picture), expected)


def test_colours_of_codes_that_nobody_knows_are_no_obstacle() -> None:
    picture = noise(70, 46, "yuv420p")
    expected = bgr(picture)
    picture.color_trc, picture.color_primaries = 3, 3  # reserved in ITU-T H.273
    picture.colorspace, picture.color_range = 40, 3
    np.testing.assert_array_equal(Converter(70, 46).to_bgr(picture), expected)


def test_a_matrix_that_cannot_be_converted_is_read_as_none() -> None:
    converter = Converter(8, 6)
    for matrix in range(256):
        picture = noise(8, 6, "yuv420p")
        picture.colorspace = matrix
        image = converter.to_bgr(picture)
        if matrix not in {1, 4, 7, 9}:  # 0 is RGB, which these planes are not; 5 and 6 are BT.601
            np.testing.assert_array_equal(image, bgr(noise(8, 6, "yuv420p")), str(matrix))


def interlaced(image: Image) -> VideoFrame:
    """The picture, marked as made of two fields."""
    height, width = image.shape[:2]
    graph = Graph()
    source = graph.add(
        "buffer", video_size=f"{width}x{height}", pix_fmt="yuv420p", time_base="1/25"
    )
    graph.link_nodes(source, graph.add("setfield", "tff"), graph.add("buffersink")).configure()
    graph.push(VideoFrame.from_ndarray(image, "bgr24").reformat(format="yuv420p"))
    return graph.vpull()


def test_of_an_interlaced_picture_one_moment_is_shown() -> None:
    """An edge that moves by twelve pixels from one field to the next."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[::2, 20:] = 200
    image[1::2, 32:] = 200
    found = Converter(64, 48).to_bgr(interlaced(image))
    assert np.all(found[:, 22:] > 190)
    assert np.all(found[:, :18] < 10)


def ramp(height: int) -> Image:
    """Five grey levels from one line to the next."""
    return np.repeat(5 * np.arange(height, dtype=np.uint8), 3 * 64).reshape(height, 64, 3)


@pytest.mark.parametrize("height", [48, 47, 2, 1])
def test_the_lines_of_an_interlaced_picture_stay_where_they_are(height: int) -> None:
    converter = Converter(64, height)
    plain = VideoFrame.from_ndarray(ramp(height), "bgr24").reformat(format="yuv420p")
    expected = converter.to_bgr(plain).astype(int)
    off = (converter.to_bgr(interlaced(ramp(height))) - expected)[:, :, 1]
    assert np.abs(off[: height - height % 2 - 1]).max(initial=0) <= 1
    assert np.abs(off[-1]).max() <= 5  # without a line below it, it is that above


def test_interlaced_pictures_are_turned_and_may_come_between_others() -> None:
    converter = Converter(48, 64, Orientation(90))
    plain = VideoFrame.from_ndarray(ramp(48), "bgr24").reformat(format="yuv420p")
    expected = cv2.rotate(bgr(plain), cv2.ROTATE_90_COUNTERCLOCKWISE).astype(int)
    for picture in (plain, interlaced(ramp(48)), plain):
        assert np.abs(converter.to_bgr(picture) - expected)[:, :-1].max() <= 2


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
