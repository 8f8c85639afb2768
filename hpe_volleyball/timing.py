"""Stage clocks: how long each stage took, call by call."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

STAGES = ("capture", "detect", "track", "pose", "draw", "write")
"""The stages of a run, in the order in which a frame passes them."""


@dataclass(frozen=True, slots=True)
class StageTime:
    """Times of one stage over a run; all in milliseconds but `total_s`."""

    stage: str
    calls: int
    mean_ms: float
    median_ms: float
    p95_ms: float
    total_s: float
    share: float
    """Part of the wall time, 0..1; overlapping stages can sum to more than 1."""
    overlaps: bool
    """The stage ran in a thread of its own, beside the others."""


class StageClocks:
    """Collects the times of stages; one stage is timed by one thread at a time.

    A stage timed inside another is taken out of the outer one's time.
    """

    def __init__(self) -> None:
        self._calls: dict[str, array[float]] = {stage: array("f") for stage in STAGES}
        self._overlapping: set[str] = set()
        self._inner = threading.local()
        self._started = perf_counter()

    @contextmanager
    def time(self, stage: str | None) -> Iterator[None]:
        """Time one call of `stage`; None: only take it out of the stage around it."""
        outer: float = getattr(self._inner, "seconds", 0.0)
        self._inner.seconds = 0.0
        started = perf_counter()
        try:
            yield
        finally:
            elapsed = perf_counter() - started
            if stage is not None:
                self._calls[stage].append(elapsed - self._inner.seconds)
            self._inner.seconds = outer + elapsed

    def add(self, stage: str, seconds: float) -> None:
        """Note one call of `stage` that was timed elsewhere."""
        self._calls[stage].append(seconds)

    def mark_overlapping(self, *stages: str) -> None:
        """Say that these stages run in threads of their own."""
        self._overlapping.update(stages)

    @property
    def wall_s(self) -> float:
        """Seconds since the clocks were made."""
        return perf_counter() - self._started

    def summary(self) -> list[StageTime]:
        """One row for each stage that ran."""
        wall = self.wall_s
        return [
            _stage_time(stage, np.array(calls, np.float64), wall, stage in self._overlapping)
            for stage, calls in self._calls.items()
            if calls
        ]


def _stage_time(
    stage: str, seconds: NDArray[np.float64], wall_s: float, overlaps: bool
) -> StageTime:
    total = float(seconds.sum())
    return StageTime(
        stage=stage,
        calls=len(seconds),
        mean_ms=1e3 * total / len(seconds),
        median_ms=1e3 * float(np.median(seconds)),
        p95_ms=1e3 * float(np.percentile(seconds, 95)),
        total_s=total,
        share=total / wall_s,
        overlaps=overlaps,
    )
