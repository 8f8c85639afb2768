"""What a benchmark found: rows of times and agreement, as JSON and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Self

from hpe_volleyball.errors import OutputError, ResultError
from hpe_volleyball.files import cannot_write, replacing

FORMAT = 1
_KIND = "hpe-volleyball bench"


class Value(NamedTuple):
    """The median over the rounds, and half of the range from the least to the greatest."""

    median: float
    spread: float

    def __str__(self) -> str:
        return f"{self.median:.1f} ±{self.spread:.1f}"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the people of a row are those of a reference; None where there were none."""

    idf1: float | None
    switches: int
    oks: float | None
    """Mean over the people found in both."""
    p95_px: float | None
    """95th percentile of the distances of joints."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row, measured in every round."""

    key: str
    name: str
    listed: bool
    settings: dict[str, Any]
    detector_calls: int
    total_ms: list[float]
    """Whole run per frame, by round: from opening the source to the last file closed."""
    stage_ms: dict[str, list[float]]
    """Per frame of the clip, by stage and round."""
    overlapping: list[str]
    """Stages in threads of their own, beside the others."""
    agreement: Agreement
    """With the first row."""
    truth: Agreement | None = None
    """With the truth of a synthetic rally."""

    @property
    def total(self) -> Value:
        """Milliseconds per frame."""
        return value_of(self.total_ms)

    @property
    def fps(self) -> Value:
        """Frames per second."""
        return value_of([1e3 / ms for ms in self.total_ms])

    def stage(self, name: str) -> float:
        """Median milliseconds of a stage per frame."""
        return median(self.stage_ms.get(name, [0.0]))

    @property
    def rest(self) -> float:
        """Median milliseconds per frame that no stage of the main thread accounts for.

        Opening, the data file and closing; with threads, also waiting for them.
        """
        inside = [ms for name, ms in self.stage_ms.items() if name not in self.overlapping]
        sums = [sum(stages) for stages in zip(*inside, strict=True)]
        left = [total - part for total, part in zip(self.total_ms, sums, strict=True)]
        return value_of(left).median

    def speed_up(self, baseline: RowResult) -> Value:
        """How many times as fast as another row, round by round: slow rounds were so for both."""
        pairs = zip(baseline.total_ms, self.total_ms, strict=True)
        return value_of([before / after for before, after in pairs])


@dataclass(frozen=True, slots=True)
class BenchResult:
    """A whole benchmark."""

    clip: str
    """What was played, in words."""
    nets: str
    """What ran, in words."""
    frames: int
    """Of each run."""
    rounds: int
    provider: str
    models: list[dict[str, str]]
    machine: dict[str, Any]
    versions: dict[str, str]
    rows: list[RowResult]
    fastest: str
    """Key of the row with the shortest time."""
    remarks: list[str]
    """What else one has to know."""

    @property
    def listed(self) -> list[RowResult]:
        """The rows to show, the baseline first."""
        return [row for row in self.rows if row.listed]

    def row(self, key: str) -> RowResult:
        """The row with this key."""
        return next(row for row in self.rows if row.key == key)

    def to_json(self) -> str:
        """As text."""
        content = {"kind": _KIND, "format": FORMAT, **asdict(self)}
        return json.dumps(_plain(content), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, path: Path) -> Self:
        """Read what `write_json` wrote.

        Raises:
            ResultError: there is no such file, or it is none of these.
        """
        expected = "expected a file that `hpe-volleyball bench --json` wrote"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ResultError(f"{path}: {error.strerror}; {expected}") from error
        except ValueError as error:
            raise ResultError(f"{path} is no JSON ({error}); {expected}") from error
        if not isinstance(content, dict) or content.pop("kind", None) != _KIND:
            raise ResultError(f"{path} is another JSON file; {expected}")
        found = content.pop("format", None)
        if found != FORMAT:
            raise ResultError(f"{path} has format {found}, expected {FORMAT}; measure again")
        try:
            rows = [_row(row) for row in content.pop("rows")]
            return cls(rows=rows, **content)
        except (KeyError, TypeError) as error:
            raise ResultError(f"{path} is damaged ({error}); {expected}") from error

    def write_json(self, path: Path) -> None:
        """Write the result.

        Raises:
            OutputError: it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as fresh:
                fresh.write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise OutputError(cannot_write(path, error)) from error


def value_of(rounds: list[float]) -> Value:
    """Median and spread of one number per round."""
    return Value(median(rounds), (max(rounds) - min(rounds)) / 2)


def _row(content: Mapping[str, Any]) -> RowResult:
    truth = content["truth"]
    return RowResult(
        **{
            **content,
            "agreement": Agreement(**content["agreement"]),
            "truth": None if truth is None else Agreement(**truth),
        }
    )


def _plain(value: Any) -> Any:
    """Without NaN, which JSON does not know, and rounded to what a clock can tell."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value
