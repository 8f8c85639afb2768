"""What the overlay says in words and numbers, and where it draws the court at another size."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from hpe_volleyball.output.draw import OverlayPainter
from hpe_volleyball.output.id_colours import Colour, id_colour
from hpe_volleyball.records import Frame, FrameResult, Image, Polygon, Poses, Tracks
from hpe_volleyball.skeleton import COCO17

DARK, WHITE, PANEL = (20, 20, 20), (255, 255, 255), (42, 42, 42)
"""The panel of the stamp is a quarter as bright as the picture below it, and a little."""
NOBODY = np.zeros((0, 4), np.float32)
GREY = 128
SMALL = (320, 180)


def result(*, width: int = 1920, height: int = 1080) -> FrameResult:
    """Frame 407 at 1 h 2 min 3.5 s, with number 42 at 37 %."""
    tracks = Tracks(
        np.array([42], np.int32),
        np.array([[900, 400, 1200, 900]], np.float32),
        np.array([0.37], np.float32),
        np.array([True]),
    )
    poses = Poses(np.zeros((1, 17, 2), np.float32), np.zeros((1, 17), np.float32))
    image = np.full((height, width, 3), GREY, np.uint8)
    return FrameResult(Frame(407, 3723.5, image), tracks, poses, keyframe=True)


def says(picture: Image, text: str, ink: Colour, paper: Colour, scale: float = 0.7) -> bool:
    """Whether this text stands somewhere, as OpenCV writes it."""
    stroke = max(1, round(2.6 * scale))
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
    written = np.full((height, width, 3), paper, np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(written, text, (0, height), font, scale, ink, stroke, cv2.LINE_AA)
    off = cv2.matchTemplate(picture, written, cv2.TM_SQDIFF)
    return bool(off.min() < written.size)  # other digits are a thousand times as far off


def test_a_label_says_id_and_score() -> None:
    picture = OverlayPainter(COCO17, 1920, 1080).paint(result())[340:410, 890:1100]
    paper = id_colour(42)
    assert [n for n in (24, 41, 42, 43) if says(picture, f"{n}", DARK, paper)] == [42]
    shares = [n for n in (36, 37, 38, 63) if says(picture, f"{n}%", DARK, paper, 0.7 * 0.7)]
    assert shares == [37]


def test_in_small_pictures_a_label_says_the_id_alone() -> None:
    """Letters that can still be read would hide players and each other."""
    widths = []
    for size in ((960, 540), (640, 360)):
        picture = OverlayPainter(COCO17, 1920, 1080, size=size).paint(result())
        top, left = (400 * size[1]) // 1080, (900 * size[0]) // 1920
        label = picture[top - 10 : top, left:]
        widths.append(int(np.flatnonzero((label == id_colour(42)).all(axis=-1).any(axis=0)).max()))
        assert says(picture, "42", DARK, id_colour(42), 0.4)
    assert widths[0] > 1.8 * widths[1]


def test_labels_of_people_close_together_can_all_be_read() -> None:
    """They stand on each other where the people stand side by side."""
    boxes = [(900, 400, 1000, 900), (930, 405, 1030, 905), (960, 390, 1060, 890), (960, 4, 990, 90)]
    tracks = Tracks(
        np.array([42, 43, 44, 45], np.int32),
        np.array(boxes, np.float32),
        np.full(4, 0.9, np.float32),
        np.full(4, True),
    )
    poses = Poses(np.zeros((4, 17, 2), np.float32), np.zeros((4, 17), np.float32))
    image = np.full((1080, 1920, 3), GREY, np.uint8)
    given = FrameResult(Frame(0, 0.0, image), tracks, poses, keyframe=True)
    picture = OverlayPainter(COCO17, 1920, 1080).paint(given)
    for number in (42, 43, 44, 45):
        assert says(picture, f"{number}", DARK, id_colour(number))
        assert says(picture, "90%", DARK, id_colour(number), 0.7 * 0.7)


def test_the_stamp_says_time_and_frame_number() -> None:
    picture = OverlayPainter(COCO17, 1920, 1080).paint(result())[:60, :700]
    times = ("1:02:03.500", "0:06:47.000", "0:00:00.407", "1:02:04.500")
    assert [text for text in times if says(picture, text, WHITE, PANEL)] == ["1:02:03.500"]
    numbers = (406, 407, 408, 42)
    assert [n for n in numbers if says(picture, f"frame {n}", WHITE, PANEL)] == [407]


def changed(given: FrameResult, court: Polygon | None) -> np.ndarray:
    """Where a picture at half the size differs from one without court or people left out."""
    bare, drawn = (
        OverlayPainter(COCO17, 640, 360, size=SMALL, court=c).paint(r)
        for c, r in ((None, replace(given, left_out=NOBODY)), (court, given))
    )
    return np.asarray((bare != drawn).any(axis=-1))


def test_the_court_is_drawn_at_the_size_of_the_overlay() -> None:
    given = replace(result(width=640, height=360), left_out=NOBODY)
    lines = changed(given, ((200, 120), (300, 120), (300, 320), (200, 320)))
    frame = np.zeros_like(lines)
    frame[60:161, 100:151] = True
    frame[62:159, 102:149] = False
    assert lines[60, 100:151].all()
    assert lines[60:161, 150].all()
    assert not lines[~cv2.dilate(frame.astype(np.uint8), np.ones((3, 3))).astype(bool)].any()


def test_who_is_left_out_is_drawn_at_the_size_of_the_overlay() -> None:
    boxes = np.array([[200, 120, 300, 320], [-1e9, 340, 1e9, 1e9]], np.float32)
    lines = changed(replace(result(width=640, height=360), left_out=boxes), None)
    assert lines[60:161, 100].all()
    assert lines[160, 100:151].all()
    assert lines[170].all()
    lines[60:161, [100, 150]] = lines[[60, 160], 100:151] = lines[170] = False
    assert not lines.any()
