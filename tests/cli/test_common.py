"""Options that several commands share: times."""

from __future__ import annotations

import pytest
import typer

from hpe_volleyball.cli.common import parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90.5", 90.5),
        ("90.", 90),
        ("1:30", 90),
        ("01:02:03.25", 3723.25),
        ("100:00:00", 360_000),
        (" 7 ", 7),
        (2.5, 2.5),
    ],
)
def test_times_are_seconds_or_clock_times(text: str | float, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "-1", "1:", ":30", "1m30s", "1:2:3:4", "1e3", "nan", "1,5"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected seconds or h:mm:ss"):
        parse_time(text)
