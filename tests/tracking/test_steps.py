"""The time between frames."""

from __future__ import annotations

import pytest

from hpe_volleyball.tracking.steps import Steps
from tests.scene import frame


def test_steps_are_those_of_the_time_stamps_within_limits() -> None:
    steps = Steps(50.0)
    # Three frames are left out, then the clock stands still, then the source is away for a minute.
    times = (0.0, 0.02, 0.10, 0.10, 60.0)
    for index, time_s in enumerate(times):
        steps.add(frame(index, rate=index / time_s if time_s else 50.0))
    expected = (0.02, 0.02, 0.08, 0.002, 1.0)
    assert [steps.before(frame(k)) for k in range(5)] == pytest.approx(expected)


def test_only_frames_that_are_needed_are_remembered() -> None:
    steps = Steps(50.0)
    for index in range(5):
        steps.add(frame(index))
    steps.forget_before(frame(3))
    assert steps.before(frame(3)) == pytest.approx(0.02)
    with pytest.raises(KeyError):
        steps.before(frame(2))
