"""Draws people: shaded limbs and marks in painter's order, and who hides whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.records import Image
from hpe_volleyball.synthetic.camera import Camera
from hpe_volleyball.synthetic.figure import (
    CHEST,
    CHEST_RADII,
    JOINT,
    KEYPOINT_JOINTS,
    LIMBS,
    MARK_LIFT,
    MARK_RADII,
    TALL,
)
from hpe_volleyball.synthetic.palette import MARKS, OUTFITS, SKIN, shaded
from hpe_volleyball.synthetic.scenery import draw_net, net_parts

Points = NDArray[np.float64]

_ARC: Final = np.linspace(0.0, 1.0, 8)
_SHIFT: Final = 4
"""Fraction bits of the coordinates given to OpenCV."""

_LABEL_WIDTH: Final = 960
"""Width in pixels of the flat picture from which visibility is read."""

_HIDDEN: Final = -1
_LABELS: Final = len(MARKS) + 1


@dataclass(frozen=True, slots=True)
class Shapes:
    """Projected outlines of all people in one frame."""

    outlines: NDArray[np.float64]
    """[n, parts, points, 2] px: limbs, marks, highlights in this order."""
    chests: list[NDArray[np.float64]]
    """[n] hulls [points, 2] px."""
    circles: NDArray[np.float64]
    """[n, circles, 3]: x, y, radius in px; the silhouette is spanned by them."""
    depths: NDArray[np.float64]
    """[n, limbs + marks + 1] metres after lifting, the chest last."""
    keypoints: NDArray[np.float64]
    """[n, 17, 2] px."""
    mark_radii: NDArray[np.float64]
    """[n, 17] px."""
    order: list[int]
    """Rows of people from back to front."""
    far: NDArray[np.bool_]
    """[n]: beyond the net."""


_FROM: Final = np.array([JOINT[limb.joints[0]] for limb in LIMBS])
_TO: Final = np.array([JOINT[limb.joints[1]] for limb in LIMBS])
_SPANS: Final = np.array([limb.span for limb in LIMBS])[..., None]
_RADII: Final = np.array([limb.radii for limb in LIMBS])
_MARK_JOINTS: Final = np.array(KEYPOINT_JOINTS)
_CHEST_JOINTS: Final = np.array(CHEST)


def capsules(centres: Points, radii: Points) -> Points:
    """Outlines [..., 16, 2] of tapered capsules from centres [..., 2, 2] and radii [..., 2]."""
    way = centres[..., 1, :] - centres[..., 0, :]
    length = np.maximum(np.hypot(way[..., 0], way[..., 1]), 1e-9)
    angle = np.arctan2(way[..., 1], way[..., 0])
    beta = np.arccos(np.clip((radii[..., 0] - radii[..., 1]) / length, -1, 1))
    tip = angle[..., None] + beta[..., None] * (2 * _ARC - 1)
    back = angle[..., None] + beta[..., None] + (2 * np.pi - 2 * beta[..., None]) * _ARC
    sides = []
    for end, arc in ((1, tip), (0, back)):
        circle = np.stack((np.cos(arc), np.sin(arc)), axis=-1)
        sides.append(centres[..., None, end, :] + radii[..., None, None, end] * circle)
    return np.concatenate(sides, axis=-2)


def project_people(joints: Points, heights: Points, camera: Camera) -> Shapes:
    """Project joints [n, joints, 3] (m) of people of these heights (m) and outline their parts."""
    size = (heights / TALL)[:, None]
    way = joints[:, _TO] - joints[:, _FROM]
    limb_px, limb_depth = camera.project(joints[:, _FROM, None] + way[:, :, None] * _SPANS)
    limb_radii = camera.focal * size[..., None] * _RADII / limb_depth
    mark_px, mark_depth = camera.project(joints[:, _MARK_JOINTS])
    mark_radii = camera.focal * size * MARK_RADII / mark_depth
    chest_px, chest_depth = camera.project(joints[:, _CHEST_JOINTS])
    chest_radii = camera.focal * size * CHEST_RADII / chest_depth
    light = limb_px - 0.32 * limb_radii[..., None] * np.array([0.6, 0.8])
    outlines = np.concatenate(
        (
            capsules(limb_px, limb_radii),
            capsules(np.stack((mark_px, mark_px), axis=2), np.stack((mark_radii,) * 2, axis=-1)),
            capsules(light, limb_radii * 0.55),
        ),
        axis=1,
    )
    disks = capsules(np.stack((chest_px, chest_px), axis=2), np.stack((chest_radii,) * 2, axis=-1))
    chests = [
        cv2.convexHull(person.reshape(-1, 2).astype(np.float32))[:, 0].astype(np.float64)
        for person in disks
    ]
    circles = np.concatenate(
        [
            np.concatenate((px.reshape(len(joints), -1, 2), r.reshape(len(joints), -1, 1)), axis=-1)
            for px, r in ((limb_px, limb_radii), (mark_px, mark_radii), (chest_px, chest_radii))
        ],
        axis=1,
    )
    depths = np.concatenate(
        (
            limb_depth.mean(axis=2),
            mark_depth - MARK_LIFT,
            chest_depth.mean(axis=1, keepdims=True),
        ),
        axis=1,
    )
    far = joints[:, :2, 1].mean(axis=1) > 0
    pelvis = limb_depth[:, 0].mean(axis=1)
    order = sorted(range(len(joints)), key=lambda row: (not far[row], -pelvis[row]))
    return Shapes(outlines, chests, circles, depths, mark_px, mark_radii, order, far)


def silhouette_boxes(shapes: Shapes) -> Points:
    """Extents [n, 4] px of everything drawn of each person; a pixel reaches from its edge."""
    centres, radii = shapes.circles[..., :2], shapes.circles[..., 2:]
    low = (centres - radii).min(axis=1) + 0.5
    high = (centres + radii).max(axis=1) + 0.5
    return np.concatenate((low, high), axis=1)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def draw_people(
    image: Image,
    shapes: Shapes,
    camera: Camera,
    outfits: NDArray[np.int_],
    shown: NDArray[np.bool_],
) -> None:
    """Draw the people marked in `shown`, and the net between the halves, in place."""
    outlines = _fixed(shapes.outlines)
    net_drawn = False
    for row in shapes.order:
        if not shapes.far[row] and not net_drawn:
            draw_net(image, camera)
            net_drawn = True
        if shown[row]:
            _draw_person(image, shapes, outlines[row], row, int(outfits[row]))
    if not net_drawn:
        draw_net(image, camera)


def _draw_person(
    image: Image, shapes: Shapes, outlines: NDArray[np.int32], row: int, outfit_index: int
) -> None:
    outfit = OUTFITS[outfit_index]
    limbs, marks = len(LIMBS), len(MARKS)

    def fill(points: NDArray[np.int32], colour: tuple[float, float, float]) -> None:
        cv2.fillConvexPoly(image, points, colour, cv2.LINE_AA, _SHIFT)

    for part in np.argsort(-shapes.depths[row]):
        if part < limbs:
            shade = LIMBS[part].shade
            rgb, level = (SKIN, 1.0) if shade == 0 else (outfit, shade)
            fill(outlines[part], shaded(rgb, 0.93 * level))
            fill(outlines[limbs + marks + part], shaded(rgb, 1.05 * level))
        elif part < limbs + marks:
            fill(outlines[part], shaded(MARKS[part - limbs], 1.0))
        else:
            hull = shapes.chests[row]
            centre = hull.mean(axis=0)
            fill(_fixed(hull), shaded(outfit, 0.93))
            fill(
                _fixed(centre + 0.72 * (hull - centre) - 0.03 * np.ptp(hull[:, 1])),
                shaded(outfit, 1.04),
            )
            _draw_number(image, hull, str(outfit_index + 1), shaded(outfit, 0.12))


def _draw_number(
    image: Image, hull: Points, number: str, colour: tuple[float, float, float]
) -> None:
    """The shirt number, as high as the chest is seen; dark, as white would blend into marks."""
    height = 0.30 * float(np.ptp(hull[:, 1]))
    if height < 5:
        return
    scale = height / 21
    thick = max(1, round(height / 9))
    (wide, tall), _ = cv2.getTextSize(number, 0, scale, thick)
    middle, level = hull.mean(axis=0)
    corner = (round(middle - wide / 2), round(level + tall / 2 - 0.1 * height))
    cv2.putText(image, number, corner, 0, scale, colour, thick, cv2.LINE_AA)


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen of each person in one frame."""

    visible: NDArray[np.bool_]
    """[n, 17]"""
    occlusion: NDArray[np.float32]
    """[n]: part of the silhouette in the picture that others hide."""


