"""Does a keyframe leave a doubt that one more look of the detector could settle?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpe_volleyball.records import Frame
from hpe_volleyball.tracking.association import Match
from hpe_volleyball.tracking.carrying import Array, Place
from hpe_volleyball.tracking.reasons import AGAIN, BACK, UNLIKE
from hpe_volleyball.tracking.tracks import Track


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as doubt, in log-odds of `hpe_volleyball.tracking.odds`."""

    clear: float
    """For who was out of sight: by how much the answer must be better than with two exchanged."""
    again: float
    """The same for who was out of sight on the way and seen again before the keyframe."""
    likely: float
    """For who was seen all the way: how likely the detection itself must be."""


WITH_LOOKAHEAD = Limits(clear=2.5, again=6.0, likely=1.0)
"""Measured on synthetic rallies at N = 8 with an extra detection in every window: one pair in five
becomes another one below `clear`, one in six below `again` and `likely`; a little above them one in
10 to 25. On 270 rallies ids switch 679 times at N = 8 with these limits, and 710
times with 3 for `clear`, 0 for `likely` and nobody seen again, for as many detections."""
AT_ONCE = Limits(clear=12.0, again=-np.inf, likely=-np.inf)
"""The same where the frames before are settled already. The next look is only one frame away then,
where a pair that went wrong may still be put right, also without an unlikely one: on 90 rallies at
N = 4, 276 switches with a limit of 3, 266 with 6, 245 with 12, 256 with `likely` 0 besides."""
_BORDER_SHARE = 0.02
"""People this near to the border, as part of the picture's longer side, come and go."""


def doubt_about(
    tracks: Sequence[Track],
    path: Sequence[Sequence[Place]],
    frame: Frame,
    match: Match,
    limits: Limits,
) -> str | None:
    """Did somebody come back where another may be meant as well, or become unlike themselves?

    Of somebody who was out of sight there is a box at the keyframe, but no pose on the way that led
    there, so that it may be the neighbour's; so may be the pose with which somebody was seen again.
    Who has an unlikely detection may have been given a neighbour's too, for want of their own.
    Nearer to where they were found last that is easier to tell.

    Args:
        tracks: Everybody.
        path: Where each was carried, frame by frame; the last is the keyframe.
        frame: The keyframe.
        match: Who was found there.
        limits: How clear and how likely that must be.

    Returns:
        `BACK`, `AGAIN`, `UNLIKE` or None.
    """
    places = path[-1]
    inside = [i for i in match.pairs if tracks[i].id > 0 and _off_border(places[i].box, frame)]
    back = [i for i in inside if places[i].blind_s > 0]
    if any(_margin(match, i) < limits.clear for i in back):
        return BACK
    seen = [i for i in inside if not places[i].blind_s > 0]
    again = [i for i in seen if any(everybody[i].blind_s > 0 for everybody in path)]
    if any(_margin(match, i) < limits.again for i in again):
        return AGAIN
    if any(match.odds[i, match.pairs[i]] < limits.likely for i in seen):
        return UNLIKE
    return None


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
