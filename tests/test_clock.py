from __future__ import annotations

import pytest

from hpe_volleyball.clock import clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00:00.000"),
        (59.9996, "0:01:00.000"),
        (3725.4331, "1:02:05.433"),
        (36000.5, "10:00:00.500"),
    ],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
