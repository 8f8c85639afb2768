"""Draws one frame's result over its picture, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.clock import clock
from hpe_volleyball.output.id_colours import Colour, id_colour
from hpe_volleyball.output.strokes import (
    DASHED_BOX,
    SHIFT,
    SOLID_BOX,
    Strokes,
    beside,
    box_lines,
    draw_lines,
    strokes_of,
)
from hpe_volleyball.pool import PicturePool
from hpe_volleyball.records import (
    TRUSTED_SCORE,
    Floats,
    FrameResult,
    Image,
    Polygon,
    Poses,
    Tracks,
)
from hpe_volleyball.skeleton import Skeleton

_DARK: Colour = (20, 20, 20)
_WHITE: Colour = (255, 255, 255)
_GREY: Colour = (140, 140, 140)
_GREEN: Colour = (80, 220, 80)

_SURE_SCORE = 0.5
"""Limbs and joints below this score are darkened."""

_ROOM_FOR_SCORES = 0.5
"""Size of a picture, as a part of full HD's, from which labels say scores. In smaller ones letters
that can be read are large beside the players: with scores, labels hid players and each other."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX


class OverlayPainter:
    """Paints results over frames of one size.

    A track has a box in its own colour, solid where it was detected and dashed where it was
    carried, with id and, where there is room, score. Labels make way for those of lower ids. Limbs
    and joints are azure on the person's left, amber on the right and white in the middle; up to
    `TRUSTED_SCORE` they are left out, below 0.5 they are darker. The court, and boxes of people
    left out on purpose, are thin grey lines. A corner shows time, frame number, and whether the
    detector ran on this frame.

    Args:
        skeleton: What the keypoints mean.
        width: Width of the frames, px.
        height: Height of the frames, px.
        size: Width and height of the pictures painted, px; without it the frames'.
        court: Outside of it nobody is tracked; None: no such limit.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        width: int,
        height: int,
        *,
        size: tuple[int, int] | None = None,
        court: Polygon | None = None,
    ) -> None:
        self._frame_size = (width, height)
        self._size = size or self._frame_size
        self._zoom = np.array(self._size, np.float32) / np.array(self._frame_size, np.float32)
        self._keypoints = len(skeleton.names)
        self._smaller = PicturePool((self._size[1], self._size[0], 3))
        scale = sqrt(prod(self._size) / (1920 * 1080))
        self._outline = round(scale)  # none where it would hide what it surrounds
        self._gap = max(1, round(scale))
        self._box_width = max(1 + self._outline, round(2 * scale))
        self._text_scale = max(0.4, 0.7 * scale)
        self._says_scores = scale >= _ROOM_FOR_SCORES
        self._court = None if court is None else np.rint(court * self._zoom).astype(np.int32)
        self._strokes = strokes_of(skeleton, max(2, round(3 * scale)))

    def paint(self, result: FrameResult) -> Image:
        """A new picture of the frame with everything drawn; the frame stays as it is.

        Raises:
            ValueError: The frame or the poses are not of the size this painter was made for.
        """
        (width, height), keypoints = result.frame.size, result.poses.keypoints.shape[1]
        if (width, height, keypoints) != (*self._frame_size, self._keypoints):
            expected = "x".join(map(str, self._frame_size))
            raise ValueError(
                f"expected a frame of {expected} px with {self._keypoints} keypoints per person, "
                f"found {width}x{height} px with {keypoints}"
            )
        if self._size == self._frame_size:
            canvas = result.frame.new_image()
        else:
            canvas = self._smaller.take()
            cv2.resize(result.frame.image, self._size, dst=canvas, interpolation=cv2.INTER_AREA)
        self._draw_left_out(canvas, result.left_out)
        boxes = self._clipped(result.tracks.boxes.reshape(-1, 2, 2))
        self._draw_boxes(canvas, result.tracks, boxes)
        self._draw_poses(canvas, result.poses)
        self._draw_labels(canvas, result.tracks, boxes)
        self._draw_stamp(canvas, result)
        return canvas

    def _clipped(self, points: Floats) -> Floats:
        """The frame's points in the picture, pulled to at most one frame outside of it."""
        size = np.array(self._size, np.float32)
        return np.clip(points * self._zoom, -size, 2 * size)

    def _draw_left_out(self, canvas: Image, boxes: Floats) -> None:
        """The court, and who is not on it: present, but out of the way."""
        if self._court is not None:
            cv2.polylines(canvas, [self._court], True, _GREY, self._gap, cv2.LINE_AA)
        lines = box_lines(self._clipped(boxes.reshape(-1, 2, 2)), SOLID_BOX)
        cv2.polylines(canvas, list(lines.reshape(-1, 2, 2)), False, _GREY, self._gap)

    def _draw_boxes(self, canvas: Image, tracks: Tracks, boxes: Floats) -> None:
        if self._box_width == 1:
            # The video keeps the colours of even pixels: the other lines would be grey.
            boxes = np.rint(boxes / 2) * 2
        solid, dashed = box_lines(boxes, SOLID_BOX), box_lines(boxes, DASHED_BOX)
        for i, (track_id, detected) in enumerate(
            zip(tracks.ids.tolist(), tracks.detected.tolist(), strict=True)
        ):
            lines = list(solid[i] if detected else dashed[i])
            if self._outline:
                width = self._box_width + 2 * self._outline
                cv2.polylines(canvas, lines, False, _DARK, width)
            cv2.polylines(canvas, lines, False, id_colour(track_id), self._box_width)

    def _draw_poses(self, canvas: Image, poses: Poses) -> None:
        points = np.rint(self._clipped(poses.keypoints) * 2**SHIFT).astype(np.int32)
        shown: list[tuple[Strokes, NDArray[Any], NDArray[Any]]] = []
        for strokes in self._strokes:
            scores = poses.scores[:, strokes.ends].min(axis=-1)
            visible = scores > TRUSTED_SCORE
            if visible.any():
                shown.append(
                    (strokes, points[:, strokes.ends][visible], scores[visible] < _SURE_SCORE)
                )
        for strokes, lines, _ in shown:
            if self._outline and not strokes.fine:
                self._draw_outline(canvas, lines, strokes.width)
        for strokes, lines, unsure in shown:
            blue, green, red = strokes.colour
            darker = (blue * 11 // 20, green * 11 // 20, red * 11 // 20)
            draw_lines(canvas, lines[unsure], darker, strokes.width, strokes.line)
            draw_lines(canvas, lines[~unsure], strokes.colour, strokes.width, strokes.line)

    def _draw_outline(self, canvas: Image, lines: NDArray[np.int32], width: int) -> None:
        """What will be seen of a dark line under each line of this width."""
        if lines.shape[1] == 1:
            draw_lines(canvas, lines, _DARK, width + 2 * self._outline, cv2.LINE_AA)
        else:
            # Thin lines on both sides, which end under the joints: wide ones take three times as
            # long, most of it for their round ends.
            half_width = (width + 1) // 2  # as OpenCV draws lines of odd widths
            sides = beside(lines, half_width + np.arange(1, self._outline + 1))
            draw_lines(canvas, sides, _DARK, 1, cv2.LINE_AA)

    def _draw_labels(self, canvas: Image, tracks: Tracks, boxes: Floats) -> None:
        width, height = self._size
        labels: list[tuple[int, int, int, int]] = []
        for track_id, score, ((x1, y1), (x2, y2)) in zip(
            tracks.ids.tolist(), tracks.scores.tolist(), boxes.tolist(), strict=True
        ):
            if x2 < 0 or y2 < 0 or x1 >= width or y1 >= height:
                continue
            colour = id_colour(track_id)
            number, percent = f"{track_id}", f"{score:.0%}" if self._says_scores else ""
            gap = 3 * self._gap
            number_w, text_h = self._text_size(number, 1.0)
            percent_w = self._text_size(percent, 0.7)[0] + gap if percent else 0
            label_w, label_h = number_w + percent_w + 2 * gap, text_h + 2 * gap
            left = max(0, min(round(x1), width - label_w))
            top = _above(labels, left, max(0, round(y1) - label_h), label_w, label_h)
            labels.append((left, top, left + label_w, top + label_h))
            corner = (left + label_w - 1, top + label_h - 1)
            cv2.rectangle(canvas, (left, top), corner, colour, cv2.FILLED)
            baseline = top + gap + text_h
            self._text(canvas, number, (left + gap, baseline), _DARK, 1.0)
            self._text(canvas, percent, (left + 2 * gap + number_w, baseline), _DARK, 0.7)

    def _draw_stamp(self, canvas: Image, result: FrameResult) -> None:
        gap = 5 * self._gap
        time, number = clock(result.frame.time_s), f"frame {result.frame.index}"
        # Measured on eights, so that columns do not move from frame to frame.
        time_w, text_h = self._text_size("".join("8" if c.isdigit() else c for c in time), 1.0)
        number_w, _ = self._text_size("frame " + "8" * len(str(result.frame.index)), 1.0)
        key_w, _ = self._text_size("KEY", 0.7)
        time_x = gap + text_h + gap + key_w + 2 * gap
        number_x = time_x + time_w + 2 * gap
        panel = canvas[: text_h + 2 * gap, : number_x + number_w + gap]
        panel[:] = panel // 4 + 10
        baseline, radius = gap + text_h, text_h // 2
        ink, filling = (_GREEN, cv2.FILLED) if result.keyframe else (_GREY, self._gap)
        cv2.circle(canvas, (gap + radius, baseline - radius), radius, ink, filling, cv2.LINE_AA)
        self._text(canvas, "KEY", (gap + text_h + gap, baseline), ink, 0.7)
        self._text(canvas, time, (time_x, baseline), _WHITE, 1.0)
        self._text(canvas, number, (number_x, baseline), _WHITE, 1.0)

    def _font(self, size: float) -> tuple[float, int]:
        """Scale and stroke width of text, `size` 1 being the usual one."""
        scale = self._text_scale * size
        return scale, max(1, round(2.6 * scale))

    def _text_size(self, text: str, size: float) -> tuple[int, int]:
        return _size_of(text, *self._font(size))

    def _text(
        self, canvas: Image, text: str, origin: tuple[int, int], colour: Colour, size: float
    ) -> None:
        scale, stroke = self._font(size)
        cv2.putText(canvas, text, origin, _FONT, scale, colour, stroke, cv2.LINE_AA)


def _above(
    labels: Sequence[tuple[int, int, int, int]], left: int, top: int, width: int, height: int
) -> int:
    """The top of a label moved up until it hides none of the others; as it is if there is no room.

    Args:
        labels: Left, top, right and bottom of the others, px.
        left: Of the label, as its top, width and height, px.
        top: Where the label belongs.
        width: Of the label.
        height: Of the label.
    """
    beside = [(y1, y2) for x1, y1, x2, y2 in labels if x1 < left + width and left < x2]
    free = top
    while hidden := [y1 for y1, y2 in beside if y1 < free + height and free < y2]:
        free = min(hidden) - height
    return free if free >= 0 else top


@lru_cache(maxsize=1024)
def _size_of(text: str, scale: float, stroke: int) -> tuple[int, int]:
    (width, height), _ = cv2.getTextSize(text, _FONT, scale, stroke)
    return width, height