def see(shapes: Shapes, camera: Camera, shown: NDArray[np.bool_]) -> Sight:
    """Visibility, read from a flat picture of labels, 960 pixels wide whatever the camera's size.

    A mark is visible if its centre and at least half of its disc are seen.
    """
    scale = _LABEL_WIDTH / camera.width
    size = (round(camera.height * scale), _LABEL_WIDTH)
    labels = np.full(size, _HIDDEN, np.int32)
    alone = np.zeros(size, np.uint8)
    areas = np.zeros(len(shapes.order))
    outlines = _fixed((shapes.outlines + 0.5) * scale - 0.5)
    boxes = np.round(silhouette_boxes(shapes) * scale).astype(int) + np.array([-3, -3, 4, 4])
    boxes = np.clip(boxes, 0, np.array([size[1], size[0]] * 2))
    net_drawn = False
    for row in shapes.order:
        if not shapes.far[row] and not net_drawn:
            _label_net(labels, camera, scale)
            net_drawn = True
        if not shown[row]:
            continue
        left, top, right, bottom = boxes[row]
        chest = _fixed((shapes.chests[row] + 0.5) * scale - 0.5)
        parts = [*outlines[row, : len(LIMBS) + len(MARKS)], chest]
        for part in np.argsort(-shapes.depths[row]):
            mark = part - len(LIMBS) + 1 if len(LIMBS) <= part < len(LIMBS) + len(MARKS) else 0
            cv2.fillConvexPoly(labels, parts[part], row * _LABELS + int(mark), 8, _SHIFT)
            cv2.fillConvexPoly(alone, parts[part], 255, 8, _SHIFT)
        region = alone[top:bottom, left:right]
        areas[row] = cv2.countNonZero(region)
        region[:] = 0
    return _sight(labels, shapes, scale, areas)


