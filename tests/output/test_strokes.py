"""Lines of the overlay: which there are, and where they lie."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hpe_volleyball.output.strokes import DASHED_BOX, SOLID_BOX, beside, box_lines, strokes_of
from hpe_volleyball.skeleton import BY_COUNT

BOXES = np.array([[[10, 20], [30, 60]], [[0, 0], [1, 1]]], np.float32)


@pytest.mark.parametrize("unit", [SOLID_BOX, DASHED_BOX])
def test_lines_of_a_box_reach_its_corners_and_no_farther(unit: np.ndarray) -> None:
    for box, lines in zip(BOXES, box_lines(BOXES, unit), strict=True):
        points = lines.reshape(-1, 2)
        np.testing.assert_array_equal([points.min(axis=0), points.max(axis=0)], box)
        corners = {(int(x), int(y)) for x in box[:, 0] for y in box[:, 1]}
        assert corners <= set(map(tuple, points.tolist()))


def test_dashes_leave_out_about_half_of_each_side() -> None:
    length = np.abs(DASHED_BOX[:, 1] - DASHED_BOX[:, 0]).sum()
    assert 2.0 < length < 2.5


def test_lines_beside_a_line_lie_at_their_distance_on_both_sides() -> None:
    line = np.array([[[16, 32], [16 * 4, 32 + 16 * 4]]], np.int32)  # along (3, 4)
    moved = beside(line, np.array([5]))
    away = (moved - line) / 16
    np.testing.assert_allclose(away[:, 0], away[:, 1])
    np.testing.assert_allclose(away[:, 0], [[-4, 3], [4, -3]])


@pytest.mark.parametrize("count", sorted(BY_COUNT))
def test_every_limb_and_joint_is_in_one_batch(count: int) -> None:
    skeleton = BY_COUNT[count]
    strokes = strokes_of(skeleton, 3)
    ends = Counter(tuple(row) for each in strokes for row in each.ends.tolist())
    assert set(ends.values()) == {1}
    assert set(ends) == {*skeleton.edges, *((k,) for k in range(count))}
