"""What is made of rows run together and alone."""

from __future__ import annotations

from rows_alone import judged


def test_speed_ups_have_ranges_that_meet_or_not() -> None:
    together = {"baseline": [100.0, 110.0, 90.0], "+ overlap": [50.0, 50.0, 50.0]}
    alone = {"baseline": [100.0, 90.0, 120.0], "+ overlap": [60.0, 75.0, 100.0]}
    first, second = judged(together, alone)
    assert (first["together_speed_up"], first["meet"]) == ([1, 1, 1], True)
    assert first["alone_speed_up"] == [0.75, 1, 120 / 90]
    assert second["together_speed_up"] == [1.8, 2, 2.2]
    assert second["alone_speed_up"] == [0.9, 4 / 3, 2]
    assert second["meet"]
    alone["+ overlap"] = [100.0, 90.0, 110.0]
    assert not judged(together, alone)[1]["meet"]
