"""Finds the parts of a model that lose most in low precision, so that they can stay in float32."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_STEPS: Final = (1, 2, 3, 4, 6, 8, 10, 12)
"""How many of the worst groups to keep, one after the other."""

_GROUPS: Final = 12

_RESERVE: Final = 1.5
"""Trials take longer when the machine has other work."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a candidate did."""

    agreement: float
    """1: like the source."""
    good: bool
    """Enough to stop."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    kept: frozenset[str]
    """Names of the nodes that stay in float32."""
    agreement: float
    good: bool
    trials: int
    seconds: float
    out_of_time: bool


class Budget:
    """Time for a search; a trial that would probably not end in time is not begun.

    Args:
        seconds: From now on.
        clock: For tests.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin = clock()
        self._end = self._begin + seconds
        self._longest = 0.0
        self.trials = 0

    @property
    def used(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._begin

    def allows_another(self) -> bool:
        """Whether there is time for a trial somewhat longer than the longest until now."""
        return self._clock() + _RESERVE * self._longest <= self._end

    def run(self, trial: Callable[[frozenset[str]], Trial], kept: frozenset[str]) -> Trial:
        """Run a trial and see how long it takes."""
        begin = self._clock()
        result = trial(kept)
        self._longest = max(self._longest, self._clock() - begin)
        self.trials += 1
        return result


def grouped(names: Sequence[str], count: int = _GROUPS) -> list[frozenset[str]]:
    """Neighbouring nodes together, in at most `count` groups of about the same size."""
    count = min(count, len(names))
    edges = [round(i * len(names) / count) for i in range(count + 1)] if count else [0]
    return [frozenset(names[a:b]) for a, b in pairwise(edges)]


def keep_worst(
    names: Sequence[str],
    always: Iterable[str],
    trial: Callable[[frozenset[str]], Trial],
    budget: Budget,
) -> Found:
    """Keep as few groups of nodes in float32 as it takes to be good, as far as time allows.

    First every group is tried alone in low precision, which ranks them by damage; then the worst
    are kept, more and more. What was best is returned if nothing is good.

    Args:
        names: Nodes that can have low precision, in order.
        always: Nodes that stay in float32 in any case.
        trial: Converts and measures with these nodes kept.
        budget: Of time.
    """
    fixed = frozenset(always)
    candidates = [name for name in names if name not in fixed]
    first = budget.run(trial, fixed)
    best_kept, best = fixed, first
    ranked: list[tuple[float, int, frozenset[str]]] = []
    late = False
    if not first.good:
        everything = frozenset(candidates)
        for number, group in enumerate(grouped(candidates)):
            if not budget.allows_another():
                late = True
                break
            alone = budget.run(trial, fixed | (everything - group))
            ranked.append((alone.agreement, number, group))
        ranked.sort(key=lambda entry: entry[:2])
        for count in _STEPS:
            if best.good or count >= len(ranked):  # all of them would be the source again
                break
            if not budget.allows_another():
                late = True
                break
            kept = fixed.union(*(group for _, _, group in ranked[:count]))
            now = budget.run(trial, kept)
            if (now.good, now.agreement) > (best.good, best.agreement):
                best_kept, best = kept, now
    return Found(best_kept, best.agreement, best.good, budget.trials, budget.used, late)
