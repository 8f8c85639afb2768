"""Small runs and truths to score, made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.evaluation.people import People

Box = tuple[float, float, float, float]


def people(rows: list[tuple[int, int, Box]], **more: Any) -> People:
    """Rows of (frame, id, box)."""
    return People(
        frame=np.array([r[0] for r in rows], np.int64),
        ids=np.array([r[1] for r in rows], np.int32),
        boxes=np.array([r[2] for r in rows], np.float32).reshape(-1, 4),
        **more,
    )


def at(x: float) -> Box:
    """A box of 50 x 100 px; two of them overlap only where x differs by less than 50."""
    return (x, 0.0, x + 50, 100.0)


def box_from(corner: NDArray[np.float64]) -> Box:
    x, y = corner.tolist()
    return (x, y, x + 50, y + 100)


NOBODY = people([])


def posed(
    shift: tuple[float, float] = (0, 0), *, keypoints: int = 17, n: int = 3, **more: Any
) -> People:
    """`n` frames of one person in a box of 100 x 200 px, all joints shifted by `shift`."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 100, (n, keypoints, 2)) + shift
    rows = [(f, 1, (0.0, 0.0, 100.0, 200.0)) for f in range(n)]
    return people(rows, keypoints=points.astype(np.float32), **more)


def all_pairs(side: People) -> NDArray[np.int64]:
    rows = np.arange(len(side.ids))
    return np.stack((rows, rows), axis=1)
