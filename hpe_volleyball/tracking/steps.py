"""The time between frames, from their time stamps."""

from __future__ import annotations

import numpy as np

from hpe_volleyball.records import Frame

_SHORTEST = 0.1
"""At least this part of the time between two frames of the source, where time stamps crowd."""
_LONGEST_S = 1.0
"""Over longer gaps nobody's velocity tells anything."""


class Steps:
    """Remembers how long before each of the last frames the one before it was.

    Args:
        rate: Frames per second of the source, for the first frame.
    """

    def __init__(self, rate: float) -> None:
        self._usual_s = 1 / rate
        self._before_s: dict[int, float] = {}
        self._last_s: float | None = None

    def add(self, frame: Frame) -> None:
        """The next frame; a frame that is known already changes nothing."""
        if frame.index in self._before_s:
            return
        step_s = self._usual_s if self._last_s is None else frame.time_s - self._last_s
        held = np.clip(step_s, _SHORTEST * self._usual_s, _LONGEST_S)
        self._before_s[frame.index] = float(held)
        self._last_s = frame.time_s

    def before(self, frame: Frame) -> float:
        """Seconds from the frame before to this one, within limits."""
        return self._before_s[frame.index]

    def forget_before(self, frame: Frame) -> None:
        """Keep this frame and those behind it."""
        self._before_s = {k: s for k, s in self._before_s.items() if k >= frame.index}
