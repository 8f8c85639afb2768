"""Lets track ids go on where a run continues an earlier one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hpe_volleyball.records import Floats, FrameResult, Ints
from hpe_volleyball.similarity import box_iou

_SAME_PERSON_IOU = 0.5
"""Boxes of both runs in one frame that overlap by this speak for one person."""


class SeamIds:
    """Gives the ids of an earlier run to the same people of its continuation.

    A new tracker goes once more through the last frames of the earlier run, the run-up. Whose
    boxes lie on each other there is the same person, later frames counting for more. New people
    get the ids that the earlier tracker would have given out next.

    Args:
        earlier: ids and boxes of the earlier run in the frames of the run-up, by frame number.
        used: all ids of the earlier run.
    """

    def __init__(self, earlier: Mapping[int, tuple[Ints, Floats]], used: frozenset[int]) -> None:
        self._earlier = earlier
        self._used = used
        self._first, self._last = min(earlier), max(earlier)
        self._overlaps: Counter[tuple[int, int]] = Counter()
        self._ids: dict[int, int] | None = None
        self._next = max(used, default=0) + 1
        before = max(earlier[self._first][0].tolist(), default=0)
        self._skipped = sorted(set(range(before + 1, self._next)) - used)
        """Given out at the end of the earlier run, to people who are in no row yet."""
        self._across: set[int] = set()

    @property
    def across(self) -> int:
        """How many tracks of the earlier run have gone on so far."""
        return len(self._across)

    @property
    def broken(self) -> int:
        """People of the earlier run's last frame whom the run-up did not find again."""
        ids, _ = self._earlier[self._last]
        return len(set(ids.tolist()) - set(self._known().values()))

    def compare(self, result: FrameResult) -> None:
        """Take a result of the run-up."""
        ids, boxes = self._earlier[result.frame.index]
        overlap = box_iou(result.tracks.boxes, boxes)
        weight = (1 + result.frame.index - self._first) / (1 + self._last - self._first)
        for i, j in np.argwhere(overlap >= _SAME_PERSON_IOU).tolist():
            self._overlaps[int(result.tracks.ids[i]), int(ids[j])] += weight * overlap[i, j]

    def translate(self, result: FrameResult) -> FrameResult:
        """The result with the ids of the whole run, its rows in their order."""
        ids = np.array([self._translated(i) for i in result.tracks.ids.tolist()], np.int32)
        self._across |= self._used & set(ids.tolist())
        order = np.argsort(ids)
        tracks = replace(result.tracks, ids=ids).rows(order)
        return replace(result, tracks=tracks, poses=result.poses.rows(order))

    def _known(self) -> dict[int, int]:
        """Id of the whole run by id of the new tracker, once the run-up is over."""
        if self._ids is None:
            self._ids = {}
            for (new, old), _ in self._overlaps.most_common():
                if new not in self._ids and old not in self._ids.values():
                    self._ids[new] = old
        return self._ids

    def _translated(self, new: int) -> int:
        known = self._known()
        if new not in known:
            # An id from within the run-up: the earlier tracker gave one out then, too.
            if self._skipped and new < max(known, default=0):
                known[new] = self._skipped.pop(0)
            else:
                known[new] = self._next
                self._next += 1
        return known[new]
