"""Scores of tracks as TrackEval computes them.

CLEAR: Bernardin and Stiefelhagen, 2008; identity: Ristani et al., 2016.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.assignment import best_pairs
from hpe_volleyball.evaluation.people import People, Rows
from hpe_volleyball.records import Bools
from hpe_volleyball.similarity import box_iou, share_inside

Indices = NDArray[np.intp]
Overlaps = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)
_KEEP = 1000.0  # more than any sum of overlaps in a frame: pairs of the last frame come first
_INSIDE_IGNORED = 0.5
"""A box that fits nobody and lies in an ignored person by this share is not punished: what can be
seen of somebody half hidden is a part of the box. COCO treats its crowds so (pycocotools)."""


@dataclass(frozen=True, slots=True)
class TrackScores:
    """Agreement of tracks; shares are NaN where there is nothing to take a share of."""

    idf1: float
    """Share of boxes with the right id under the best one-to-one map of ids (IDF1)."""
    idp: float
    """Of the result's boxes, those with the right id."""
    idr: float
    """Of the reference's boxes, those found with the right id."""
    mota: float
    """1 - (misses + false boxes + switches) / reference boxes; can be negative."""
    recall: float
    precision: float
    box_iou: float
    """Mean overlap of matched boxes."""
    switches: int
    """Times a person was matched to another id than when last matched."""
    fragmentations: int
    """Times a person was matched again after an interruption."""
    misses: int
    false_boxes: int
    reference_ids: int
    result_ids: int
    pairs: Rows = field(repr=False, compare=False)
    """int64 [M, 2], matched rows: of the reference, of the result."""


def track_agreement(
    reference: People, result: People, *, iou: float = 0.5, frames: Rows | None = None
) -> TrackScores:
    """Score the boxes and ids of a result.

    Matching in a frame keeps the pairs of the frame before as long as they overlap enough, then
    seeks the largest sum of overlaps. As in TrackEval, a frame in which one side has nobody does
    not interrupt. Ignored people are matched along with the others, so that whoever hides behind
    somebody does not take over that person's box and id for a frame; MOTChallenge matches its
    distractors anew in every frame. A result's box that is matched to an ignored person is left
    out, as is one that fits nobody and lies mostly in one, as COCO does with its crowds.

    Args:
        reference: What is taken as right.
        result: What is scored.
        iou: Least overlap of a match, above 0.
        frames: int64 [F], the frames that both sides looked at; without it, every frame in
            which either has somebody.
    """
    known, people = np.unique(reference.ids, return_inverse=True)
    found, tracks = np.unique(result.ids, return_inverse=True)
    tally = _Tally(len(known), len(found), iou)
    pairs: list[Rows] = [np.zeros((0, 2), np.int64)]
    ignored = np.zeros(len(people), np.bool_)
    if reference.ignored is not None:
        ignored = reference.ignored
    for left, right in _by_frame(reference, result, frames):
        overlap = box_iou(reference.boxes[left], result.boxes[right])
        inside = share_inside(result.boxes[right], reference.boxes[left][ignored[left]])
        i, j = tally.add(people[left], tracks[right], overlap, ignored[left], inside)
        pairs.append(np.stack((left[i], right[j]), axis=1))
    return tally.scores(np.concatenate(pairs))


