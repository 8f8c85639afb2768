"""A pinhole camera beside the court: world metres to pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera without lens distortion.

    World axes: x across the court, y along it (the net stands at y = 0), z up, in metres.
    """

    position: tuple[float, float, float]
    yaw: float
    """Turn about the vertical, radians; 0 looks along +y, positive turns to +x."""
    pitch: float
    """Tilt downwards, radians."""
    focal: float
    """Focal length in pixels."""
    width: int
    height: int

    def rotation(self) -> Points:
        """float64 [3, 3]: world axes to camera axes (right, down, forward)."""
        sin_yaw, cos_yaw = np.sin(self.yaw), np.cos(self.yaw)
        sin_pitch, cos_pitch = np.sin(self.pitch), np.cos(self.pitch)
        right = (cos_yaw, -sin_yaw, 0.0)
        forward = (sin_yaw * cos_pitch, cos_yaw * cos_pitch, -sin_pitch)
        down = (-sin_yaw * sin_pitch, -cos_yaw * sin_pitch, -cos_pitch)
        return np.array([right, down, forward])

    def matrix(self) -> Points:
        """float64 [3, 3]: the intrinsic matrix; pixel centres lie at whole numbers."""
        centre_x, centre_y = (self.width - 1) / 2, (self.height - 1) / 2
        return np.array([[self.focal, 0, centre_x], [0, self.focal, centre_y], [0, 0, 1.0]])

    def project(self, points: Points) -> tuple[Points, Points]:
        """World points [..., 3] to pixels [..., 2] and depths [...] in metres.

        Depths are held above 0.1 m: nothing of the rally comes that close.
        """
        local = (points - np.array(self.position)) @ self.rotation().T
        depth = np.maximum(local[..., 2], 0.1)
        centre = np.array([(self.width - 1) / 2, (self.height - 1) / 2])
        return self.focal * local[..., :2] / depth[..., None] + centre, depth
