"""Time stamps of live pictures: those of the stream, made to go on through gaps and jumps."""

from __future__ import annotations

from fractions import Fraction

TICKS = 90_000
"""Units per second of the time stamps: that of RTP and MPEG-TS."""
_JUMP_AHEAD_S = 10.0
_JUMP_BACK_S = 1.0


class LiveClock:
    """Time stamps of a run, strictly ascending from 0, out of those of its connections."""

    def __init__(self) -> None:
        self._offset: int | None = None
        """From the connection's stamps to the run's; None: to be set by the clock."""
        self._last: int | None = None
        self._last_now = 0.0

    def restart(self) -> None:
        """A new connection begins, whose stamps have nothing to do with those before."""
        self._offset = None

    def stamp(self, ticks: int | None, now: float) -> int:
        """The run's time of a picture that arrived at `now` (s, monotonic) with these ticks."""
        if self._last is None:
            self._last, self._last_now = 0, now
            self._offset = None if ticks is None else -ticks
            return 0
        by_clock = self._last + max(1, round((now - self._last_now) * TICKS))
        if ticks is None:
            stamped = by_clock
        elif self._offset is None:
            stamped = by_clock
            self._offset = stamped - ticks
        else:
            stamped = ticks + self._offset
            earliest = self._last - _JUMP_BACK_S * TICKS
            latest = by_clock + _JUMP_AHEAD_S * TICKS
            if not earliest <= stamped <= latest:
                stamped = by_clock
                self._offset = stamped - ticks
        self._last, self._last_now = max(stamped, self._last + 1), now
        return self._last


def measured_rate(ticks: list[int | None]) -> Fraction:
    """Rate of the first pictures of a stream; 25 where they have no time stamps."""
    known = [at for at in ticks if at is not None]
    if len(known) < 2 or known[-1] <= known[0]:
        return Fraction(25)
    return Fraction((len(known) - 1) * TICKS, known[-1] - known[0]).limit_denominator(1001)
