"""Which detection is whom: detections of a keyframe against the people carried to it.

ByteTrack's order (arXiv 2110.06864: strong detections first, weak ones for those left over), but
what is maximised is the likelihood that all pairs are right (`hpe_volleyball.tracking.odds`), and
people out of sight may turn up at some distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.assignment import best_pairs
from hpe_volleyball.similarity import box_iou, pose_similarity, share_inside
from hpe_volleyball.tracking.candidates import STRONG_SCORE, Candidates
from hpe_volleyball.tracking.carrying import Array, Carried, Place
from hpe_volleyball.tracking.odds import Coefficients, column, likeness, log_odds, measure, sides

_LEAST_STRONG, _LEAST_WEAK = -3.0, 1.0
"""Least log-odds of strong detections, which are somebody, and mostly somebody known; and of weak
ones, most of which are nobody."""
_LEAST_ALIKE = 0.4
"""Least likeness of strong detections for people seen just now whom nothing else was found for."""
_DOUBLE_IOU, _DOUBLE_POSE = 0.35, 0.85
"""Two boxes that overlap by this and show one pose are one person, detected twice. With poses alike
by 0.7, two players side by side in one posture were taken for one."""
_DOUBLE_BOX_IOU = 0.5
"""The same of boxes without poses."""
_CLAIM = 1.5
"""Log-odds from which somebody known has a claim on a detection, whomever it repeats: poses of
people who hide each other take joints of one another, and are alike then."""
_LEAST_RIVAL = -8.0
"""Log-odds from which somebody else may be what it repeats, and the two show two people."""
_COVERED_IOU = 0.7
"""A detection that overlaps that of somebody found by more than this shows them again."""
_INSIDE = 0.9
"""A weak detection with this part of its box in that of somebody found is a part of that person."""
_WEAK_IOU = 0.8
"""A weak detection that overlaps a person who is seen by less than this is no better box."""
_SMALLER, _PART_POSE = 0.75, 0.65
"""So is a strong one if it covers less of the other box than this, and poses are alike by this."""
_RELINK, _RELINK_PER_S, _RELINK_MOST = 0.6, 2.0, 1.5
"""How far from the last place a lost person can turn up, in body lengths: at once, for each
second, at most."""
_FAINT_SCORE = 0.5
"""Mean score of a body's joints below which they may be something in the background and hold nobody
back: what was seen where somebody had jumped off a roof scored 0.4. The log-odds still count poses
down to a lower score, without which ids got worse."""
_RELINK_SIZE = 0.4
"""Of a lost person's heights before and now the smaller is more than this part of the larger."""


@dataclass(frozen=True, slots=True)
class Match:
    """Who is which detection."""

    pairs: dict[int, int]
    """Detection of each person that was found again."""
    repeated: NDArray[np.bool_]
    """bool [m]: detections that show somebody a second time."""
    overlap: Array
    """float64 [n, m], IoU of people and detections."""
    odds: Array
    """float64 [n, m], their log-odds, minus infinity where they cannot be one person."""

    def unmatched_detections(self, found: Candidates, start_score: float) -> list[int]:
        """Detections, at least this sure, of people who are not tracked."""
        free = (found.scores >= start_score) & ~self.repeated
        free[list(self.pairs.values())] = False
        return np.flatnonzero(free).tolist()

    def better_boxes(self, places: Sequence[Place], found: Candidates) -> dict[int, int]:
        """Of the pairs those whose detection is a better box than the carried one."""
        return {
            i: j
            for i, j in self.pairs.items()
            if found.scores[j] >= STRONG_SCORE
            or not places[i].seen
            or self.overlap[i, j] >= _WEAK_IOU
        }


def associate(
    people: list[Carried],
    found: Candidates,
    start_score: float,
    early: Array | None = None,
    coefficients: Coefficients | None = None,
) -> Match:
    """Match people and detections, each at most once.

    The best pairs of each pass are kept, those of the ones before it are taken::

        people                      detections                     by
        1. confirmed                strong                         log-odds
        2. seen just now            strong                         likeness, where log-odds forbid
        3. seen just now            weak, no part of who is found  log-odds
        4. not yet confirmed        strong                         log-odds
        5. confirmed, out of sight  sure enough to begin a track   distance from the last place

    Detections that show somebody a second time are in none.

    Args:
        people: Everybody who is tracked.
        found: The detections.
        start_score: Detection score from which somebody lost may turn up far from the last place.
        early: float64 [n, m], how well they fitted at an earlier moment, NaN where not known.
        coefficients: Of the log-odds, in place of those of the package.
    """
    measured = measure(people, found, early)
    odds = log_odds(measured, coefficients)
    inside = share_inside(found.boxes, found.boxes)
    strong = found.scores >= STRONG_SCORE
    confirmed = np.array([p.confirmed for p in people], np.bool_)
    near_by = confirmed & np.array([not p.place.lost for p in people], np.bool_)
    doubles = _doubles(found, inside)
    repeated: NDArray[np.bool_] = np.any(doubles & ~_apart(odds, near_by), axis=1)
    strong, weak = strong & ~repeated, ~strong & ~repeated
    pairs: dict[int, int] = {}
    _assign(odds, _LEAST_STRONG, confirmed, strong, pairs)
    # Half a box is somebody else's more often than not, but not where its own person is missing.
    _assign(likeness(measured), _LEAST_ALIKE, near_by, strong, pairs)
    _assign(odds, _LEAST_WEAK, near_by, weak & ~_parts(inside, pairs), pairs)
    _assign(odds, _LEAST_STRONG, ~confirmed, strong, pairs)
    repeated = _repeated(repeated, doubles, found, pairs)
    away, sure = _away(people, pairs), (found.scores >= start_score) & ~repeated
    _assign(_nearness(people, found, away), 0.0, away, sure, pairs)
    return Match(pairs, repeated, column(measured, "iou"), odds)


