"""Fits the log-odds of hpe_volleyball/tracking/odds.py; writes odds.json beside it.

The tracker follows rallies other than those of the benchmarks, first by the overlap of boxes alone,
then by what was fitted to that, and at every keyframe all pairs of people and detections are
measured; the truth says which of them are one person. About five minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from runs import START_SCORE
from scenarios import Court, scenario
from scipy.optimize import minimize

from hpe_volleyball.pipeline import PoseEstimator, run_pipeline
from hpe_volleyball.records import Frame
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.synthetic.rally import Truth
from hpe_volleyball.timing import StageClocks
from hpe_volleyball.tracking import odds
from hpe_volleyball.tracking.association import Match, associate
from hpe_volleyball.tracking.candidates import Candidates
from hpe_volleyball.tracking.carrying import Array, Carried, Place
from hpe_volleyball.tracking.odds import CONSTANT, KINDS, Coefficients
from hpe_volleyball.tracking.roster import Roster
from hpe_volleyball.tracking.steps import Steps
from hpe_volleyball.tracking.tracker import PlayerTracker
from hpe_volleyball.tracking.tracks import Track

OUTPUT = Path(odds.__file__).with_name("odds.json")
FIRST, LAST = 30, 89
"""Numbers of the scenarios; the benchmarks have those up to 29."""
INTERVALS = (2, 4, 8)
OVERLAP_ALONE: Coefficients = {kind: {CONSTANT: -6.0, "iou": 12.0} for kind in KINDS}
_SAME_IOU, _CLEAR_IOU = 0.5, 0.15
"""A detection shows somebody whose box it overlaps by the first; of several whose overlap differs
by less than the second the one in front."""
_RIDGE = 3.0
"""Weight of the squares of the coefficients, of measures scaled to a standard deviation of 1."""
_ROUNDS = 2

Pairs = tuple[Array, NDArray[np.bool_]]
"""Pairs as measured, float64 [p, 9], and which of them are one person, bool [p]."""


def main() -> None:
    """Fit and write."""
    options = _options()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    numbers = range(FIRST, options.last + 1)
    table = OVERLAP_ALONE
    with (
        TemporaryDirectory() as folder,
        ProcessPoolExecutor(options.workers, get_context("spawn")) as pool,
    ):
        for _ in range(_ROUNDS):
            job = partial(pairs_of, table=table, folder=Path(folder))
            measured, same = map(np.concatenate, zip(*pool.map(job, numbers), strict=True))
            table = fit(measured, same)
            print(f"{len(same)} pairs, {same.mean():.2f} of them one person", flush=True)
    content = {
        "made by": "benchmarks/fit_odds.py",
        "scenarios": [numbers[0], numbers[-1]],
        "intervals": INTERVALS,
        "pairs": len(same),
        "coefficients": table,
    }
    options.output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--last", type=int, default=LAST, help=f"scenario (default: {LAST})")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE")
    return parser.parse_args()


def pairs_of(number: int, *, table: Coefficients, folder: Path) -> Pairs:
    """All pairs of one scenario, tracked with the log-odds of a table."""
    court = _court(number, folder)
    frames, found = court.frames(), []
    truth = [court.rally.truth(frame.index) for frame in frames]
    for interval in INTERVALS:
        tracker = _Watched(court.scenario.fps, interval, truth, table)
        for _ in run_pipeline(
            frames,
            detector=court.detector,
            tracker=tracker,
            poser=court.poser,
            clocks=StageClocks(),
        ):
            pass
        found += tracker.pairs
    measured, same = zip(*found, strict=True)
    return np.concatenate(measured), np.concatenate(same)


class _Watched(PlayerTracker):
    """A tracker that tells what it measured, and who was who."""

    def __init__(
        self, rate: float, interval: int, truth: Sequence[Truth], table: Coefficients
    ) -> None:
        super().__init__(rate=rate, det_interval=interval, start_score=START_SCORE)
        self._table = table
        self._roster = self._watched = _WatchedRoster(self._steps, truth)

    @property
    def pairs(self) -> list[Pairs]:
        """What was measured at each keyframe, and which pairs were one person."""
        return self._watched.pairs

    def _associate(self, people: list[Carried], found: Candidates, early: Array | None) -> Match:
        self._watched.measured = odds.measure(people, found, early)
        return associate(people, found, START_SCORE, early, self._table)


class _WatchedRoster(Roster):
    """A roster that knows whom every track was on when it was last found."""

    def __init__(self, steps: Steps, truth: Sequence[Truth]) -> None:
        super().__init__(steps, start_score=START_SCORE, lookahead=True)
        self.pairs: list[Pairs] = []
        self.measured = np.zeros((0, 0, len(odds.MEASURES)))
        self._truth = truth
        self._person: dict[Track, int] = {}

    def settle(
        self,
        frames: Sequence[Frame],
        path: Sequence[Sequence[Place]],
        found: Candidates,
        match: Match,
        poser: PoseEstimator,
    ) -> None:
        shown, tracks = _shown(found.boxes, self._truth[frames[-1].index]), list(self.tracks)
        known = [self._person.get(track, 0) for track in tracks]
        near = odds.comparable(self.measured)
        near[[not person for person in known]] = False
        same = np.array(known)[:, None] == shown
        self.pairs.append((self.measured[near], same[near]))
        super().settle(frames, path, found, match, poser)
        for i, j in match.pairs.items():
            self._person[tracks[i]] = int(shown[j]) or known[i]
        for track in self.tracks:
            if track not in self._person:
                [person] = _shown(track.anchor.box[None], self._truth[frames[-1].index])
                self._person[track] = int(person)


def _shown(boxes: Array, truth: Truth) -> NDArray[np.intp]:
    """Id of the person in each box [m, 4], int [m]; 0: nobody."""
    if not len(truth.ids):
        return np.zeros(len(boxes), np.intp)
    overlap = box_iou(boxes, truth.boxes)
    best = overlap.max(axis=1, keepdims=True)
    hidden = np.where(overlap >= best - _CLEAR_IOU, truth.occlusion, np.inf)
    return np.where(best[:, 0] >= _SAME_IOU, truth.ids[hidden.argmin(axis=1)], 0)


def fit(measured: Array, same: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """Coefficients by ridge logistic regression, for each kind of pair by itself.

    Args:
        measured: float64 [p, 9].
        same: bool [p], the two are one person.
    """
    kinds = odds.kind_of(measured)
    table = {}
    for number, kind in enumerate(KINDS):
        rows = kinds == number
        values, sign = odds.values_of(kind, measured[rows]), np.where(same[rows], 1.0, -1.0)
        mean, spread = values.mean(axis=0), values.std(axis=0)
        spread[spread == 0] = np.inf
        weights = _logistic((values - mean) / spread, sign)
        scaled = weights[1:] / spread
        table[kind] = {CONSTANT: round(float(weights[0] - scaled @ mean), 3)}
        names = odds.terms_of(kind)
        table[kind] |= {n: round(float(w), 3) for n, w in zip(names, scaled, strict=True) if w}
    return table


def _logistic(values: Array, sign: Array) -> Array:
    """Constant and coefficients [1 + T] for values [p, T] of pairs of sign 1 or -1."""

    def loss(weights: Array) -> tuple[float, Array]:
        margin = sign * (weights[0] + values @ weights[1:])
        slope = -sign / (1 + np.exp(np.minimum(margin, 700)))
        total = np.logaddexp(0, -margin).sum() + _RIDGE / 2 * (weights[1:] ** 2).sum()
        gradient = np.concatenate([[slope.sum()], values.T @ slope + _RIDGE * weights[1:]])
        return float(total), gradient

    start = np.zeros(values.shape[1] + 1)
    return np.asarray(minimize(loss, start, jac=True, options={"maxiter": 2000}).x)


def _court(number: int, folder: Path) -> Court:
    """A scenario whose truth, worked out once, is kept in the folder."""
    path, court = folder / f"{number}.pickle", Court(scenario(number))
    if path.is_file():
        truth = pickle.loads(path.read_bytes())  # noqa: S301 - written below
    else:
        truth = [court.rally.truth(k) for k in range(court.rally.n_frames)]
        path.write_bytes(pickle.dumps(truth))
    court.rally.truth = truth.__getitem__  # type: ignore[method-assign]
    return court


if __name__ == "__main__":
    main()
