"""The corners of a court: read from a text or a file, and checked."""

from __future__ import annotations

import json
from itertools import pairwise
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
    # Shoelace formula; a line there and back has no area.
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise((*polygon, polygon[0])))
    if not doubled:
        raise OptionError(f"{name}: the corners lie on one line; {_EXPECTED}")
    return polygon


def _pairs(corners: Any, name: str) -> Polygon:
    try:
        return tuple((float(x), float(y)) for x, y in corners)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name}: found no list of corners; {_EXPECTED}") from error


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"{path}: {error.strerror or error}; {_EXPECTED}") from error
    except ValueError as error:
        raise OptionError(f"{path}: no JSON ({error}); {_EXPECTED}") from error
