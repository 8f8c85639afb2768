"""Motion between two pictures: sparse optical flow inside boxes and on the background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.records import Image

Array = NDArray[np.float64]

LONG_SIDE = 640
"""Pictures are reduced to this many pixels."""
_WINDOW, _LEVELS = (15, 15), 3
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03)
_RETURN_PX = 1.0
"""A point that is followed there and back ends within this distance of its start."""
_BODY_GRID = np.stack(np.meshgrid(np.linspace(0.15, 0.85, 5), np.linspace(0.08, 0.75, 7)), -1)
_BACKGROUND_GRID = np.stack(
    np.meshgrid(np.linspace(0.03, 0.97, 12), np.linspace(0.04, 0.96, 8)), -1
)
_LEAST_POINTS = 6
_AGREE_PX, _AGREE_SHARE, _LEAST_AGREE = 1.5, 0.03, 0.5
"""Points agree with the median within so many px or this part of the height of the box; less
than the last part of them is no evidence."""


@dataclass(frozen=True, slots=True)
class View:
    """A picture reduced for optical flow."""

    grey: NDArray[np.uint8]
    """uint8 [h, w]."""
    scale: float
    """Its pixels per pixel of the source."""


def reduced(image: Image) -> View:
    """A picture, grey, its longer side cut down to `LONG_SIDE`."""
    height, width = image.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = (round(width * scale), round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return View(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8), scale)


def motion(
    before: View, after: View, boxes: Array, *, people: bool, background: bool
) -> tuple[Array, Array]:
    """How people and the background moved.

    Args:
        before: The picture the boxes belong to.
        after: The next picture.
        boxes: float64 [n, 4], px of the source.
        people: Follow points inside the boxes.
        background: Follow points outside them.

    Returns:
        Steps of the people, float64 [n, 2] px of the source, NaN where there is no evidence, and
        of the background, float64 [2], 0 where there is none.
    """
    small = boxes * before.scale
    inside = [body_points(small, i, before) if people else _NO_POINTS for i in range(len(boxes))]
    points = [*inside, background_points(small, before) if background else _NO_POINTS]
    steps, sure = follow_points(before, after, np.concatenate(points))
    ends = np.cumsum([len(group) for group in points])[:-1]
    groups = zip(np.split(steps, ends), np.split(sure, ends), strict=True)
    *bodies, rest = [step[kept] for step, kept in groups]
    found = [body_step(body, box[3] - box[1]) for body, box in zip(bodies, small, strict=True)]
    camera = np.median(rest, axis=0) if len(rest) >= _LEAST_POINTS else np.zeros(2)
    return np.array(found).reshape(-1, 2) / before.scale, camera / before.scale


_NO_POINTS = np.zeros((0, 2), np.float32)


def follow_points(
    before: View, after: View, points: NDArray[np.float32]
) -> tuple[Array, NDArray[np.bool_]]:
    """Lucas-Kanade there and back: steps float64 [n, 2], and which points came back, bool [n]."""
    if not len(points):
        return np.zeros((0, 2)), np.zeros(0, np.bool_)
    there, seen = lucas_kanade(before, after, points)
    back, again = lucas_kanade(after, before, there)
    near = np.abs(back - points).max(axis=1) < _RETURN_PX
    return (there - points).astype(np.float64), near & seen & again


def lucas_kanade(
    before: View, after: View, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where points float32 [n, 2] are in the next picture, and which were found, bool [n]."""
    ends = np.zeros_like(points)  # OpenCV writes into it
    _, found, _ = cv2.calcOpticalFlowPyrLK(
        before.grey, after.grey, points, ends, winSize=_WINDOW, maxLevel=_LEVELS, criteria=_STOP
    )
    return ends, found[:, 0] > 0


def body_points(boxes: Array, row: int, view: View) -> NDArray[np.float32]:
    """Points [n, 2] in one of the boxes, in the picture and in no box of somebody in front."""
    box = boxes[row]
    points = (box[:2] + _BODY_GRID * (box[2:] - box[:2])).reshape(-1, 2)
    height, width = view.grey.shape
    free = ((points >= 1) & (points < [width - 1, height - 1])).all(axis=1)
    # Whose feet are lower in the picture is nearer to the camera.
    front = boxes[boxes[:, 3] > box[3]]
    chosen: NDArray[np.float32] = points[free & ~_in_boxes(points, front)].astype(np.float32)
    return chosen


def background_points(boxes: Array, view: View) -> NDArray[np.float32]:
    """Points [n, 2] all over the picture but in no box."""
    points = (_BACKGROUND_GRID * view.grey.shape[::-1]).reshape(-1, 2)
    return points[~_in_boxes(points, boxes)].astype(np.float32)


def body_step(steps: Array, height: float) -> Array:
    """The median of steps [n, 2], NaN where points are few or disagree."""
    if len(steps) >= _LEAST_POINTS:
        middle: Array = np.median(steps, axis=0)
        limit = max(_AGREE_PX, _AGREE_SHARE * height)
        if np.mean(np.abs(steps - middle).max(axis=1) < limit) >= _LEAST_AGREE:
            return middle
    return np.full(2, np.nan)


def _in_boxes(points: Array, boxes: Array) -> NDArray[np.bool_]:
    """Which of the points [n, 2] lie in one of the boxes [m, 4]."""
    inside = (points[:, None] > boxes[:, :2]) & (points[:, None] < boxes[:, 2:])
    return np.asarray(np.any(np.all(inside, axis=2), axis=1))
