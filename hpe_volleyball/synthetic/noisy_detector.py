"""What an imperfect small detector would say about a rally: seeded errors added to the truth.

Every answer is a function of the seed and the frame's index alone, whatever was asked before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.models.catalogue import LOWEST_SCORE
from hpe_volleyball.records import Detections, Floats, Frame
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.synthetic.rally import Rally

_Array = NDArray[np.float64]

_MISSES, _DETECTOR, _DOUBLES, _DRIFT, _HIDDEN = 21, 22, 24, 25, 26
"""Keeps the random streams of one seed apart; that of poses is 23."""

_HIGHEST_STRAY = 0.6
"""Boxes that are nobody's score at most this."""
_LEAST_PART = np.array([0.2, 0.25])
"""Width and height of the smallest second box, as a part of the person's."""
_DRIFT_PERIOD_S = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class DetectorErrors:
    """How often and how far a detector errs; rates are per person and frame, 0..1.

    The defaults are what `benchmarks/detector_noise.py` measured of RTMDet-nano on three clips
    (benchmarks/results/detector_noise.md): the mean of the three, unless said otherwise. They hold
    for people in plain view. The clips show too few people behind others to measure
    `missed_hidden`: of a person wholly hidden nothing is left to see, and the share of misses is
    taken to grow smoothly up to there, as is the loss of score.
    """

    missed: float = 0.028
    """Share of frames in which a person in plain view is missed; that of the one clip in which
    anybody was, when the scenarios were made. With the tracker of today, which says who is there,
    it is 0.083 in runs of 0.157 s: the scenarios are kinder here than that clip."""
    missed_run_s: float = 0.073
    """Mean length of a run of misses in seconds, geometric; of the same clip. What a detector
    misses it misses for a while, however many frames that is: hidden people too."""
    missed_hidden: float = 0.7
    """Chance to miss a person who is wholly hidden; falls with the square of the occlusion."""
    jitter: float = 0.01
    """Standard deviation of each edge, as part of the box's width or height. Typical of the clip
    with the fastest movement; the root mean square over all clips (0.02) is that of the synthetic
    rallies with this value, since limbs move by themselves."""
    score: float = 0.79
    """Mean score of a person in plain view."""
    score_spread: float = 0.023
    """Standard deviation of scores from frame to frame."""
    score_drift: float = 0.08
    """Standard deviation of a person's score over seconds."""
    dips: float = 0.055
    """Share of boxes whose score falls to between 0.1 and 0.45."""
    doubles: float = 1.6
    """Mean number of second boxes on parts of a person, Poisson."""
    double_score: float = 0.157
    """Mean score of second boxes, exponential from 0.1 up."""
    false_boxes: float = 2.1
    """Mean number of boxes without a person per frame, Poisson."""
    false_score: float = 0.13
    """Mean score of boxes without a person, exponential from 0.1 up."""
    merge_iou: float = 0.6
    """Of two boxes that overlap more than this only the front one is left, as after the NMS of
    RTMDet."""


