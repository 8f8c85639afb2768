"""Who takes part: people whose feet are on the court, and at most so many."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import OptionError
from hpe_volleyball.pipeline import Detector
from hpe_volleyball.records import (
    Bools,
    Detections,
    Floats,
    Frame,
    FrameResult,
    Polygon,
)

_LEAST_SHARE = 0.001
"""A court that covers a smaller part of the picture was given in other units than pixels."""


class PeopleFilter:
    """A detector that passes on people on the court only, and at most so many of them.

    The feet of a person are taken to be in the middle of the lower side of the box. The tracker
    behind never sees who is left out; whom it knows already it carries on as anybody whom the
    detector misses, so that a jump or a step over the line does not end a track: the rows go on
    for half a second, the id is kept for two.

    Args:
        detector: Finds everybody.
        court: Where feet must be, in pixels of the source frame; None for the whole picture.
        max_people: Only so many, those with the best scores; None for all.
        shown_score: From this score on, those left out are handed to the overlay.
    """

    def __init__(
        self,
        detector: Detector,
        *,
        court: Polygon | None,
        max_people: int | None,
        shown_score: float,
    ) -> None:
        self._detector = detector
        self._court = None if court is None else np.array(court, np.float32)
        self._max_people = max_people
        self._shown_score = shown_score
        self._left_out: dict[int, Floats] = {}
        """Boxes by frame, of frames in which the detector ran."""

    def detect(self, frame: Frame) -> Detections:
        """The people who take part; the others are kept for `mark`."""
        found = self._detector.detect(frame)
        kept = self._on_court(found.boxes)
        kept[kept] = best(found.scores[kept], self._max_people)
        self._left_out[frame.index] = found.boxes[~kept & (found.scores >= self._shown_score)]
        return Detections(found.boxes[kept], found.scores[kept])

    def mark(self, results: Iterable[FrameResult]) -> Generator[FrameResult]:
        """Results in order, each with who was left out of the last detection before it.

        People whom the tracker carries count too: no frame has more than the most allowed.
        """
        left_out = np.zeros((0, 4), np.float32)
        for result in results:
            for index in [i for i in self._left_out if i <= result.frame.index]:
                left_out = self._left_out.pop(index)
            yield _limited(replace(result, left_out=left_out), self._max_people)

    def _on_court(self, boxes: Floats) -> Bools:
        if self._court is None:
            return np.ones(len(boxes), np.bool_)
        feet = np.column_stack(((boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]))
        sides = [cv2.pointPolygonTest(self._court, (x, y), False) for x, y in feet.tolist()]
        return np.array(sides, np.float64) >= 0


def best(scores: NDArray[np.floating], most: int | None) -> Bools:
    """Which of these scores are the best `most`; of equal ones the first."""
    chosen = np.zeros(len(scores), np.bool_)
    chosen[np.argsort(-scores, kind="stable")[:most]] = True
    return chosen


def check_court(court: Polygon | None, width: int, height: int) -> None:
    """Raise OptionError where a court lies outside of the picture or is no larger than a speck."""
    if court is None:
        return
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(court).astype(np.int32)], 1)
    if mask.mean() < _LEAST_SHARE:
        corners = " ".join(f"{x:g},{y:g}" for x, y in court)
        raise OptionError(
            f"--court: the corners {corners} enclose none of the picture, which is {width}x"
            f"{height}; expected pixels of the video, counted from its upper left corner"
        )


def _limited(result: FrameResult, most: int | None) -> FrameResult:
    if most is None or len(result.tracks.ids) <= most:
        return result
    kept = best(result.tracks.scores, most)
    return replace(result, tracks=result.tracks.rows(kept), poses=result.poses.rows(kept))
