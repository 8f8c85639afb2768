"""Agreement of tracked people with a reference: truth, or another run.

Tracks are scored as TrackEval scores them (CLEAR: Bernardin and Stiefelhagen, 2008; identity:
Ristani et al., 2016), poses with COCO's object keypoint similarity and with PCK.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.assignment import best_pairs
from hpe_volleyball.errors import ResultError
from hpe_volleyball.records import Bools, Floats, Ints
from hpe_volleyball.skeleton import COCO_SIGMAS
from hpe_volleyball.tracking.similarity import box_iou, oks, share_inside

Rows = NDArray[np.int64]
Indices = NDArray[np.intp]
Overlaps = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)
_KEEP = 1000.0  # more than any sum of overlaps in a frame: pairs of the last frame come first
_PCK_SHARE = 0.1
NOTHING = "-"
"""In a table: there was nothing to compare."""
_INSIDE_IGNORED = 0.5
"""A box that fits nobody and lies in an ignored person by this share is not punished: what can be
seen of somebody half hidden is a part of the box. COCO treats its crowds so (pycocotools)."""


@dataclass(frozen=True, slots=True)
class People:
    """The people of one run, one row per person and frame, frames ascending.

    Raises:
        ValueError: An array has another shape than stated.
        ResultError: Frames do not ascend, or an id comes twice in a frame.
    """

    frame: Rows
    """int64 [R], frame number of each row."""
    ids: Ints
    """int32 [R], the same for a person over the whole run."""
    boxes: Floats
    """float32 [R, 4], x1 y1 x2 y2 in px."""
    keypoints: Floats | None = None
    """float32 [R, K, 2], x y in px."""
    keypoint_scores: Floats | None = None
    """float32 [R, K]: scores, or 1 for visible and 0 for hidden; without it all are visible."""
    ignored: Bools | None = None
    """bool [R], for a reference: finding this person is neither asked for nor punished."""

    def __post_init__(self) -> None:
        n = len(self.frame)
        shapes: list[tuple[str, NDArray[Any] | None, tuple[int, ...]]] = [
            ("frame", self.frame, (n,)),
            ("ids", self.ids, (n,)),
            ("boxes", self.boxes, (n, 4)),
            ("ignored", self.ignored, (n,)),
        ]
        if self.keypoints is not None:
            people = (n, *self.keypoints.shape[1:2])
            shapes.append(("keypoints", self.keypoints, (*people, 2)))
            shapes.append(("keypoint_scores", self.keypoint_scores, people))
        for name, array, shape in shapes:
            if array is not None and array.shape != shape:
                raise ValueError(f"People.{name}: expected shape {shape}, found {array.shape}")
        if (np.diff(self.frame) < 0).any():
            raise ResultError("frame numbers go back; sort the rows by frame before comparing")
        order = np.lexsort((self.ids, self.frame))
        twice = (np.diff(self.frame[order]) == 0) & (np.diff(self.ids[order]) == 0)
        if twice.any():
            row = order[np.flatnonzero(twice)[0]]
            raise ResultError(
                f"id {self.ids[row]} comes twice in frame {self.frame[row]}, expected one person "
                "per id; give each person an id of their own"
            )


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


@dataclass(frozen=True, slots=True)
class PoseScores:
    """Agreement of the poses of matched people; NaN where nothing could be compared."""

    people: int
    joints: int
    oks: float
    """Mean object keypoint similarity over people, of the 17 COCO joints."""
    pck: float
    """Share of joints within 0.1 of the longer side of the reference's box."""
    median_px: float
    p95_px: float
    median_share: float
    """Median distance of joints as a share of the height of the reference's box."""
    p95_share: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All scores of a result against a reference."""

    tracks: TrackScores
    poses: PoseScores | None
    """None where a side has no keypoints."""

    def rows(self) -> list[tuple[str, str]]:
        """Name and value of each score, for a table."""
        t, p = self.tracks, self.poses
        rows = [
            ("IDF1", _number(t.idf1)),
            ("IDP", _number(t.idp)),
            ("IDR", _number(t.idr)),
            ("MOTA", _number(t.mota)),
            ("recall", _number(t.recall)),
            ("precision", _number(t.precision)),
            ("box IoU", _number(t.box_iou)),
            ("id switches", f"{t.switches}"),
            ("fragmentations", f"{t.fragmentations}"),
            ("matched boxes", f"{len(t.pairs)}"),
            ("missed boxes", f"{t.misses}"),
            ("false boxes", f"{t.false_boxes}"),
            ("ids, reference", f"{t.reference_ids}"),
            ("ids, result", f"{t.result_ids}"),
        ]
        if p is not None:
            rows += [
                ("OKS", _number(p.oks)),
                (f"PCK@{_PCK_SHARE}", _number(p.pck)),
                ("joint distance, median", _distance(p.median_px, p.median_share)),
                ("joint distance, p95", _distance(p.p95_px, p.p95_share)),
                ("people with poses", f"{p.people}"),
                ("joints compared", f"{p.joints}"),
            ]
        return rows


def _number(value: float) -> str:
    return NOTHING if np.isnan(value) else f"{value:.3f}"


def _distance(px: float, share: float) -> str:
    return NOTHING if np.isnan(px) else f"{px:.2f} px ({share:.2%})"


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


def pose_agreement(
    reference: People, result: People, pairs: Rows, *, min_score: float = 0.0
) -> PoseScores:
    """Score the poses of matched people.

    Only joints count that the reference scores above `min_score`; a person without any is left
    out. OKS takes the area of the reference's box, where COCO takes that of the person's outline
    (about half of it), so values are higher than COCO's. It is of the 17 COCO joints, with which
    every skeleton here begins, because only their sigmas are agreed on. All joints count for the
    other scores; where the sides have different skeletons, the 17.

    Args:
        reference: What is taken as right, with keypoints.
        result: What is scored, with keypoints.
        pairs: int64 [M, 2], matched rows of the two, as in `TrackScores.pairs`.
        min_score: 0 counts every joint that a truth marks as visible; between runs, take the
            score below which a joint is not trusted.

    Raises:
        ResultError: A side has no keypoints, or fewer than COCO's.
    """
    counts = [0 if p.keypoints is None else p.keypoints.shape[1] for p in (reference, result)]
    common = len(COCO_SIGMAS)
    if reference.keypoints is None or result.keypoints is None or min(counts) < common:
        raise ResultError(
            f"found {counts[0]} and {counts[1]} keypoints per person, expected at least COCO's "
            f"{common} on both sides; compare runs with poses"
        )
    used = counts[0] if counts[0] == counts[1] else common
    left, right = pairs[:, 0], pairs[:, 1]
    truth = reference.keypoints[left, :used].astype(np.float64)
    distance = np.linalg.norm(truth - result.keypoints[right, :used], axis=-1)
    visible = np.ones(distance.shape, np.bool_)
    if reference.keypoint_scores is not None:
        visible = reference.keypoint_scores[left, :used] > min_score
    sides = np.diff(reference.boxes[left].astype(np.float64).reshape(-1, 2, 2), axis=1)[:, 0]
    similarity = oks(distance[:, :common] ** 2, visible[:, :common], np.prod(sides, axis=1))
    px = distance[visible]
    share = (distance / sides[:, 1:])[visible]
    near = (distance <= _PCK_SHARE * sides.max(axis=1, keepdims=True))[visible]
    return PoseScores(
        people=int(visible.any(axis=1).sum()),
        joints=len(px),
        oks=_mean(similarity[visible[:, :common].any(axis=1)]),
        pck=_mean(near),
        median_px=_quantile(px, 0.5),
        p95_px=_quantile(px, 0.95),
        median_share=_quantile(share, 0.5),
        p95_share=_quantile(share, 0.95),
    )


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _quantile(values: NDArray[np.float64], q: float) -> float:
    return float(np.quantile(values, q)) if len(values) else float("nan")


def compare(
    reference: People,
    result: People,
    *,
    iou: float = 0.5,
    frames: Rows | None = None,
    min_score: float = 0.0,
) -> Comparison:
    """Score tracks, and poses where both sides have them; see `track_agreement`, `pose_agreement`.

    Raises:
        ResultError: The poses of the two sides cannot be compared.
    """
    tracks = track_agreement(reference, result, iou=iou, frames=frames)
    if reference.keypoints is None or result.keypoints is None:
        return Comparison(tracks, None)
    return Comparison(tracks, pose_agreement(reference, result, tracks.pairs, min_score=min_score))
