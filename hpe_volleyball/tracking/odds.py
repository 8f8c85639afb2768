"""How likely a detection is the person carried to it: log-odds, fitted to synthetic rallies.

What speaks for and against a pair is not additive: boxes that overlap say much if poses agree and
little if not, and how much a hidden person's box says falls with the time since it was seen. A pose
that is hardly there may be something in the background that somebody left, and says nothing. So
the log-odds are a quadratic function of what was measured, one for each kind of pair.
benchmarks/fit_odds.py fits its coefficients (odds.json beside this file) by logistic regression,
to rallies that no benchmark is scored on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.similarity import box_iou, pose_similarity
from hpe_volleyball.tracking.candidates import STRONG_SCORE, Candidates
from hpe_volleyball.tracking.carrying import Array, Carried, Place

MEASURES = ("iou", "taller", "shorter", "wider", "narrower", "score", "pose", "early", "blind")
"""What is measured of a pair: overlap of the boxes; by how much the detection is larger or smaller,
as the logarithm of the ratio; its score; OKS of the poses; how well it fitted the person at the
start of the window; the square root of the time without evidence, in seconds."""
_ALWAYS = MEASURES[:6]
KINDS: Mapping[str, tuple[str, ...]] = {
    "pose and early": (*_ALWAYS, "pose", "early"),
    "pose": (*_ALWAYS, "pose"),
    "early": (*_ALWAYS, "early", "blind"),
    "box": (*_ALWAYS, "blind"),
    "weak box": (*_ALWAYS, "blind"),
}
"""The measures that each kind of pair has; those of weak detections are a kind of their own."""
CONSTANT = "constant"
_NEAR_IOU = 0.02
"""Boxes that overlap less are not compared further."""
_POSE_WEIGHT = 0.7
"""Share of OKS in `likeness`, where poses can be compared; the rest is that of IoU."""
_MOST = 1.0
"""Larger measures count as this: of sizes a ratio of e, of time without evidence a second."""
_SIZES = slice(MEASURES.index("taller"), MEASURES.index("narrower") + 1)
_MUTE_SCORE, _MUTE_S = 0.35, 0.1
"""A pose whose joints have less than this mean score counts as not seen for this long. On synthetic
rallies ids are as good with it, from 0.4 on worse; on a real clip somebody who jumps off a roof is
found on the way down, where before the pose stayed on the roof."""
_ANOTHER_RATIO = math.log(4)
"""Boxes whose sizes have this ratio are not of one person."""

Coefficients = Mapping[str, Mapping[str, float]]
"""For each kind that of every term; a term that is not there is 0."""


def measure(people: Sequence[Carried], found: Candidates, early: Array | None = None) -> Array:
    """What is known of all pairs of people and detections.

    Args:
        people: n people, as carried to the frame.
        found: The m detections in it.
        early: float64 [n, m], how well they fitted at an earlier moment, NaN where not known.

    Returns:
        float64 [n, m, 9], in the order of `MEASURES`; NaN where it is not known.
    """
    measured = np.full((len(people), len(found.boxes), len(MEASURES)), np.nan)
    if not measured.size:
        return measured
    boxes = np.array([p.place.box for p in people])
    blind = np.array([_blind_s(p.place) for p in people])[:, None]
    wider, taller = (_log_ratio(sides(found.boxes)[k], sides(boxes)[k]) for k in (0, 1))
    poses = (
        np.array([p.place.keypoints for p in people]),
        np.array([p.place.scores for p in people]),
    )
    area = np.prod(found.boxes[:, 2:] - found.boxes[:, :2], axis=1)
    alike = pose_similarity(poses, (found.keypoints, found.keypoint_scores), area)
    parts = (
        box_iou(boxes, found.boxes),
        np.maximum(0, taller),
        np.maximum(0, -taller),
        np.maximum(0, wider),
        np.maximum(0, -wider),
        found.scores[None],
        np.where(blind > 0, np.nan, alike),
        np.nan if early is None else early,
        np.sqrt(blind),
    )
    for k, part in enumerate(parts):
        measured[..., k] = part
    return measured


def column(measured: Array, name: str) -> Array:
    """One of the `MEASURES`, float64 [...], of `measured` [..., 9]."""
    return measured[..., MEASURES.index(name)]


def likeness(measured: Array) -> Array:
    """How well pairs fit by boxes and poses alone, in 0..1: IoU, mixed with OKS where it is known.

    Args:
        measured: float64 [n, m, 9], of `measure`.

    Returns:
        float64 [n, m].
    """
    overlap, pose = column(measured, "iou"), column(measured, "pose")
    mixed = overlap + _POSE_WEIGHT * (pose - overlap)
    return np.where(np.isnan(pose), overlap, mixed) * comparable(measured)


def comparable(measured: Array) -> NDArray[np.bool_]:
    """Which pairs may be one person at all, bool [...] for `measured` [..., 9].

    Their boxes overlap, and neither is several times as wide or as tall as the other: a box across
    two people holds most of either of them, but is neither.
    """
    sizes = measured[..., _SIZES].max(axis=-1)
    return np.asarray((column(measured, "iou") > _NEAR_IOU) & (sizes < _ANOTHER_RATIO))


def kind_of(measured: Array) -> NDArray[np.intp]:
    """The kind of each pair, an index into `KINDS`, int [...] for `measured` [..., 9]."""
    no_pose, no_early = (np.isnan(column(measured, name)) for name in ("pose", "early"))
    kinds = 2 * no_pose.astype(np.intp) + no_early
    weak = column(measured, "score") < STRONG_SCORE
    return np.where(weak, len(KINDS) - 1, kinds)


def terms_of(kind: str) -> list[str]:
    """What the log-odds of this kind of pair sum up: its measures and their products, by name."""
    names = KINDS[kind]
    return [*names, *(f"{a} * {b}" for a, b in combinations_with_replacement(names, 2))]


def values_of(kind: str, measured: Array) -> Array:
    """The value of every term, float64 [p, T], of p pairs of this kind [p, 9]."""
    bounded = np.minimum(measured, _MOST)
    columns = [column(bounded, name) for name in KINDS[kind]]
    return np.stack([*columns, *(a * b for a, b in combinations_with_replacement(columns, 2))], 1)


def log_odds(measured: Array, coefficients: Coefficients | None = None) -> Array:
    """The log-odds that each detection is each person.

    Args:
        measured: float64 [n, m, 9], of `measure`.
        coefficients: In place of those of the package.

    Returns:
        float64 [n, m]; minus infinity for pairs that are not `comparable`.
    """
    weights = _fitted_weights() if coefficients is None else _weights(coefficients)
    odds = np.full(measured.shape[:2], -np.inf)
    near, kinds = comparable(measured), kind_of(measured)
    for number, kind in enumerate(KINDS):
        rows = near & (kinds == number)
        if rows.any():
            constant, of_terms = weights[kind]
            odds[rows] = values_of(kind, measured[rows]) @ of_terms + constant
    return odds


@cache
def fitted() -> Coefficients:
    """The coefficients of the package."""
    text = files(__package__).joinpath("odds.json").read_text(encoding="utf-8")
    coefficients: dict[str, dict[str, float]] = json.loads(text)["coefficients"]
    return coefficients


@cache
def _fitted_weights() -> dict[str, tuple[float, Array]]:
    return _weights(fitted())


def _weights(table: Coefficients) -> dict[str, tuple[float, Array]]:
    """For each kind the constant, and the coefficients in the order of `terms_of`."""
    return {
        kind: (table[kind][CONSTANT], np.array([table[kind].get(t, 0.0) for t in terms_of(kind)]))
        for kind in KINDS
    }


def _blind_s(place: Place) -> float:
    """For how long there has been no evidence that can be relied on."""
    if place.body_score >= _MUTE_SCORE:
        return place.blind_s
    return max(place.blind_s, _MUTE_S)


def sides(boxes: Array) -> tuple[Array, Array]:
    """Width and height [k] of boxes [k, 4], at least one pixel."""
    width, height = np.maximum(1.0, boxes[:, 2:] - boxes[:, :2]).T
    return width, height


def _log_ratio(found: Array, carried: Array) -> Array:
    """Logarithm of the sizes [m] of detections by those [n] of people: [n, m]."""
    return np.asarray(np.log(found[None] / carried[:, None]))
