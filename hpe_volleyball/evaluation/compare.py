"""Compares two runs of one video: the frames that both data files hold, matched by time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import ResultError
from hpe_volleyball.evaluation.metrics import Comparison, compare
from hpe_volleyball.evaluation.people import People
from hpe_volleyball.output.results import Results, read_results
from hpe_volleyball.records import TRUSTED_SCORE

_SAME_MOMENT_S = 0.001
"""Containers that store milliseconds round the times of frames by half of this."""

_Positions = NDArray[np.intp]
_Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunComparison:
    """How far two runs agree."""

    frames: int
    """Frames that both hold; only these are compared."""
    reference_frames: int
    result_frames: int
    same_source: bool
    """Both files are of one recording, by its fingerprint; else of two that look alike, as a copy
    encoded anew."""
    scores: Comparison

    def rows(self) -> list[tuple[str, str]]:
        """Name and value of each number, for a table."""
        return [
            ("frames in both", f"{self.frames}"),
            ("frames, reference", f"{self.reference_frames}"),
            ("frames, result", f"{self.result_frames}"),
            *self.scores.rows(),
        ]

    def for_json(self) -> dict[str, Any]:
        """All numbers by name; None where there was nothing to compare."""
        return {
            "frames": self.frames,
            "reference_frames": self.reference_frames,
            "result_frames": self.result_frames,
            "same_source": self.same_source,
            **self.scores.for_json(),
        }


def compare_files(reference: Path, result: Path) -> RunComparison:
    """Score a run with another one as the reference.

    Frames are numbered by run, so those of the same time in the video belong together. Keypoints
    count where the reference scores them above `TRUSTED_SCORE`.

    Args:
        reference: Data file that is taken as right, complete or partial.
        result: Data file that is scored, complete or partial.

    Raises:
        ResultError: A file cannot be read, they are of different videos or of different parts of
            one, or their skeletons have too little in common.
    """
    one, other = read_results(reference), read_results(result)
    _check_same_video(reference, one, result, other)
    first, second = _same_moments(one.time_s, other.time_s)
    if not len(first):
        raise ResultError(
            f"{reference} holds {_extent(one)} and {result} holds {_extent(other)}, expected "
            "frames that both hold; compare runs of the same part of a video"
        )
    scores = compare(
        _people_in(one, first),
        _people_in(other, second),
        frames=np.arange(len(first)),
        min_score=TRUSTED_SCORE,
    )
    sources = [results.attributes.get("source_fingerprint") for results in (one, other)]
    same_source = sources[0] is not None and sources[0] == sources[1]
    return RunComparison(len(first), len(one.time_s), len(other.time_s), same_source, scores)


def people_of(results: Results) -> People:
    """The people of a data file, to be scored or as a reference."""
    return People(
        frame=results.person_frame,
        ids=results.track_id,
        boxes=results.bbox,
        keypoints=results.keypoints,
        keypoint_scores=results.keypoint_scores,
    )


def _people_in(results: Results, common: _Positions) -> People:
    """The people of the common frames, which are numbered anew from 0."""
    numbers = results.frame_index[common]
    rows = np.isin(results.person_frame, numbers)
    return People(
        frame=np.searchsorted(numbers, results.person_frame[rows]).astype(np.int64),
        ids=results.track_id[rows],
        boxes=results.bbox[rows],
        keypoints=results.keypoints[rows],
        keypoint_scores=results.keypoint_scores[rows],
    )


def _check_same_video(reference: Path, one: Results, result: Path, other: Results) -> None:
    if _video(one) != _video(other):
        raise ResultError(
            f"{reference} is of a video of {_video(one)}, {result} of one of {_video(other)}, "
            "expected the same; compare runs of one video"
        )


def _video(results: Results) -> str:
    width, height = results.attributes["width"], results.attributes["height"]
    return f"{width}x{height} at {results.fps} fps"


def _extent(results: Results) -> str:
    if not len(results.time_s):
        return "no frames"
    return f"{results.time_s[0]:.3f} to {results.time_s[-1]:.3f} s"


def _same_moments(one: _Times, other: _Times) -> tuple[_Positions, _Positions]:
    """Positions in both of the frames that are nearest to each other, and near enough."""
    if not (len(one) and len(other)):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    there, back = _nearest(other, one), _nearest(one, other)
    here = np.arange(len(one))
    same = (back[there] == here) & (np.abs(other[there] - one) <= _SAME_MOMENT_S)
    return here[same], there[same]


def _nearest(times: _Times, wanted: _Times) -> _Positions:
    """For each wanted time, the position of the nearest of `times`, which ascend."""
    after = np.minimum(np.searchsorted(times, wanted), len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(times[before] - wanted) < np.abs(times[after] - wanted)
    return np.where(nearer, before, after)