def _assign(
    worth: Array,
    least: float,
    people: NDArray[np.bool_],
    detections: NDArray[np.bool_],
    pairs: dict[int, int],
) -> None:
    """Add the best pairs among those not yet in `pairs`."""
    rows = [i for i in np.flatnonzero(people).tolist() if i not in pairs]
    taken = set(pairs.values())
    columns = [j for j in np.flatnonzero(detections).tolist() if j not in taken]
    if not rows or not columns:
        return
    part = worth[np.ix_(rows, columns)]
    allowed = part > least
    gain = np.where(allowed, part - least, 0.0)
    for i, j in zip(*best_pairs(gain), strict=True):
        if allowed[i, j]:
            pairs[rows[i]] = columns[j]


def _apart(odds: Array, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which detections show two people, bool [m, m]: one fits the first, another the second."""
    apart = np.zeros((odds.shape[1],) * 2, np.bool_)
    odds = np.where(known[:, None], odds, -np.inf)
    for i, j in enumerate(odds.argmax(axis=1).tolist() if odds.size else []):
        if odds[i, j] > _CLAIM and odds[:, j].argmax() == i:
            apart[j] = (np.delete(odds, i, axis=0) > _LEAST_RIVAL).any(axis=0)
    return apart


def _parts(inside: Array, pairs: dict[int, int]) -> NDArray[np.bool_]:
    """Which detections lie in those of people who were found, bool [m]."""
    return np.asarray((inside[:, list(pairs.values())] > _INSIDE).any(axis=1))


def _repeated(
    before: NDArray[np.bool_],
    doubles: NDArray[np.bool_],
    found: Candidates,
    pairs: dict[int, int],
) -> NDArray[np.bool_]:
    """Which detections show somebody a second time, bool [m], now that it is known who was found.

    Args:
        before: bool [m], those of which it is known already.
        doubles: bool [m, m], of `_doubles`.
        found: The detections.
        pairs: Who was found in which.
    """
    taken = list(pairs.values())
    if not taken:
        return before
    covering = (box_iou(found.boxes, found.boxes[taken]) > _COVERED_IOU).any(axis=1)
    after = before | covering | doubles[taken].any(axis=0) | doubles[:, taken].any(axis=1)
    after[taken] = False
    return np.asarray(after)


def _away(people: list[Carried], pairs: dict[int, int]) -> NDArray[np.bool_]:
    """Who was not found and may turn up at some distance, bool [n]: who was out of sight.

    A pose in sight says where its owner is, unless it is faint.
    """
    away = [
        i not in pairs
        and person.confirmed
        and (person.place.blind_s > 0 or person.place.body_score < _FAINT_SCORE)
        for i, person in enumerate(people)
    ]
    return np.array(away, np.bool_)


def _doubles(found: Candidates, inside: Array) -> NDArray[np.bool_]:
    """Which detections have the pose of which better ones that they overlap, bool [m, m]."""
    poses = found.keypoints, found.keypoint_scores
    area = np.prod(found.boxes[:, 2:] - found.boxes[:, :2], axis=1)
    alike = pose_similarity(poses, poses, area)
    overlap = box_iou(found.boxes, found.boxes)
    # Without a pose, only boxes that are almost the same are taken for one person.
    same = np.where(
        np.isnan(alike),
        overlap > _DOUBLE_BOX_IOU,
        (overlap > _DOUBLE_IOU) & (alike > _DOUBLE_POSE),
    )
    part = (np.maximum(inside, inside.T) > _INSIDE) & (np.minimum(inside, inside.T) < _SMALLER)
    same |= part & (alike > _PART_POSE)
    # Candidates are in order of score: the ones before are the better ones.
    return np.tril(same, -1)


def _nearness(people: list[Carried], found: Candidates, away: NDArray[np.bool_]) -> Array:
    """float64 [n, m]: how far within reach of those away each detection is; 0 is out of reach."""
    near = np.zeros((len(people), len(found.boxes)))
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    _, heights = sides(found.boxes)
    for i in np.flatnonzero(away).tolist():
        person = people[i]
        places = np.stack([person.place.box, person.last.box])
        height = sides(places)[1][0]
        way = np.linalg.norm(centres[:, None] - (places[:, :2] + places[:, 2:]) / 2, axis=2)
        share = way.min(axis=1) / np.maximum(height, heights)
        reach = min(_RELINK_MOST, _RELINK + _RELINK_PER_S * person.undetected_s)
        fits = np.abs(np.log(heights / height)) < -np.log(_RELINK_SIZE)
        near[i] = np.where(fits, np.maximum(0, reach - share), 0)
    return near
