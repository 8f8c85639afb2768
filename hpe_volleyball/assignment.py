"""The best one-to-one pairs of two sets, by the value of each pair."""

from __future__ import annotations

from typing import Any

import lap
import numpy as np
from numpy.typing import NDArray


def best_pairs(value: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns whose values have the largest sum, each row and column at most once.

    lapx (Jonker and Volgenant's algorithm) rather than SciPy: it loads in a millisecond, where
    scipy.optimize takes half of the program's start-up.

    Args:
        value: [n, m], finite.

    Returns:
        min(n, m) rows, ascending, and the column of each.
    """
    _, rows, columns = lap.lapjvx(-np.asarray(value, np.float64), extend_cost=True)
    order = np.argsort(rows)
    return rows[order].astype(np.intp), columns[order].astype(np.intp)
