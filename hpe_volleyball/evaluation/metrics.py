"""Agreement of tracked people with a reference: truth, or another run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isnan

from hpe_volleyball.evaluation.people import People, Rows
from hpe_volleyball.evaluation.pose_scores import PCK_SHARE, PoseScores, pose_agreement
from hpe_volleyball.evaluation.track_scores import TrackScores, track_agreement

_NOTHING = "-"
"""In a table: there was nothing to compare."""


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
                (f"PCK@{PCK_SHARE}", _number(p.pck)),
                ("joint distance, median", _distance(p.median_px, p.median_share)),
                ("joint distance, p95", _distance(p.p95_px, p.p95_share)),
                ("people with poses", f"{p.people}"),
                ("joints compared", f"{p.joints}"),
            ]
        return rows

    def for_json(self) -> dict[str, dict[str, float | None] | None]:
        """The scores of tracks and poses by name; None where there was nothing to compare."""
        return {
            "tracks": {**_values(self.tracks), "matched_boxes": len(self.tracks.pairs)},
            "poses": None if self.poses is None else _values(self.poses),
        }


def _values(scores: TrackScores | PoseScores) -> dict[str, float | None]:
    """The numbers of some scores by name."""
    values = {each.name: getattr(scores, each.name) for each in fields(scores)}
    values.pop("pairs", None)
    return {name: None if isnan(value) else value for name, value in values.items()}


def _number(value: float) -> str:
    return _NOTHING if isnan(value) else f"{value:.3f}"


def _distance(px: float, share: float) -> str:
    return _NOTHING if isnan(px) else f"{px:.2f} px ({share:.2%})"


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
