"""The corners of a court: read from a text or a file, and checked."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from hpe_volleyball.errors import OptionError
from hpe_volleyball.records import Polygon

_FURTHEST = 1_000_000
"""No corner of a court lies so many pixels outside of the picture."""
_EXPECTED = (
    'expected "x1,y1,x2,y2,x3,y3" in pixels of the video, three corners or more, or a JSON file '
    "with [[x1, y1], [x2, y2], ...]"
)


def parse_court(text: str) -> Polygon:
    """A polygon from "x1,y1,x2,y2,..." or from the JSON file of that name.

    Raises:
        OptionError: it is neither, the file cannot be read, or the corners enclose no area.
    """
    if not text.strip():
        raise OptionError(f"found nothing; {_EXPECTED}")
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return check_polygon(_read_json(Path(text)), text)
    if len(numbers) % 2:
        raise OptionError(f"{text}: found {len(numbers)} numbers, an odd count; {_EXPECTED}")
    return check_polygon(zip(numbers[::2], numbers[1::2], strict=True), text)


def check_polygon(corners: object, name: str) -> Polygon:
    """The corners of a polygon as pairs of floats.

    Args:
        corners: What was given.
        name: What to call it in an error.

    Raises:
        OptionError: it is no polygon, or encloses no area.
    """
    polygon = _pairs(corners, name)
    if len(polygon) < 3:
        raise OptionError(f"{name}: found {len(polygon)} corners; {_EXPECTED}")
    if not all(abs(value) <= _FURTHEST for corner in polygon for value in corner):  # NaN neither
        raise OptionError(f"{name}: a number is none, or beyond {_FURTHEST:,} pixels; {_EXPECTED}")
    if _crosses_itself(polygon):
        raise OptionError(f"{name}: sides cross, expected the corners in turn; {_EXPECTED}")
    # Shoelace formula; a line there and back has no area.
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise((*polygon, polygon[0])))
    if not doubled:
        raise OptionError(f"{name}: the corners lie on one line; {_EXPECTED}")
    return polygon


def _crosses_itself(polygon: Polygon) -> bool:
    """Whether two sides cross in a point inside both."""
    sides = list(pairwise((*polygon, polygon[0])))
    return any(_cross(*one, *other) for one, other in combinations(sides, 2))


def _cross(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> bool:
    """Whether each of two sides has an end on either side of the other."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Twice the area of a triangle; its sign says on which side of ab the corner c lies."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _pairs(corners: Any, name: str) -> Polygon:
    try:
        return tuple((float(x), float(y)) for x, y in corners)
    except (TypeError, ValueError, OverflowError) as error:
        raise OptionError(f"{name}: found no list of corners; {_EXPECTED}") from error


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise OptionError(f"{path}: {error.strerror or error}; {_EXPECTED}") from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{path}: no JSON ({error}); {_EXPECTED}") from error
