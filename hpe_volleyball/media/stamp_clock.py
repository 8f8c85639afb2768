"""Time stamps of files whose own ones fall back, jump or are missing."""

from __future__ import annotations

from hpe_volleyball.media.video import VideoInfo

_JUMP_BACK_S, _LATE_S = 0.2, 1.0
"""Stamps that fall back further than this start anew (joined files, counters that wrap); by less,
by a few pictures, stamps of badly made files are out of order. The second is for pictures that come
behind damage, from before it."""
_JUMP_AHEAD_S = 10.0
"""Steps longer than this start anew too, where the format allows for it: FFmpeg's program has the
same limit (-dts_delta_threshold). Stamps that fall back by more than a minute come as such a step:
FFmpeg takes it for a counter that wraps, after 26.5 hours in MPEG-TS."""


class StampClock:
    """Makes time stamps strictly ascending, and those of joined files go on.

    Args:
        info: The video.
    """

    def __init__(self, info: VideoInfo) -> None:
        self._start = info.start_pts
        self._step = max(1, round(info.frame_ticks))
        self._jump_back, self._late, self._jump_ahead = (
            int(s / info.time_base) for s in (_JUMP_BACK_S, _LATE_S, _JUMP_AHEAD_S)
        )
        self._may_jump = info.may_jump
        self._last: int | None = None
        self.offset = 0
        """What the stamps of the file are moved by since the last jump."""

    def stamp(self, pts: int | None, *, damaged: bool = False) -> int | None:
        """The stamp of the next picture; None when damage made it come too late to be shown."""
        last = self._last
        if last is None:
            self._last = self._start if pts is None else pts
            return self._last
        if pts is None:
            pts = last + self._step
        else:
            step = pts + self.offset - last
            if step < -(self._late if damaged else self._jump_back) or (
                self._may_jump and step > self._jump_ahead
            ):
                self.offset = last + self._step - pts
            pts += self.offset
            if damaged and pts < last:
                return None
        self._last = max(pts, last + 1)
        return self._last
