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

CLEAR = 3.0
"""Log-odds by which who is who must be better than with two people exchanged. Measured on synthetic
rallies with an extra detection in every window of four frames: below it, one pair in three to seven
becomes another one, between 5 and 8 one in 40, above 15 one in 200."""
CLEAR_AT_ONCE = 12.0
"""The same where the frames before are settled already. The next look is only one frame away then,
where a pair that went wrong may still be put right: on 90 rallies at N = 4, 276 switches with a
limit of 3, 266 with 6, 245 with 12."""
_BORDER_SHARE = 0.02
"""People this near to the border, as part of the picture's longer side, come and go."""


def in_doubt(
    tracks: Sequence[Track],
    places: Sequence[Place],
    frame: Frame,
    match: Match,
    clear: float = CLEAR,
) -> bool:
    """Did somebody who was out of sight come back where another may be meant as well?

    Of such a person there is a box at the keyframe, but no pose on the way that led there, so that
    it may be the neighbour's. Nearer to where the person was seen last that is easier to tell.

    Args:
        tracks: Everybody.
        places: Where each was carried to.
        frame: The keyframe.
        match: Who was found there.
        clear: Log-odds by which that must be better than another answer.
    """
    return any(
        tracks[i].id > 0
        and places[i].blind_s > 0
        and _off_border(places[i].box, frame)
        and _margin(match, i) < clear
        for i in match.pairs
    )


def _margin(match: Match, i: int) -> float:
    """By how much the log-odds of all pairs exceed those with person `i` exchanged.

    Somebody else gets the detection of `i`, who gets theirs, if they have one; or `i` gets one that
    nobody has. Infinite if nothing of it can be.
    """
    odds, j = match.odds, match.pairs[i]
    free = ~match.repeated
    free[list(match.pairs.values())] = False
    margins = [odds[i, j] - other for other in odds[i, free] if other > -np.inf]
    for k in np.flatnonzero(odds[:, j] > -np.inf).tolist():
        theirs = match.pairs.get(k)
        if theirs is None:
            margins.append(odds[i, j] - odds[k, j])
        elif k != i and odds[i, theirs] > -np.inf:
            margins.append(odds[i, j] + odds[k, theirs] - odds[k, j] - odds[i, theirs])
    return float(min(margins, default=np.inf))


def _off_border(box: Array, frame: Frame) -> bool:
    """The whole box is away from the border of the picture."""
    width, height = frame.size
    margin = _BORDER_SHARE * max(width, height)
    limits = np.array([width - margin, height - margin])
    return bool((box[:2] > margin).all() and (box[2:] < limits).all())
