"""Overlay: what is drawn, where, in which colour, at which size."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_volleyball.output.draw import OverlayPainter
from hpe_volleyball.output.id_colours import Colour, id_colour
from hpe_volleyball.output.strokes import SIDE_COLOURS
from hpe_volleyball.records import TRUSTED_SCORE, Bools, Frame, FrameResult, Image, Poses, Tracks
from hpe_volleyball.skeleton import BY_COUNT, COCO17

GREY = 128
LEFT_LEG, RIGHT_LEG = (13, 15), (14, 16)


def result(
    *,
    width: int = 640,
    height: int = 360,
    boxes: list[tuple[float, float, float, float]] | None = None,
    detected: bool = True,
    joints: dict[int, tuple[float, float, float]] | None = None,
    keypoints: int = 17,
    keyframe: bool = True,
    index: int = 7,
) -> FrameResult:
    """A grey frame with these boxes; every person has these joints (x, y, score)."""
    xyxy = np.array(boxes or [], np.float32).reshape(-1, 4)
    n = len(xyxy)
    points = np.zeros((n, keypoints, 2), np.float32)
    scores = np.zeros((n, keypoints), np.float32)
    for joint, (x, y, score) in (joints or {}).items():
        points[:, joint] = x, y
        scores[:, joint] = score
    image = np.full((height, width, 3), GREY, np.uint8)
    flags: Bools = np.full(n, detected)
    ids = np.arange(1, n + 1, dtype=np.int32)
    tracks = Tracks(ids, xyxy, np.full(n, 0.9, np.float32), flags)
    return FrameResult(Frame(index, 61.5, image), tracks, Poses(points, scores), keyframe)


def paint(given: FrameResult) -> Image:
    height, width = given.frame.image.shape[:2]
    skeleton = BY_COUNT[given.poses.keypoints.shape[1]]
    return OverlayPainter(skeleton, width, height).paint(given)


def has(picture: Image, colour: Colour) -> bool:
    return bool((picture == colour).all(axis=-1).any())


def where(picture: Image, colour: Colour) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = (picture == colour).all(axis=-1)
    return mask


def near(picture: Image, colour: Colour) -> NDArray[np.bool_]:
    """Where the colour is, smoothing of thin lines allowed for."""
    off = np.abs(picture.astype(int) - colour).max(axis=-1)
    mask: NDArray[np.bool_] = off < 25
    return mask


def test_input_is_untouched_and_output_is_new() -> None:
    given = result(boxes=[(100, 100, 200, 300)], joints={5: (120, 120, 1), 7: (150, 200, 1)})
    picture = paint(given)
    assert (given.frame.image == GREY).all()
    assert not np.shares_memory(picture, given.frame.image)
    assert picture.shape == given.frame.image.shape
    assert picture.dtype == np.uint8
    assert (picture != GREY).any()


def test_read_only_and_strided_frames_are_accepted() -> None:
    upright = np.full((64, 48, 3), GREY, np.uint8)
    turned = np.rot90(upright)
    turned.flags.writeable = False
    given = FrameResult(
        Frame(0, 0.0, turned),
        Tracks.empty(),
        Poses(np.zeros((0, 17, 2), np.float32), np.zeros((0, 17), np.float32)),
        keyframe=True,
    )
    assert OverlayPainter(COCO17, 64, 48).paint(given).shape == (48, 64, 3)


def test_detected_boxes_are_solid_and_carried_ones_dashed() -> None:
    # The left side of the box, below its label: the column x = 300.
    box = (300.0, 100.0, 400.0, 300.0)
    solid = where(paint(result(boxes=[box])), id_colour(1))[102:298, 300]
    dashed = where(paint(result(boxes=[box], detected=False)), id_colour(1))[102:298, 300]
    assert solid.all()
    assert 0.4 < dashed.mean() < 0.7
    assert np.count_nonzero(np.diff(dashed.astype(int))) == 14  # 8 dashes, 7 gaps
    for y, x in ((300, 300), (300, 400)):
        corner = paint(result(boxes=[box], detected=False))[y, x]
        assert tuple(corner) == id_colour(1)


def test_left_and_right_limbs_have_their_own_colours() -> None:
    joints = {
        LEFT_LEG[0]: (400.0, 100.0, 0.9),
        LEFT_LEG[1]: (400.0, 200.0, 0.9),
        RIGHT_LEG[0]: (300.0, 100.0, 0.9),
        RIGHT_LEG[1]: (300.0, 200.0, 0.9),
    }
    picture = paint(result(boxes=[(200, 50, 500, 300)], joints=joints))
    assert near(picture, SIDE_COLOURS["left"])[150, 400]
    assert near(picture, SIDE_COLOURS["right"])[150, 300]
    assert len(set(SIDE_COLOURS.values())) == 3


def test_limb_between_the_sides_is_neutral() -> None:
    picture = paint(
        result(boxes=[(200, 50, 500, 300)], joints={5: (300, 150, 0.9), 6: (400, 150, 0.9)})
    )
    assert near(picture, SIDE_COLOURS["middle"])[150, 350]


def test_low_scores_are_left_out_and_middling_ones_darker() -> None:
    def leg(score: float) -> Image:
        joints = {LEFT_LEG[0]: (400.0, 100.0, 0.9), LEFT_LEG[1]: (400.0, 200.0, score)}
        return paint(result(boxes=[(200, 50, 500, 300)], joints=joints))

    weak, middling, sure = leg(TRUSTED_SCORE), leg(0.4), leg(0.9)
    assert tuple(weak[200, 400]) == tuple(weak[150, 400]) == (GREY, GREY, GREY)
    assert tuple(weak[100, 400]) == SIDE_COLOURS["left"]  # the knee itself is sure
    assert near(sure, SIDE_COLOURS["left"])[150, 400]
    assert middling[150, 400].sum() < 0.7 * sure[150, 400].sum()
    assert tuple(middling[150, 400]) != (GREY, GREY, GREY)


@pytest.mark.parametrize("keypoints", sorted(BY_COUNT))
def test_every_joint_of_every_skeleton_is_drawn(keypoints: int) -> None:
    skeleton = BY_COUNT[keypoints]
    spots = {k: (40.0 + 40 * (k % 14), 60.0 + 25 * (k // 14), 0.9) for k in range(keypoints)}
    picture = paint(result(boxes=[(2, 50, 630, 350)], joints=spots, keypoints=keypoints))
    bare = paint(result(boxes=[(2, 50, 630, 350)], keypoints=keypoints))
    for k, (x, y, _) in spots.items():
        assert tuple(bare[int(y), int(x)]) == (GREY, GREY, GREY)
        assert tuple(picture[int(y), int(x)]) == SIDE_COLOURS[skeleton.side(k)], skeleton.names[k]


def test_fingers_are_finer_than_arms() -> None:
    names = BY_COUNT[133].names
    elbow, wrist = names.index("left_elbow"), names.index("left_wrist")
    root, tip = names.index("left_hand_0"), names.index("left_hand_1")
    joints = {
        elbow: (400.0, 400.0, 0.9),
        wrist: (400.0, 600.0, 0.9),
        root: (800.0, 400.0, 0.9),
        tip: (800.0, 600.0, 0.9),
    }
    picture = paint(
        result(width=1920, height=1080, boxes=[(300, 300, 1000, 900)], joints=joints, keypoints=133)
    )
    touched = (picture[500] != GREY).any(axis=-1)
    assert 0 < touched[780:820].sum() < touched[380:420].sum()


@pytest.mark.parametrize("height", [720, 1080, 2160])
@pytest.mark.parametrize("end", [(0.6, 0.5), (0.3, 0.9), (0.55, 0.7), (0.4, 0.3)])
def test_outline_of_a_limb_looks_like_a_wider_dark_line(
    height: int, end: tuple[float, float]
) -> None:
    width = height * 16 // 9
    start, stop = (0.4 * width, 0.5 * height), (end[0] * width, end[1] * height)
    joints = {LEFT_LEG[0]: (*start, 0.9), LEFT_LEG[1]: (*stop, 0.9)}
    box = (0.2 * width, 0.2 * height, 0.8 * width, 0.95 * height)
    picture = paint(result(width=width, height=height, boxes=[box], joints=joints))

    plain = np.full_like(picture, GREY)
    limb, outline = {720: (2, 1), 1080: (3, 1), 2160: (6, 2)}[height]
    line = [np.rint(np.array([start, stop]) * 16).astype(np.int32)]
    for colour, wide in (((20, 20, 20), limb + 2 * outline), (SIDE_COLOURS["left"], limb)):
        cv2.polylines(plain, line, False, colour, wide, cv2.LINE_AA, 4)

    between = np.array([start, stop]).mean(axis=0).astype(int)
    around = tuple(slice(at - 40, at + 40) for at in reversed(between.tolist()))
    off = np.abs(picture[around].astype(int) - plain[around]).max(axis=-1)
    assert off.max() < 80  # half of the contrast between line and outline, and that at few places
    drawn = (plain[around] != GREY).any(axis=-1)
    assert off[drawn].mean() < 8


def test_lines_and_text_grow_with_the_frame() -> None:
    def sizes(width: int, height: int) -> tuple[int, int, int]:
        x1, y1, x2, y2 = width * 0.4, height * 0.3, width * 0.7, height * 0.9
        joints = {13: (width * 0.5, y1, 0.9), 15: (width * 0.5, y2, 0.9)}
        picture = paint(result(width=width, height=height, boxes=[(x1, y1, x2, y2)], joints=joints))
        row = picture[int(height * 0.6)]
        box = (row[: int(width * 0.45)] == id_colour(1)).all(axis=-1).sum()
        limb = (row == SIDE_COLOURS["left"]).all(axis=-1).sum()
        label = where(picture[: int(y1)], id_colour(1)).any(axis=1).sum()
        return int(box), int(limb), int(label)

    small, full, large = sizes(320, 240), sizes(1920, 1080), sizes(3840, 2160)
    assert all(a < b < c for a, b, c in zip(small, full, large, strict=True))
    assert small[2] >= 10  # readable
    assert large[2] < 100


@pytest.mark.parametrize("size", [(640, 360), (1088, 500), (1280, 720), (1920, 1080), (3840, 2160)])
def test_no_more_of_a_box_is_outline_than_colour(size: tuple[int, int]) -> None:
    """At 720p one line of colour lay between two dark ones, and boxes looked black."""
    width, height = size
    x1, y1, x2, y2 = width * 0.4, height * 0.3, width * 0.7, height * 0.9
    row = paint(result(width=width, height=height, boxes=[(x1, y1, x2, y2)]))[int(height * 0.6)]
    side = row[int(width * 0.35) : int(width * 0.45)]
    coloured = (side == id_colour(1)).all(axis=-1).sum()
    dark = (side < 30).all(axis=-1).sum()
    assert coloured >= max(1, dark)


@pytest.mark.parametrize("detected", [True, False])
def test_lines_of_small_pictures_keep_their_colours_in_the_video(*, detected: bool) -> None:
    """It has the colour of every second pixel of every second line."""
    joints = {13: (201.0, 100.0, 0.9), 15: (201.0, 220.0, 0.9)}
    given = result(boxes=[(101, 51, 301, 281)], detected=detected, joints=joints)
    planes = cv2.cvtColor(paint(given), cv2.COLOR_BGR2YUV_I420)
    video = np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420), np.uint8)
    box = near(video, id_colour(1))
    # Where a dash is, on each of the four sides.
    assert all(side.any() for side in (box[40:60, 160:250], box[270:290, 160:250]))
    assert all(side.any() for side in (box[60:270, 95:106], box[60:270, 295:306]))
    leg = near(video, SIDE_COLOURS["left"])[105:215, 195:207]
    assert leg.any(axis=1).all()


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 7), (7, 1), (3, 5), (33, 17), (321, 241), (1919, 3), (3, 1081)]
)
def test_tiny_and_odd_sizes(size: tuple[int, int]) -> None:
    width, height = size
    joints = {k: (width * k / 17, height * k / 17, 1.0) for k in range(17)}
    for detected in (True, False):
        given = result(
            width=width,
            height=height,
            boxes=[(0, 0, width, height), (-5, -5, 0.5, 0.5)],
            joints=joints,
            detected=detected,
        )
        assert paint(given).shape == (height, width, 3)


@pytest.mark.parametrize(
    "box",
    [
        (0.0, 40.0, 60.0, 120.0),
        (600.0, 0.0, 700.0, 100.0),
        (-80.0, 200.0, 20.0, 300.0),
        (620.0, 300.0, 700.0, 420.0),
        (300.0, 350.0, 360.0, 500.0),
        (-1e9, 200.0, 1e9, 1e9),
    ],
)
def test_whole_label_lies_inside_the_picture(box: tuple[float, float, float, float]) -> None:
    """The same label is drawn in the middle first; its area has to come out complete."""

    def label_area(*at: float) -> int:
        keep = where(paint(result(boxes=[(at[0], at[1], at[2], at[3])])), id_colour(1))
        # Only a filled label survives an opening wider than the box lines.
        kernel = np.ones((3, 3), np.uint8)
        opened = cv2.morphologyEx(keep.astype(np.uint8), cv2.MORPH_OPEN, kernel)
        return int(opened.sum())

    free = label_area(300, 150, 360, 300)
    assert free > 100
    assert label_area(*box) == pytest.approx(free, rel=0.15)


def test_people_outside_of_the_picture_leave_no_label() -> None:
    boxes = [(-200.0, 100.0, -100.0, 200.0), (900.0, 100.0, 950.0, 200.0)]
    picture = paint(result(boxes=boxes))
    assert (picture == paint(result())).all()


def test_far_coordinates_do_not_wrap_around() -> None:
    """A leg from the picture to a joint far to the right runs to the right only."""
    joints = {13: (300.0, 180.0, 0.9), 15: (1e30, 180.0, 0.9)}
    picture = paint(result(boxes=[(280, 100, 320, 250)], joints=joints))
    row = near(picture, SIDE_COLOURS["left"])[180]
    assert row[310:].all()
    assert not row[:275].any()


def test_nobody() -> None:
    picture = paint(result())
    assert (picture[60:] == GREY).all()
    assert (picture[:20] != GREY).any()


def test_keyframes_are_marked() -> None:
    green = (80, 220, 80)
    assert has(paint(result(keyframe=True)), green)
    assert not has(paint(result(keyframe=False)), green)


def test_stamp_changes_with_the_frame_number() -> None:
    first, second = paint(result(index=7)), paint(result(index=8))
    changed = (first != second).any(axis=-1)
    assert changed.any()
    assert not changed[60:].any()


def test_wrong_size_or_skeleton_is_refused() -> None:
    painter = OverlayPainter(COCO17, 640, 360)
    with pytest.raises(ValueError, match=re.escape("640x360 px with 17")):
        painter.paint(result(width=641))
    with pytest.raises(ValueError, match="found 640x360 px with 26"):
        painter.paint(result(keypoints=26))


def test_colour_of_an_id_does_not_depend_on_who_else_is_there() -> None:
    one, other = (10.0, 100.0, 60.0, 200.0), (300.0, 100.0, 350.0, 200.0)
    alone, both = paint(result(boxes=[one])), paint(result(boxes=[one, other]))
    assert has(both, id_colour(2))
    assert not has(alone, id_colour(2))
    assert (where(alone, id_colour(1)) == where(both, id_colour(1))).all()


def test_a_smaller_picture_shows_the_same_at_its_scale() -> None:
    given = result(width=640, height=360, boxes=[(100, 80, 300, 280)], joints={5: (200, 160, 0.9)})
    small = OverlayPainter(COCO17, 640, 360, size=(320, 180)).paint(given)
    assert small.shape == (180, 320, 3)
    rows, columns = (
        np.nonzero(where(small, id_colour(1)).any(axis=1)),
        np.nonzero(where(small, id_colour(1)).any(axis=0)),
    )
    assert abs(int(columns[0].min()) - 50) <= 2
    assert abs(int(columns[0].max()) - 150) <= 2
    assert abs(int(rows[0].max()) - 140) <= 2
    left_shoulder = np.argwhere(where(small, SIDE_COLOURS["left"])).mean(axis=0)
    assert np.abs(left_shoulder - (80, 100)).max() <= 1
