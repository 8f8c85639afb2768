"""Does a keyframe leave a doubt that one more look of the detector could settle?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpe_volleyball.records import Frame
from hpe_volleyball.tracking.association import Match
from hpe_volleyball.tracking.carrying import Array, Place
from hpe_volleyball.tracking.tracks import Track

BACK = "somebody back"
"""What is in doubt; why the detector runs once more."""

_RIVAL_IOU = 0.3
"""Somebody else who overlaps the detection by this could be the one it shows. From 0.1 on, more
keyframes by a quarter are in doubt, and ids are exchanged as often."""
_BORDER_SHARE = 0.02
"""People this near to the border, as part of the picture's longer side, come and go."""


def in_doubt(tracks: Sequence[Track], places: Sequence[Place], frame: Frame, match: Match) -> bool:
    """Did somebody who was out of sight come back among others?

    Of such a person there is a box at the keyframe, but no pose on the way that led there, so that
    it may be the neighbour's. Nearer to where the person was seen last that is easier to tell.

    Args:
        tracks: Everybody.
        places: Where each was carried to.
        frame: The keyframe.
        match: Who was found there.
    """
    for i, j in match.pairs.items():
        place = places[i]
        back = tracks[i].id > 0 and place.blind_s > 0
        if back and _off_border(place.box, frame):
            rivals = np.delete(match.overlap[:, j], i) > _RIVAL_IOU
            if rivals.any():
                return True
    return False


def _off_border(box: Array, frame: Frame) -> bool:
    """The whole box is away from the border of the picture."""
    width, height = frame.size
    margin = _BORDER_SHARE * max(width, height)
    limits = np.array([width - margin, height - margin])
    return bool((box[:2] > margin).all() and (box[2:] < limits).all())
