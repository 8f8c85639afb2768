"""Decoding that is slower than a live stream: which packets are left out until it has caught up."""

from __future__ import annotations

from fractions import Fraction

LATE_S = 0.5
"""So far behind, packets are left out: more than a busy computer's hiccups, which pass."""
_LONGEST_S = 10.0
"""Without a picture that can be decoded alone; streams that refresh bit by bit have none."""
_STEP_S = 0.04
"""Between two packets without time stamps, where the rate is unknown too."""


class Backlog:
    """How far the work on packets is behind a stream that does not wait.

    Work that takes longer than its part of the stream adds up, shorter work takes it off again
    (Lindley's recursion for the waiting time in a queue). Packets that come in bursts are thus no
    backlog as long as they are worked on faster than they play.

    Args:
        rate: Packets per second, for those without time stamps; None: unknown.
    """

    def __init__(self, rate: Fraction | None) -> None:
        self._step_s = _STEP_S if rate is None else float(1 / rate)
        self._last_s: float | None = None
        self._late_s = 0.0
        self._left_out_s: float | None = None
        """Length of what is being left out; None: nothing is."""

    def takes(self, time_s: float | None, *, keyframe: bool) -> bool:
        """Whether to decode the next packet.

        Args:
            time_s: Its time stamp.
            keyframe: It can be decoded without those before it.
        """
        step_s = self._step_s
        if time_s is not None:
            step_s = 0.0 if self._last_s is None else max(0.0, time_s - self._last_s)
            self._last_s = time_s
        self._late_s = max(0.0, self._late_s - step_s)
        if self._left_out_s is None:
            if self._late_s <= LATE_S:
                return True
            self._left_out_s = 0.0
        self._left_out_s += step_s
        caught_up = not self._late_s and (keyframe or self._left_out_s > _LONGEST_S)
        if caught_up:
            self._left_out_s = None
        return caught_up

    def worked(self, seconds: float) -> None:
        """A packet that was taken has cost so much time."""
        self._late_s += seconds
