"""Does a keyframe leave a doubt that one more look of the detector could settle?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpe_volleyball.records import Frame
from hpe_volleyball.tracking.association import Match
from hpe_volleyball.tracking.candidates import Candidates
from hpe_volleyball.tracking.carrying import Array, Place
from hpe_volleyball.tracking.tracks import Track

LOST, NEW = "somebody lost", "somebody new"
"""What is in doubt; why the detector runs once more."""

_DOUBT_IOU = 0.35
"""A lost person is in doubt where a detection overlaps by this: it may be theirs."""
_BORDER_SHARE = 0.02
"""People this near to the border, as part of the picture's longer side, come and go."""


def find_doubt(
    tracks: Sequence[Track],
    places: Sequence[Place],
    frame: Frame,
    found: Candidates,
    match: Match,
    *,
    new: Sequence[int],
) -> str | None:
    """Did others hide somebody just now, or did somebody turn up away from the border?

    Args:
        tracks: Everybody.
        places: Where each was carried to.
        frame: The keyframe.
        found: What was detected there.
        match: Who was found.
        new: Detections of people who have no track.

    Returns:
        `LOST`, `NEW` or None.
    """
    for i, (track, place) in enumerate(zip(tracks, places, strict=True)):
        unseen = i not in match.pairs or place.blind_s > 0
        just_lost = track.id and not track.missed and unseen
        among_others = (match.overlap[i] > _DOUBT_IOU).any()
        if just_lost and among_others and _off_border(place.box, frame):
            return LOST
    if any(_off_border(found.boxes[j], frame) for j in new):
        return NEW
    return None


def _off_border(box: Array, frame: Frame) -> bool:
    """The whole box is away from the border of the picture."""
    width, height = frame.size
    margin = _BORDER_SHARE * max(width, height)
    limits = np.array([width - margin, height - margin])
    return bool((box[:2] > margin).all() and (box[2:] < limits).all())
