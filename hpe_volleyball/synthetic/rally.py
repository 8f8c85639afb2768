"""A seeded volleyball rally: pictures, and the exact truth about who is where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.records import Bools, Floats, Image, Ints
from hpe_volleyball.synthetic.camera import Camera
from hpe_volleyball.synthetic.motion import Motion
from hpe_volleyball.synthetic.palette import OUTFITS
from hpe_volleyball.synthetic.play import Course, Play
from hpe_volleyball.synthetic.render import (
    Shapes,
    draw_people,
    project_people,
    see,
    silhouette_boxes,
)
from hpe_volleyball.synthetic.scenery import render_plate

_INSIDE: Final = 0.2
"""People of whose box a smaller part lies in the picture are not in the truth."""

_TAPS: Final = 25
"""Moments over which the panning camera averages the ball's place."""

_NOISE_MARGIN: Final = 64
_NOISE_ZERO: Final = 6


@dataclass(frozen=True, slots=True)
class RallyConfig:
    """What to play and how to film it; the motion depends on seed, team size and play only."""

    width: int = 1920
    height: int = 1080
    fps: Fraction = Fraction(50)
    seconds: float = 6.0
    seed: int = 0
    team_size: int = 6
    """Players per team: 6 indoors, 2 on the beach."""
    camera: Literal["fixed", "panning"] = "fixed"
    play: Play = "rally"
    """"rally": everything; "net": crowding, jumps and crossings at the net; "defence": dives,
    long runs, players who leave the picture and come back."""
    kits: Literal["player", "team"] = "player"
    """A colour of its own for every player, which the demo models need, or one per team, as in
    real matches: colour then tells opponents apart, not team-mates."""

    def __post_init__(self) -> None:
        if self.team_size not in (2, 6):
            raise ValueError(f"RallyConfig.team_size: expected 2 or 6, found {self.team_size}")
        if min(self.width, self.height) < 64 or self.fps <= 0 or self.seconds <= 0:
            raise ValueError(
                f"RallyConfig: expected at least 64x64 px and positive fps and seconds, found "
                f"{self.width}x{self.height} px, {self.fps} fps, {self.seconds} s"
            )


@dataclass(frozen=True, slots=True)
class Truth:
    """Who is in one frame. Rows are people at least a fifth of whose box is in the picture."""

    ids: Ints
    """int32 [n], from 1, the same whenever the person is in the picture."""
    boxes: Floats
    """float32 [n, 4], x1 y1 x2 y2: all that is drawn of the person, hidden parts too, clipped."""
    keypoints: Floats
    """float32 [n, 17, 2], x y in pixels; pixel centres lie at whole numbers."""
    visible: Bools
    """bool [n, 17]: in the picture, and neither other people nor the own body hide it."""
    occlusion: Floats
    """float32 [n], 0 free .. 1 wholly hidden behind others."""


