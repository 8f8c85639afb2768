"""Times of a video as people read them."""

from __future__ import annotations


def clock(time_s: float) -> str:
    """Seconds as h:mm:ss.mmm."""
    seconds, milliseconds = divmod(round(time_s * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}.{milliseconds:03}"
