"""The people of a run, or of the truth, as rows to be scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import ResultError
from hpe_volleyball.records import Bools, Floats, Ints

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class People:
    """The people of one run, one row per person and frame, frames ascending.

    Raises:
        ValueError: An array has another shape than stated.
        ResultError: Frames do not ascend, or an id comes twice in a frame.
    """

    frame: Rows
    """int64 [R], frame number of each row."""
    ids: Ints
    """int32 [R], the same for a person over the whole run."""
    boxes: Floats
    """float32 [R, 4], x1 y1 x2 y2 in px."""
    keypoints: Floats | None = None
    """float32 [R, K, 2], x y in px."""
    keypoint_scores: Floats | None = None
    """float32 [R, K]: scores, or 1 for visible and 0 for hidden; without it all are visible."""
    ignored: Bools | None = None
    """bool [R], for a reference: finding this person is neither asked for nor punished."""

    def __post_init__(self) -> None:
        n = len(self.frame)
        shapes: list[tuple[str, NDArray[Any] | None, tuple[int, ...]]] = [
            ("frame", self.frame, (n,)),
            ("ids", self.ids, (n,)),
            ("boxes", self.boxes, (n, 4)),
            ("ignored", self.ignored, (n,)),
        ]
        if self.keypoints is not None:
            people = (n, *self.keypoints.shape[1:2])
            shapes.append(("keypoints", self.keypoints, (*people, 2)))
            shapes.append(("keypoint_scores", self.keypoint_scores, people))
        for name, array, shape in shapes:
            if array is not None and array.shape != shape:
                raise ValueError(f"People.{name}: expected shape {shape}, found {array.shape}")
        if (np.diff(self.frame) < 0).any():
            raise ResultError("frame numbers go back; sort the rows by frame before comparing")
        order = np.lexsort((self.ids, self.frame))
        twice = (np.diff(self.frame[order]) == 0) & (np.diff(self.ids[order]) == 0)
        if twice.any():
            row = order[np.flatnonzero(twice)[0]]
            raise ResultError(
                f"id {self.ids[row]} comes twice in frame {self.frame[row]}, expected one person "
                "per id; give each person an id of their own"
            )