class Rally:
    """One rally. Any frame can be asked for, in any order."""

    def __init__(self, config: RallyConfig) -> None:
        self.config = config
        self.n_frames = max(1, round(config.seconds * config.fps))
        self._course = Course(config.seed, config.team_size, config.play, config.seconds)
        self._motion = Motion(self._course)
        near = np.arange(config.team_size) * (config.kits == "player")
        self._outfits = np.concatenate((near, near + len(OUTFITS) // 2))
        self._base = _camera(config)
        self._plate: Image | None = None
        self._noise: Image | None = None
        self._shapes = lru_cache(maxsize=4)(self._project)

    @property
    def n_people(self) -> int:
        """Players of both teams; ids run from 1 to this."""
        return len(self._course.players)

    def time_s(self, index: int) -> float:
        """Presentation time of a frame in seconds."""
        return float(index / self.config.fps)

    def truth(self, index: int) -> Truth:
        """The truth of one frame; visibility comes from a flat picture of labels, not `image`.

        Raises:
            IndexError: there is no such frame.
        """
        shapes, camera, boxes, shown = self._shapes(self._checked(index))
        sight = see(shapes, camera, shown)
        return Truth(
            ids=np.arange(1, len(shown) + 1, dtype=np.int32)[shown],
            boxes=boxes[shown].astype(np.float32),
            keypoints=shapes.keypoints[shown].astype(np.float32),
            visible=sight.visible[shown],
            occlusion=sight.occlusion[shown],
        )

    def image(self, index: int) -> Image:
        """The picture of one frame, uint8 [height, width, 3] BGR.

        Raises:
            IndexError: there is no such frame.
        """
        shapes, camera, _, shown = self._shapes(self._checked(index))
        image = self._backdrop(camera)
        self._draw_shadows(image, camera, index)
        draw_people(image, shapes, camera, self._outfits, shown)
        self._draw_ball(image, camera, index)
        return self._with_noise(image, index)

    def frames(self) -> Iterator[Image]:
        """All pictures in order."""
        return (self.image(index) for index in range(self.n_frames))

    def _checked(self, index: int) -> int:
        if not 0 <= index < self.n_frames:
            raise IndexError(f"Rally: expected a frame in 0..{self.n_frames - 1}, found {index}")
        return index

    def _view(self, time_s: float) -> Camera:
        """The camera at a moment: still, or following the ball slowly with a little shake."""
        if self.config.camera == "fixed":
            return self._base
        taps = np.linspace(-1.2, 1.2, _TAPS)
        weights = np.exp(-0.5 * (taps / 0.55) ** 2)
        places = np.stack([self._course.ball(time_s + tap) for tap in taps])
        ball = weights @ places / weights.sum()
        east, north = ball[:2] - np.array(self._base.position[:2])
        shake = [np.sin(2 * np.pi * f * time_s + f) / f for f in (1.7, 2.9, 4.3, 6.1)]
        return replace(
            self._base,
            yaw=float(0.25 * self._base.yaw + 0.75 * np.arctan2(east, north) + 0.0012 * shake[0])
            + 0.0012 * float(shake[2]),
            pitch=self._base.pitch + 0.0012 * float(shake[1] + shake[3]),
        )

    def _project(self, index: int) -> tuple[Shapes, Camera, NDArray[np.float64], Bools]:
        """Shapes, camera, clipped boxes and who is in the picture."""
        time_s = self.time_s(index)
        camera = self._view(time_s)
        joints = self._motion.joints(time_s)
        shapes = project_people(joints, self._motion.heights, camera)
        whole = silhouette_boxes(shapes)
        boxes = np.clip(whole, 0, np.array([camera.width, camera.height] * 2))
        inside = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        shown = inside >= _INSIDE * np.prod(whole[:, 2:] - whole[:, :2], axis=1)
        return shapes, camera, boxes, shown

    def _backdrop(self, camera: Camera) -> Image:
        """The empty court: rendered once, turned with the camera."""
        config = self.config
        if self._plate is None:
            plate = self._plate_camera()
            self._plate = render_plate(plate, config.seed, config.team_size)
        if config.camera == "fixed":
            return self._plate.copy()
        base = self._plate_camera()
        turn = base.matrix() @ base.rotation() @ camera.rotation().T
        across = turn @ np.linalg.inv(camera.matrix())
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (config.width, config.height)
        turned = cv2.warpPerspective(
            self._plate, across, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101
        )
        return np.asarray(turned, np.uint8)

    def _plate_camera(self) -> Camera:
        if self.config.camera == "fixed":
            return self._base
        return replace(
            self._base, width=int(1.9 * self._base.width), height=int(1.12 * self._base.height)
        )

    def _draw_shadows(self, image: Image, camera: Camera, index: int) -> None:
        turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        joints = self._motion.joints(self.time_s(index))
        middle = joints[:, :, :2].mean(axis=1)
        spread = np.clip(np.ptp(joints[:, :, :2], axis=1), 0.45, 1.8) * 0.5
        ring = np.stack((np.cos(turn), np.sin(turn)), axis=-1)
        ellipses = np.zeros((len(joints), len(turn), 3))
        ellipses[..., :2] = middle[:, None] + spread[:, None] * ring + (0.12, 0.10)
        outlines, _ = camera.project(ellipses)
        for outline in outlines:
            _darken(image, outline)

    def _draw_ball(self, image: Image, camera: Camera, index: int) -> None:
        centre, depth = camera.project(self._course.ball(self.time_s(index)))
        radius = camera.focal * 0.105 / float(depth)
        if not np.all(np.abs(centre) < 4 * camera.width):
            return
        for grey, share, shift in ((150, 1.0, 0.0), (205, 0.86, 0.1), (235, 0.45, 0.3)):
            x, y = centre - radius * shift
            point = (round(float(x) * 16), round(float(y) * 16))
            size = max(16, round(radius * share * 16))
            cv2.circle(image, point, size, (grey - 25, grey, grey), -1, cv2.LINE_AA, 4)

    def _with_noise(self, image: Image, index: int) -> Image:
        """Add sensor noise of about 1.6 grey levels, its own for each frame."""
        height, width = image.shape[:2]
        margin = _NOISE_MARGIN
        if self._noise is None:
            rng = np.random.default_rng((self.config.seed, 12))
            shape = (height + margin, width + margin, 3)
            noise = rng.standard_normal(shape, np.float32) * 1.6 + _NOISE_ZERO
            self._noise = np.clip(np.round(noise), 0, 255).astype(np.uint8)
        left, top = np.random.default_rng((self.config.seed, 13, index)).integers(0, margin, 2)
        cv2.add(image, self._noise[top : top + height, left : left + width], image)
        cv2.subtract(image, np.full(4, _NOISE_ZERO, np.float64), image)
        return image


def _camera(config: RallyConfig) -> Camera:
    """Behind the near end line, right of the middle, on a stand."""
    panning = config.camera == "panning"
    position = (3.4, -25.0, 5.2) if config.team_size > 2 else (3.0, -23.0, 4.4)
    return Camera(
        position=position,
        yaw=-0.12,
        pitch=0.145 if config.team_size > 2 else 0.125,
        focal=config.height * (3.2 if panning else 2.7),
        width=config.width,
        height=config.height,
    )


def _darken(image: Image, outline: NDArray[np.float64]) -> None:
    """Draw a soft shadow within an outline [points, 2] px, in place."""
    height, width = image.shape[:2]
    left, top = np.maximum(outline.min(axis=0).astype(int) - 2, 0)
    right, bottom = np.minimum(outline.max(axis=0).astype(int) + 3, (width, height))
    if right <= left or bottom <= top:
        return
    region = image[top:bottom, left:right]
    dark = cv2.convertScaleAbs(region, alpha=0.72)
    mask = np.zeros(region.shape[:2], np.uint8)
    points = np.round((outline - (left, top)) * 16).astype(np.int32)
    cv2.fillConvexPoly(mask, points, 255, cv2.LINE_8, 4)
    cv2.copyTo(dark, mask, region)