class _Tally:
    """Counts frame by frame what the scores are made of; ids are numbered from 0."""

    def __init__(self, people: int, tracks: int, iou: float) -> None:
        self._iou = iou
        self._people_boxes = np.zeros(people, np.int64)
        self._track_boxes = np.zeros(tracks, np.int64)
        self._together = np.zeros((people, tracks), np.int32)
        self._overlap_sum = 0.0
        self._switches = 0
        # Per person: its track in the frame before, the same while the person counted, and when
        # last matched (-1: none); and how often a stretch of matches began.
        self._kept = np.full(people, -1)
        self._previous = np.full(people, -1)
        self._last = np.full(people, -1)
        self._starts = np.zeros(people, np.int64)

    def add(
        self, people: Indices, tracks: Indices, overlap: Overlaps, ignored: Bools, inside: Overlaps
    ) -> tuple[Indices, Indices]:
        """Take in one frame.

        Args:
            people: int [n], who is there.
            tracks: int [m], whom the result has.
            overlap: float64 [n, m].
            ignored: bool [n].
            inside: float64 [m, k], how much of each box lies in each of the ignored people.

        Returns:
            Who was matched, of those who count, as positions in `people` and `tracks`.
        """
        i, j = _assign(overlap, self._iou, self._kept[people][:, None] == tracks)
        if overlap.size:
            self._kept[:] = -1
            self._kept[people[i]] = tracks[j]
        asked: Bools = np.asarray((inside < _INSIDE_IGNORED).all(axis=1))
        asked[j] = ~ignored[i]
        i, j = i[asked[j]], j[asked[j]]
        self._count(people[~ignored], tracks[asked], overlap[~ignored][:, asked])
        if asked.any() and not ignored.all():
            self._match(people[i], tracks[j], overlap[i, j])
        return i, j

    def _count(self, people: Indices, tracks: Indices, overlap: Overlaps) -> None:
        """Those who are there, and which of them overlap."""
        self._people_boxes[people] += 1
        self._track_boxes[tracks] += 1
        i, j = np.nonzero(overlap >= self._iou)
        self._together[people[i], tracks[j]] += 1

    def _match(self, people: Indices, tracks: Indices, overlap: NDArray[np.float64]) -> None:
        """The pairs of a frame, and their overlaps."""
        self._overlap_sum += float(overlap.sum())
        last = self._last[people]
        self._switches += int(((last >= 0) & (last != tracks)).sum())
        self._starts[people] += self._previous[people] < 0
        self._previous[:] = -1
        self._previous[people] = self._last[people] = tracks

    def scores(self, pairs: Rows) -> TrackScores:
        """The scores of all frames; `pairs` is handed on."""
        named = int(self._together[best_pairs(self._together)].sum())
        wanted, given = int(self._people_boxes.sum()), int(self._track_boxes.sum())
        matched = len(pairs)
        return TrackScores(
            idf1=_share(2 * named, wanted + given),
            idp=_share(named, given),
            idr=_share(named, wanted),
            mota=_share(2 * matched - given - self._switches, wanted),
            recall=_share(matched, wanted),
            precision=_share(matched, given),
            box_iou=_share(self._overlap_sum, matched),
            switches=self._switches,
            fragmentations=int(np.maximum(self._starts - 1, 0).sum()),
            misses=wanted - matched,
            false_boxes=given - matched,
            reference_ids=int((self._people_boxes > 0).sum()),
            result_ids=int((self._track_boxes > 0).sum()),
            pairs=pairs,
        )


def _share(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")


def _by_frame(
    reference: People, result: People, frames: Rows | None
) -> Iterator[tuple[Rows, Rows]]:
    """Per frame the rows of the reference and of the result."""
    numbers = np.union1d(reference.frame, result.frame)
    if frames is not None:
        numbers = np.intersect1d(numbers, frames)
    bounds = [
        np.searchsorted(side.frame, numbers, where).tolist()
        for side in (reference, result)
        for where in ("left", "right")
    ]
    for a, b, c, d in zip(*bounds, strict=True):
        yield np.arange(a, b), np.arange(c, d)


def _assign(overlap: Overlaps, least: float, keep: Bools) -> tuple[Indices, Indices]:
    """Rows and columns of the best pairs that overlap by `least`, those in `keep` first."""
    allowed = overlap >= least - _EPSILON
    i, j = best_pairs(np.where(allowed, overlap + _KEEP * keep, 0.0))
    valid = allowed[i, j]
    return i[valid], j[valid]
