"""Measures how a real detector errs on clips; writes detector_noise.json and .md.

There is no truth about the clips. A person counts as in view between two detections with a score
of 0.4 or more that the tracker, run on every frame, gives the same id. Only people apart from all
others are measured, as the errors of `DetectorErrors` are those for people in plain view. The same
measurement on synthetic rallies, whose errors are known, shows what it makes of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from clips import CLIPS, Clip, load_detector
from numpy.typing import NDArray
from runs import Method, Run, run
from scenarios import SCENARIOS, Court
from writing import RESULTS, origin, origin_line, table, write_results

from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.records import Detections
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.synthetic.noisy_detector import DetectorErrors
from hpe_volleyball.tracking.candidates import STRONG_SCORE

_SURE_SCORE = 0.4
_DIP_SCORE = 0.45
_APART_IOU = 0.1
_WINDOW = 5
"""Frames of a local linear fit."""
_COVERED = 0.5
"""A box that lies on a person by this part of its area is a second box of that person."""
_EVERY_FRAME = Method("N = 1", 1)
_SYNTHETIC = SCENARIOS[:10]

_Array = NDArray[np.float64]


@dataclass(slots=True)
class Evidence:
    """What was seen, over any number of clips."""

    scores: list[float] = field(default_factory=list)
    """Of all detections of people in view."""
    changes: list[float] = field(default_factory=list)
    """Of the score from one frame to the next, dips left out."""
    gaps_s: list[float] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    """Length of runs of misses, in frames."""
    residuals: list[float] = field(default_factory=list)
    """Variance of box edges around a local linear fit, as part of the box's size, squared."""
    doubles: list[float] = field(default_factory=list)
    """Scores of second boxes."""
    false: list[float] = field(default_factory=list)
    """Scores of boxes on nobody who is tracked."""
    rows: int = 0
    frames: int = 0

    def summary(self) -> dict[str, float]:
        """The numbers of a column, by the name of their row."""
        scores, gaps = np.array(self.scores), np.array(self.gaps)
        usual = scores[scores >= _DIP_SCORE]
        variance = np.array(self.residuals)
        # Of the chi-squared distribution with 3 degrees of freedom, divided by them.
        median_share = 2.366 / 3
        return {
            "detections measured": len(scores),
            "missed": gaps.sum() / max(1, gaps.sum() + len(scores)),
            "missed_run": _mean(gaps),
            "missed_run_s": _mean(self.gaps_s),
            "dips": float(np.mean(scores < _DIP_SCORE)),
            "score": _mean(usual),
            "score_spread": float(np.std(self.changes) / np.sqrt(2)),
            "score_spread, over the clip": float(np.std(usual)),
            "jitter": float(np.sqrt(np.median(variance) / median_share)),
            "jitter, root mean square": float(np.sqrt(np.mean(variance))),
            "doubles": len(self.doubles) / max(1, self.rows),
            "doubles, score": _mean(self.doubles),
            "doubles, strong": _strong(self.doubles) / max(1, self.rows),
            "false_boxes": len(self.false) / max(1, self.frames),
            "false_boxes, score": _mean(self.false),
            "false_boxes, strong": _strong(self.false) / max(1, self.frames),
        }


def measure(
    evidence: Evidence, found: Run, detections: Mapping[int, Detections], rate: float
) -> None:
    """Add what a run on every frame shows to the evidence."""
    people = found.people
    apart = _apart(found)
    for person in np.unique(people.ids):
        rows = np.flatnonzero((people.ids == person) & found.detected)
        sure = np.flatnonzero(found.scores[rows] >= _SURE_SCORE)
        if len(sure):
            _measure_person(evidence, found, rows[sure[0] : sure[-1] + 1], apart, rate)
    for number, seen in detections.items():
        _measure_strays(evidence, seen, people.boxes[people.frame == number])
    evidence.rows += len(people.frame)
    evidence.frames += found.frames


def _apart(found: Run) -> NDArray[np.bool_]:
    """Rows of people who overlap nobody."""
    people = found.people
    apart = np.ones(len(people.frame), np.bool_)
    for number in np.unique(people.frame):
        rows = np.flatnonzero(people.frame == number)
        overlap = box_iou(people.boxes[rows], people.boxes[rows])
        np.fill_diagonal(overlap, 0)
        apart[rows] = overlap.max(axis=1) < _APART_IOU
    return apart


