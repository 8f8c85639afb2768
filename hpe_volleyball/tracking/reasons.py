"""Why the detector runs, in words for the summary."""

from __future__ import annotations

KEYFRAME = "keyframe"
"""The interval has passed."""
BACK, AGAIN, UNLIKE = "somebody back", "somebody seen again", "somebody unlike before"
"""A keyframe left a doubt (`hpe_volleyball.tracking.doubt`), and this is what it is about."""
