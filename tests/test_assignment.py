"""Best pairs against SciPy's solver, on any shape."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from hpe_volleyball.assignment import best_pairs


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3), (12, 12), (1, 40), (40, 1), (30, 33)])
def test_pairs_are_those_of_scipy(shape: tuple[int, int]) -> None:
    for seed in range(50):
        value = np.random.default_rng(seed).normal(size=shape)
        rows, columns = best_pairs(value)
        expected_rows, expected_columns = linear_sum_assignment(value, maximize=True)
        assert rows.tolist() == expected_rows.tolist()
        assert columns.tolist() == expected_columns.tolist()


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (4, 0)])
def test_nothing_has_no_pairs(shape: tuple[int, int]) -> None:
    rows, columns = best_pairs(np.zeros(shape))
    assert len(rows) == len(columns) == 0


def test_counts_can_be_paired_too() -> None:
    rows, columns = best_pairs(np.array([[3, 4], [4, 9]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1])