class NoisyDetector:
    """A detector that knows the truth and errs as told."""

    def __init__(self, rally: Rally, errors: DetectorErrors | None = None, seed: int = 0) -> None:
        self._rally = rally
        self._errors = errors or DetectorErrors()
        self._seed = seed
        shape = rally.n_people, rally.n_frames
        rate = float(rally.config.fps)
        run = max(1.0, self._errors.missed_run_s * rate)
        self._missed = _miss_runs(self._errors.missed, run, shape, seed)
        self._overlooked = _held_chances(run, shape, seed)
        self._drift = _score_drift(self._errors, shape, rate, seed)

    def detect(self, frame: Frame) -> Detections:
        """Boxes and scores for the frame of this index, sorted by score.

        Raises:
            IndexError: the rally has no such frame.
        """
        truth, errors = self._rally.truth(frame.index), self._errors
        rng = np.random.default_rng((self._seed, _DETECTOR, frame.index))
        # Everybody draws, seen or not, so that nobody's errors depend on who else is there.
        normal = rng.standard_normal((self._rally.n_people, 5))
        chance = rng.random((self._rally.n_people, 2))
        boxes: list[_Array] = []
        scores: list[float] = []
        occlusions: list[float] = []
        for box, person, hidden in zip(truth.boxes, truth.ids - 1, truth.occlusion, strict=True):
            overlooked = self._overlooked[person, frame.index]
            lost = overlooked < errors.missed_hidden * hidden**2
            if lost or self._missed[person, frame.index]:
                continue
            boxes.append(_jittered(box, errors.jitter * normal[person, :4]))
            spread = errors.score_spread * normal[person, 4] + self._drift[person, frame.index]
            scores.append(self._score(float(hidden), float(spread), chance[person]))
            occlusions.append(float(hidden))
            for part, score in self._doubles(box, person, frame.index):
                boxes.append(part)
                scores.append(score)
                occlusions.append(2.0)
        kept = _without_merged(boxes, occlusions, errors.merge_iou)
        found = [(boxes[row], scores[row]) for row in kept] + self._false_boxes(rng)
        return self._sorted(found)

    def _score(self, hidden: float, spread: float, chance: _Array) -> float:
        errors = self._errors
        if chance[0] < errors.dips:
            return LOWEST_SCORE + 0.35 * float(chance[1])
        mean = errors.score * (1 - 0.6 * hidden)
        return float(np.clip(mean + spread, LOWEST_SCORE, 0.99))

    def _doubles(self, box: Floats, person: int, index: int) -> list[tuple[_Array, float]]:
        """Boxes on parts of a person, with low scores."""
        rng = np.random.default_rng((self._seed, _DOUBLES, person, index))
        parts = []
        for _ in range(rng.poisson(self._errors.doubles)):
            size = (box[2:] - box[:2]) * rng.uniform(_LEAST_PART, 1.0)
            corner = box[:2] + rng.random(2) * (box[2:] - box[:2] - size)
            score = _stray_score(rng, self._errors.double_score)
            parts.append((np.concatenate((corner, corner + size)), score))
        return parts

    def _false_boxes(self, rng: np.random.Generator) -> list[tuple[_Array, float]]:
        """Boxes of the shape of people anywhere in the picture, with low scores."""
        config = self._rally.config
        false = []
        for _ in range(rng.poisson(self._errors.false_boxes)):
            height = config.height * rng.uniform(0.12, 0.3)
            width = height * rng.uniform(0.3, 0.6)
            left = rng.uniform(0, config.width - width)
            top = rng.uniform(0, config.height - height)
            box = np.array([left, top, left + width, top + height])
            false.append((box, _stray_score(rng, self._errors.false_score)))
        return false

    def _sorted(self, found: list[tuple[_Array, float]]) -> Detections:
        config = self._rally.config
        found = sorted(found, key=lambda pair: -pair[1])
        boxes = np.array([box for box, _ in found]).reshape(-1, 4)
        boxes = np.clip(boxes, 0, [config.width, config.height] * 2)
        scores = np.array([score for _, score in found], np.float32)
        return Detections(boxes.astype(np.float32), scores)


def _miss_runs(missed: float, run: float, shape: tuple[int, int], seed: int) -> NDArray[np.bool_]:
    """Who is missed, bool [people, frames]: a Markov chain with the rate and run length asked."""
    people, frames = shape
    lost = np.zeros(shape, np.bool_)
    if missed <= 0:
        return lost
    stop = 1 / run
    start = min(1.0, missed * stop / max(1 - missed, 1e-9))
    for person in range(people):
        draws = np.random.default_rng((seed, _MISSES, person)).random(frames)
        away = bool(draws[0] < missed)
        for frame in range(frames):
            if frame:
                away = bool(draws[frame] >= stop if away else draws[frame] < start)
            lost[person, frame] = away
    return lost


def _held_chances(run: float, shape: tuple[int, int], seed: int) -> _Array:
    """Uniform 0..1, float64 [people, frames], drawn anew after `run` frames in the mean."""
    rng = np.random.default_rng((seed, _HIDDEN))
    drawn, fresh = rng.random(shape), rng.random(shape) < 1 / run
    fresh[:, 0] = True
    last = np.maximum.accumulate(np.where(fresh, np.arange(shape[1]), 0), axis=1)
    return np.take_along_axis(drawn, last, axis=1)


def _score_drift(errors: DetectorErrors, shape: tuple[int, int], rate: float, seed: int) -> _Array:
    """Slow changes of score, float64 [people, frames]: for each person three sine waves."""
    people, frames = shape
    rng = np.random.default_rng((seed, _DRIFT))
    period = rng.uniform(*_DRIFT_PERIOD_S, (people, 3, 1)) * rate
    phase = rng.uniform(0, 2 * np.pi, (people, 3, 1))
    waves = np.sin(2 * np.pi * np.arange(frames) / period + phase)
    drift: _Array = errors.score_drift * np.sqrt(2 / 3) * waves.sum(axis=1)
    return drift


def _stray_score(rng: np.random.Generator, mean: float) -> float:
    """A score of a box that is nobody's."""
    return min(_HIGHEST_STRAY, LOWEST_SCORE + float(rng.exponential(mean - LOWEST_SCORE)))


def _jittered(box: Floats, shares: _Array) -> _Array:
    """The box with edges moved by these parts of its size."""
    size = np.tile(box[2:] - box[:2], 2)
    moved = box + shares * size
    return np.concatenate((np.minimum(moved[:2], moved[2:] - 1), moved[2:]))


def _without_merged(boxes: list[_Array], occlusions: list[float], limit: float) -> list[int]:
    """Rows that stay when of two boxes overlapping more than `limit` the hidden one goes."""
    if not boxes:
        return []
    overlaps = box_iou(np.array(boxes), np.array(boxes))
    kept: list[int] = []
    for row in np.argsort(np.array(occlusions), kind="stable"):
        if all(overlaps[row, other] <= limit for other in kept):
            kept.append(int(row))
    return kept
