"""What is made of rows run together and alone."""

from __future__ import annotations

from rows_alone import judged


def test_speed_ups_are_of_medians_and_ranges_meet_or_not() -> None:
    together = {"baseline": [100.0, 110.0, 90.0], "+ overlap": [50.0, 40.0, 60.0]}
    alone = {"baseline": [105.0, 95.0, 120.0], "+ overlap": [61.0, 62.0, 70.0]}
    first, second = judged(together, alone)
    assert (first["together_speed_up"], first["alone_speed_up"], first["meet"]) == (1, 1, True)
    assert (second["together_speed_up"], second["alone_speed_up"]) == (2, 105 / 62)
    assert not second["meet"]
