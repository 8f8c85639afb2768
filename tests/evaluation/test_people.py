"""Rows that are no people of a run."""

from __future__ import annotations

import numpy as np
import pytest

from hpe_volleyball.errors import ResultError
from hpe_volleyball.evaluation.people import People
from tests.evaluation.sides import at, people, posed


def test_people_are_checked() -> None:
    with pytest.raises(ValueError, match=r"People.boxes: expected shape \(2, 4\)"):
        People(np.arange(2), np.ones(2, np.int32), np.zeros((3, 4), np.float32))
    with pytest.raises(ValueError, match=r"People.keypoint_scores: expected shape \(3, 17\)"):
        posed(keypoint_scores=np.ones((3, 16), np.float32))
    with pytest.raises(ResultError, match="frame numbers go back"):
        people([(1, 1, at(0)), (0, 1, at(0))])
    with pytest.raises(ResultError, match="id 7 comes twice in frame 3"):
        people([(3, 7, at(0)), (3, 2, at(100)), (3, 7, at(200))])
