"""`watch` has the options of `infer` that are not about one video."""

from __future__ import annotations

from tests.runs import Cli


def test_options_of_one_video_are_not_there(cli: Cli) -> None:
    """Nor those that would replace results again and again."""
    shown = cli("watch", "--help").out
    for option in ("--det-interval", "--court", "--no-data", "--settle", "--strict"):
        assert f"{option} " in shown
    for option in ("--overwrite", "--start", "--end", "--max-frames", "--max-seconds", "--show"):
        assert f"{option} " not in shown