def _label_net(labels: NDArray[np.int32], camera: Camera, scale: float) -> None:
    for start, end, radius, _ in net_parts():
        pair, depth = camera.project(np.array([start, end]))
        outline = capsules((pair + 0.5) * scale - 0.5, camera.focal * radius / depth * scale)
        cv2.fillConvexPoly(labels, _fixed(outline), _HIDDEN, 8, _SHIFT)


def _sight(labels: NDArray[np.int32], shapes: Shapes, scale: float, areas: Points) -> Sight:
    people = len(shapes.order)
    counts = np.bincount(labels.ravel() + 1, minlength=people * _LABELS + 1)[1:]
    counts = counts.reshape(people, _LABELS)
    seen = counts.sum(axis=1)
    disks = np.pi * (shapes.mark_radii * scale) ** 2
    centre = np.round((shapes.keypoints + 0.5) * scale - 0.5).astype(int)
    height, width = labels.shape
    inside = ((centre >= 0) & (centre < (width, height))).all(axis=-1)
    col = np.clip(centre[..., 0], 0, width - 1)
    row = np.clip(centre[..., 1], 0, height - 1)
    wanted = np.arange(people)[:, None] * _LABELS + np.arange(1, _LABELS)
    visible = inside & (labels[row, col] == wanted) & (counts[:, 1:] >= 0.5 * disks)
    occlusion = 1 - seen / np.maximum(areas, 1)
    return Sight(visible, np.clip(occlusion, 0, 1).astype(np.float32))