def _measure_person(
    evidence: Evidence,
    found: Run,
    rows: NDArray[np.intp],
    all_apart: NDArray[np.bool_],
    rate: float,
) -> None:
    """Add one person's detections, from the first sure one to the last."""
    frames, scores, apart = found.people.frame[rows], found.scores[rows], all_apart[rows]
    boxes = found.people.boxes[rows].astype(np.float64)
    evidence.scores += scores[apart].tolist()
    steps, both = np.diff(frames), apart[1:] & apart[:-1]
    gaps = steps[both & (steps > 1)] - 1
    evidence.gaps += gaps.tolist()
    evidence.gaps_s += (gaps / rate).tolist()
    usual = scores >= _DIP_SCORE
    follow = both & (steps == 1) & usual[1:] & usual[:-1]
    evidence.changes += np.diff(scores)[follow].tolist()
    for start in range(len(frames) - _WINDOW + 1):
        part = slice(start, start + _WINDOW)
        if apart[part].all() and frames[part][-1] - frames[part][0] == _WINDOW - 1:
            evidence.residuals += _residuals(boxes[part]).tolist()


def _residuals(boxes: _Array) -> _Array:
    """Unbiased variance [4] of the edges of [n, 4] boxes in a row around a line in time."""
    size = np.tile((boxes[:, 2:] - boxes[:, :2]).mean(axis=0), 2)
    edges = boxes / size
    time = np.arange(len(boxes)) - (len(boxes) - 1) / 2
    around = edges - edges.mean(axis=0)
    slope = time @ around / (time @ time)
    rest = around - time[:, None] * slope
    variance: _Array = (rest**2).sum(axis=0) / (len(boxes) - 2)
    return variance


def _measure_strays(evidence: Evidence, seen: Detections, people: NDArray[np.float32]) -> None:
    """Add the detections of one frame that are nobody's."""
    for box, score in zip(seen.boxes, seen.scores, strict=True):
        if (people == box).all(axis=1).any():
            continue
        low = np.maximum(people[:, :2], box[:2])
        shared = np.prod(np.maximum(np.minimum(people[:, 2:], box[2:]) - low, 0), axis=1)
        covered = (shared >= _COVERED * np.prod(box[2:] - box[:2])).any()
        (evidence.doubles if covered else evidence.false).append(float(score))


def _strong(scores: Sequence[float]) -> int:
    return sum(score >= STRONG_SCORE for score in scores)


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return float(np.mean(known)) if known else 0.0


def main() -> None:
    """Measure the clips and synthetic rallies, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, metavar="DIR", required=True, help="real clips")
    parser.add_argument("--det", type=Path, metavar="FILE", required=True, help="RTMDet model")
    parser.add_argument("--pose", type=Path, metavar="FILE", required=True, help="RTMPose model")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    columns = {}
    detector, poser = load_detector(options.det), RTMPose(open_session(options.pose, "cpu"))
    for name in CLIPS:
        clip, evidence = Clip(options.clips / f"{name}.mp4", detector), Evidence()
        found = run(_EVERY_FRAME, clip.frames(), clip.rate, clip, poser)
        measure(evidence, found, clip.detections, clip.rate)
        columns[name] = evidence.summary()
    columns["synthetic"] = _measure_synthetic()
    content = {**origin(), "detector": options.det.stem, "measured": columns}
    markdown = _page(content, list(columns))
    write_results("detector_noise", content, markdown, options.results)
    print(markdown)


def _measure_synthetic() -> dict[str, float]:
    evidence = Evidence()
    for scenario in _SYNTHETIC:
        court = Court(scenario)
        frames = court.frames()
        found = run(_EVERY_FRAME, frames, scenario.fps, court.detector, court.poser)
        detections = {frame.index: court.detector.detect(frame) for frame in frames}
        measure(evidence, found, detections, scenario.fps)
    return evidence.summary()


def _page(content: dict[str, Any], columns: Sequence[str]) -> str:
    measured, errors = content["measured"], DetectorErrors()
    rows = [
        [
            name,
            *(f"{measured[column][name]:.4g}" for column in columns),
            f"{getattr(errors, name)}" if hasattr(errors, name) else "",
        ]
        for name in measured[columns[0]]
    ]
    parts = [
        "# How a real detector errs\n",
        f"{content['detector']}; what the rows mean: [README.md](../README.md).\n",
        origin_line(content) + "\n",
        table(["", *columns, "`DetectorErrors`"], rows),
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    main()
