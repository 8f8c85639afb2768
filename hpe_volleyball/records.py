"""What the stages hand each other: frozen records of arrays, checked on creation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8 [H, W, 3], BGR, rotation already applied; there may be gaps between rows."""

Polygon = tuple[tuple[float, float], ...]
"""Corners x y in pixels of the source frame."""

TRUSTED_SCORE = 0.3
"""Keypoints with a higher score are drawn, and compared between runs."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]


def _check(
    name: str, array: NDArray[Any], dtype: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    """Raise ValueError unless `array` has this dtype and shape (None: any length)."""
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != dtype:
        wanted = ", ".join("n" if want is None else str(want) for want in shape)
        raise ValueError(
            f"{name}: expected {dtype.__name__} [{wanted}], found {array.dtype} {array.shape}"
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of the video."""

    index: int
    """Number of the frame in this run, from 0."""
    time_s: float
    """Presentation time in the source, in seconds from its first frame."""
    image: Image
    pts: int = 0
    """Presentation time in the stream's time base, as stored in the source."""

    def __post_init__(self) -> None:
        _check("Frame.image", self.image, np.uint8, (None, None, 3))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, px."""
        height, width = self.image.shape[:2]
        return width, height

    def let_go(self) -> None:
        """Say that the picture is not needed soon; it may then be kept in a smaller form."""

    def new_image(self) -> Image:
        """A picture of one's own, to draw on."""
        return self.image.copy()

    def copy(self) -> Frame:
        """The same frame with a picture of its own."""
        return Frame(self.index, self.time_s, self.new_image(), self.pts)


@dataclass(frozen=True, slots=True)
class Detections:
    """People found by the detector in one frame."""

    boxes: Floats
    """float32 [n, 4], x1 y1 x2 y2 in pixels of the source frame."""
    scores: Floats
    """float32 [n], 0..1."""

    def __post_init__(self) -> None:
        _check("Detections.boxes", self.boxes, np.float32, (None, 4))
        _check("Detections.scores", self.scores, np.float32, (len(self.boxes),))

    @classmethod
    def empty(cls) -> Detections:
        """Nobody found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True)
class Tracks:
    """The tracked people of one frame."""

    ids: Ints
    """int32 [n], from 1, the same for a person over the whole run."""
    boxes: Floats
    """float32 [n, 4], x1 y1 x2 y2 in pixels of the source frame."""
    scores: Floats
    """float32 [n]: the detector's score, or the confidence of a carried box."""
    detected: Bools
    """bool [n]: False where the box was carried between detections."""

    def __post_init__(self) -> None:
        _check("Tracks.ids", self.ids, np.int32, (None,))
        _check("Tracks.boxes", self.boxes, np.float32, (len(self.ids), 4))
        _check("Tracks.scores", self.scores, np.float32, (len(self.ids),))
        _check("Tracks.detected", self.detected, np.bool_, (len(self.ids),))

    def rows(self, which: NDArray[np.intp] | Bools) -> Tracks:
        """These people alone, by row numbers in their order, or by a mask."""
        return Tracks(self.ids[which], self.boxes[which], self.scores[which], self.detected[which])

    @classmethod
    def empty(cls) -> Tracks:
        """Nobody tracked."""
        return cls(
            np.zeros(0, np.int32),
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.bool_),
        )


@dataclass(frozen=True, slots=True)
class Poses:
    """Keypoints of the people of one frame, row by row as in its `Tracks`."""

    keypoints: Floats
    """float32 [n, K, 2], x y in pixels of the source frame."""
    scores: Floats
    """float32 [n, K], 0..1; 0 marks a keypoint that was not found."""
    estimated: Bools | None = None
    """bool [n]: False where no model looked and the pose lies between two others; None: nowhere."""

    def __post_init__(self) -> None:
        _check("Poses.keypoints", self.keypoints, np.float32, (None, None, 2))
        _check("Poses.scores", self.scores, np.float32, self.keypoints.shape[:2])
        if self.estimated is not None:
            _check("Poses.estimated", self.estimated, np.bool_, self.keypoints.shape[:1])

    def rows(self, which: NDArray[np.intp] | Bools) -> Poses:
        """The poses of these people alone, as `Tracks.rows` does it."""
        estimated = None if self.estimated is None else self.estimated[which]
        return Poses(self.keypoints[which], self.scores[which], estimated)


@dataclass(frozen=True, slots=True)
class FrameResult:
    """Everything known about one frame; rows of `tracks` and `poses` are aligned."""

    frame: Frame
    tracks: Tracks
    poses: Poses
    keyframe: bool
    """The detector ran on this frame."""
    left_out: Floats = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    """float32 [m, 4]: boxes of people who are not tracked on purpose, as last detected."""

    def __post_init__(self) -> None:
        _check("FrameResult.left_out", self.left_out, np.float32, (None, 4))
        if len(self.tracks.ids) != len(self.poses.keypoints):
            raise ValueError(
                f"FrameResult: expected as many poses as tracks, found "
                f"{len(self.poses.keypoints)} poses and {len(self.tracks.ids)} tracks"
            )

    def copy(self) -> FrameResult:
        """The same result with arrays and a picture of its own, for whoever may write into them."""
        everybody = np.arange(len(self.tracks.ids))
        return FrameResult(
            self.frame.copy(),
            self.tracks.rows(everybody),
            self.poses.rows(everybody),
            self.keyframe,
            self.left_out.copy(),
        )
