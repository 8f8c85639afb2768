"""The corners of a court: what is taken for some, and what is not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.errors import OptionError
from hpe_volleyball.polygon import check_polygon, parse_court
from hpe_volleyball.records import Polygon

SQUARE: Polygon = ((0, 0), (100, 0), (100, 100), (0, 100))


def test_a_polygon_from_numbers_and_from_a_file(tmp_path: Path) -> None:
    assert parse_court("0,0, 100,0 ,100,100,0,100") == SQUARE
    assert parse_court("-5.5,0,100,0,50,1e2") == ((-5.5, 0), (100, 0), (50, 100))
    file = tmp_path / "hall.json"
    file.write_text(json.dumps(SQUARE))
    assert parse_court(str(file)) == SQUARE
    file.write_text(json.dumps(SQUARE), encoding="utf-8-sig")  # as some editors on Windows do
    assert parse_court(str(file)) == SQUARE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2,3,4,5", "5 numbers, an odd count"),
        ("1,2,3,4", "found 2 corners"),
        ("1,1,2,2,3,3", "on one line"),
        ("100,100,500,100,60,360,540,360", "sides cross"),
        ("0,0,100,100,100,0,0,100", "sides cross"),
        ("1,1,2,2,nan,3", "a number is none"),
        ("none.json", "No such file"),
        ("", "found nothing"),
        ("1,1,2,2,1e7,3", "beyond 1,000,000 pixels"),
    ],
)
def test_what_is_no_polygon(text: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        parse_court(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no JSON"),
        pytest.param("[" * 100_000, "no JSON", id="deep"),
        pytest.param(f"[[1{'0' * 400}, 1]]", "no list of corners", id="large"),
        ("7", "no list of corners"),
        ('{"a": 1}', "no list of corners"),
        ("[[1, 2, 3]]", "no list of corners"),
        ('[["a", "b"]]', "no list of corners"),
        ("[]", "found 0 corners"),
    ],
)
def test_a_file_without_a_polygon(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "hall.json"
    file.write_text(content)
    with pytest.raises(OptionError, match=words):
        parse_court(str(file))


def test_corners_from_python() -> None:
    assert check_polygon(np.array(SQUARE), "court") == SQUARE
    assert check_polygon([list(corner) for corner in SQUARE], "court") == SQUARE
    for wrong in ("abc", 7, [(1, 2, 3)], [("a", "b")], None):
        with pytest.raises(OptionError, match="court: found no list of corners; expected"):
            check_polygon(wrong, "court")


def test_a_court_with_a_corner_that_points_inwards() -> None:
    assert len(parse_court("0,0,100,0,50,20,100,100,0,100")) == 5
