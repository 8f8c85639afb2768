"""The hall or beach around the court: a textured picture without people, and the net."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.records import Image
from hpe_volleyball.synthetic.camera import Camera
from hpe_volleyball.synthetic.palette import BOUNDARY, SAND, SKY, WOOD

Points = NDArray[np.float64]
_Texture = NDArray[np.float32]

_PX = 50
"""Texture pixels per metre."""

_HALF_X, _BACK_Y, _FRONT_Y = 13.0, 17.0, -21.0
"""Metres: the side walls, the far wall and the near end of the floor."""

_WALL_M = 11.0

NET_TOP_M = 2.43
"""Height of a men's net (FIVB rules, 2.1)."""

NET_HALF_M = 4.75
POST_M = 5.0


def court(team_size: int) -> tuple[float, float]:
    """Half width and half length in metres: 9 x 18 indoors, 8 x 16 on the beach (FIVB 1.1)."""
    return (4.5, 9.0) if team_size > 2 else (4.0, 8.0)


def _grain(rng: np.random.Generator, shape: tuple[int, int], cell: int) -> _Texture:
    """Smooth noise of unit size whose spots are about `cell` pixels wide."""
    small = rng.standard_normal((shape[0] // cell + 2, shape[1] // cell + 2)).astype(np.float32)
    return np.asarray(
        cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32
    )


def _bgr(rgb: tuple[int, int, int]) -> NDArray[np.float32]:
    return np.array(rgb[::-1], np.float32)


def _floor(rng: np.random.Generator, team_size: int) -> _Texture:
    """The floor seen from above, row 0 at `_FRONT_Y`, column 0 at -`_HALF_X`."""
    rows, cols = round((_BACK_Y - _FRONT_Y) * _PX), round(2 * _HALF_X * _PX)
    half_x, half_y = court(team_size)
    inside = np.zeros((rows, cols), np.uint8)
    x0, x1 = (round((_HALF_X + x) * _PX) for x in (-half_x, half_x))
    y0, y1 = (round((y - _FRONT_Y) * _PX) for y in (-half_y, half_y))
    if team_size > 2:
        cv2.rectangle(inside, (x0, y0), (x1, y1), 1, -1)
        base = np.where(inside[..., None] > 0, _bgr(WOOD), _bgr(BOUNDARY))
        planks = np.repeat(rng.normal(1, 0.035, cols // 6 + 1), 6)[:cols].astype(np.float32)
        light = planks[None] * (1 + 0.03 * _grain(rng, (rows, cols), 9))
    else:
        base = np.broadcast_to(_bgr(SAND), (rows, cols, 3))
        light = 0.93 + 0.05 * _grain(rng, (rows, cols), 14) + 0.03 * _grain(rng, (rows, cols), 4)
    texture = base * light[..., None]
    white = (238, 238, 238) if team_size > 2 else (190, 170, 150)
    cv2.rectangle(texture, (x0, y0), (x1, y1), white, 3)
    if team_size > 2:
        for y in (-3.0, 0.0, 3.0):
            row = round((y - _FRONT_Y) * _PX)
            cv2.line(texture, (x0, row), (x1, row), white, 3)
    return texture.astype(np.float32)


def _wall(rng: np.random.Generator, width_m: float, team_size: int) -> _Texture:
    """A wall with boards and stands; row 0 is the floor."""
    rows, cols = round(_WALL_M * _PX), round(width_m * _PX)
    texture = np.empty((rows, cols, 3), np.float32)
    texture[:] = _bgr(SKY) if team_size == 2 else 96.0
    texture *= (1 + 0.03 * _grain(rng, (rows, cols), 25))[..., None]
    _stands(rng, texture, rows if team_size > 2 else round(4.6 * _PX))
    board = round(1.0 * _PX)
    texture[:board] = 225.0
    upright = np.ascontiguousarray(texture[:board][::-1]).astype(np.uint8)
    words = ("VOLLEYBALL", "RALLY CUP", "SET & SPIKE", "ACE 25:23")
    for i, left in enumerate(range(0, cols, round(4.2 * _PX))):
        grey = float(rng.integers(25, 90))
        if i % 2:
            upright[:, left : left + round(4.2 * _PX)] = 60.0
            grey = 225.0
        cv2.putText(upright, words[i % 4], (left + 9, 35), 2, 0.95, (grey,) * 3, 2, cv2.LINE_AA)
    texture[:board] = upright[::-1]
    return texture


def _stands(rng: np.random.Generator, texture: _Texture, top: int) -> None:
    """Rows of spectators in greyish clothes up to row `top`."""
    texture[round(1.0 * _PX) : top] *= 0.62
    for row in range(round(1.4 * _PX), top, 40):
        cv2.line(texture, (0, row - 22), (texture.shape[1], row - 22), (70, 70, 70), 3)
        for col in range(0, texture.shape[1], 27):
            if rng.random() < 0.2:
                continue
            centre = (col + int(rng.integers(-4, 5)), row + int(rng.integers(-4, 5)))
            shirt = rng.uniform(45, 215) + rng.uniform(-9, 9, 3)
            cv2.ellipse(texture, centre, (10, 14), 0, 0, 360, [float(c) for c in shirt], -1)
            skin = _bgr((205, 170, 140)) * rng.uniform(0.6, 1.05)
            head = (centre[0] + int(rng.integers(-2, 3)), centre[1] + 19)
            cv2.circle(texture, head, 7, [float(c) for c in skin], -1, cv2.LINE_AA)


def render_plate(camera: Camera, seed: int, team_size: int) -> Image:
    """The empty court, uint8 [camera.height, camera.width, 3]; each pixel's ray is followed."""
    rng = np.random.default_rng((seed, 11))
    cols, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = np.stack((cols, rows, np.ones_like(cols)), axis=-1) @ np.linalg.inv(camera.matrix()).T
    rays = (rays @ camera.rotation()).astype(np.float32)
    eye = np.array(camera.position)
    plate = np.empty((camera.height, camera.width, 3), np.float32)
    nearest = np.full(plate.shape[:2], np.inf, np.float32)
    depth = _BACK_Y - _FRONT_Y
    planes = (
        (_floor(rng, team_size), 2, 0.0, (0, -_HALF_X), (1, _FRONT_Y)),
        (_wall(rng, 2 * _HALF_X, team_size), 1, _BACK_Y, (0, -_HALF_X), (2, 0.0)),
        (_wall(rng, depth, team_size), 0, -_HALF_X, (1, _FRONT_Y), (2, 0.0)),
        (_wall(rng, depth, team_size), 0, _HALF_X, (1, _FRONT_Y), (2, 0.0)),
    )
    for texture, axis, level, (u_axis, u_zero), (v_axis, v_zero) in planes:
        with np.errstate(divide="ignore", invalid="ignore"):
            far = (level - eye[axis]) / rays[..., axis]
        hit = np.isfinite(far) & (far > 0) & (far < nearest)
        far = np.where(hit, far, 0).astype(np.float32)
        u = (eye[u_axis] + far * rays[..., u_axis] - u_zero) * _PX
        v = (eye[v_axis] + far * rays[..., v_axis] - v_zero) * _PX
        seen = cv2.remap(
            texture,
            u.astype(np.float32),
            v.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        plate[hit] = seen[hit]
        nearest[hit] = far[hit]
    return np.clip(plate, 0, 250).astype(np.uint8)


def draw_net(image: Image, camera: Camera) -> None:
    """Draw posts, mesh, bands and antennas over `image`, in place."""
    across = np.arange(-NET_HALF_M, NET_HALF_M + 0.01, 0.25)
    heights = np.arange(NET_TOP_M - 1.0, NET_TOP_M, 0.125)
    zero = np.zeros_like(across)
    ends = np.stack(
        [
            np.stack((across, zero, zero + NET_TOP_M - 1.0), axis=-1),
            np.stack((across, zero, zero + NET_TOP_M), axis=-1),
        ],
        axis=1,
    )
    level = np.array([[[-NET_HALF_M, 0.0, h], [NET_HALF_M, 0.0, h]] for h in heights])
    strands, _ = camera.project(np.concatenate((ends, level)))
    scale = camera.focal / np.hypot(camera.position[1], camera.position[0])
    box = _inside(image, strands.reshape(-1, 2))
    if box is not None:
        left, top, right, bottom = box
        region = image[top:bottom, left:right]
        veil = region.copy()
        lines = np.round((strands - (left, top)) * 16).astype(np.int32)
        cv2.polylines(veil, list(lines), False, (40, 40, 40), 1, cv2.LINE_AA, 4)
        cv2.addWeighted(veil, 0.3, region, 0.7, 0, region)
    for start, end, radius, grey in net_parts():
        pair, _ = camera.project(np.array([start, end]))
        points = np.round(pair * 16).astype(np.int32)
        width = max(1, round(2 * radius * scale))
        cv2.line(image, points[0], points[1], (grey,) * 3, width, cv2.LINE_AA, 4)


def net_parts() -> tuple[tuple[tuple[float, ...], tuple[float, ...], float, int], ...]:
    """Solid parts of the net: start and end in metres, radius in metres, grey level."""
    half, top = NET_HALF_M, NET_TOP_M
    return (
        ((-POST_M, 0.0, 0.0), (-POST_M, 0.0, top + 0.1), 0.05, 120),
        ((POST_M, 0.0, 0.0), (POST_M, 0.0, top + 0.1), 0.05, 120),
        ((-half, 0.0, top), (half, 0.0, top), 0.035, 240),
        ((-half, 0.0, top - 1.0), (half, 0.0, top - 1.0), 0.02, 225),
        ((-4.5, 0.0, top - 1.0), (-4.5, 0.0, top + 0.8), 0.012, 235),
        ((4.5, 0.0, top - 1.0), (4.5, 0.0, top + 0.8), 0.012, 235),
    )


def _inside(image: Image, points: Points) -> tuple[int, int, int, int] | None:
    """The part of the image around points, or None where they lie outside."""
    height, width = image.shape[:2]
    left, top = np.maximum(np.floor(points.min(axis=0)).astype(int) - 2, 0)
    right, bottom = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 3, (width, height))
    return (left, top, right, bottom) if right > left and bottom > top else None
