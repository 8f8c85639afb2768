"""Decode and non-maximum suppression for RTMDet models that end with the network's own outputs.

Follows what mmdeploy puts into its exports, and ONNX Runtime's NonMaxSuppression, in float32.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.records import Floats

METADATA_KEY: Final = "hpe_volleyball.decode"
"""Entry of a model's metadata that holds its `DecodeSettings`."""

_Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """What a detector's NMS does; read from the graph that held it."""

    strides: tuple[int, ...]
    """Pixels per point of each level."""
    min_score: float
    """Points score more than this."""
    max_overlap: float
    """IoU above which the weaker of two boxes goes."""
    max_per_class: int
    max_before: int
    """Most points that enter the suppression, best first."""
    max_after: int
    """Most boxes that come out."""

    def to_json(self) -> str:
        """For the model's metadata."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> DecodeSettings:
        """From the model's metadata.

        Raises:
            ValueError: it is not what `to_json` writes.
        """
        try:
            values = json.loads(text)
            settings = cls(**{**values, "strides": tuple(values["strides"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"found no decode settings: {text[:80]}") from error
        if not settings._are_numbers():
            raise ValueError(f"found no decode settings: {text[:80]}")
        return settings

    def _are_numbers(self) -> bool:
        """What JSON held is of the types above."""
        counts = (*self.strides, self.max_per_class, self.max_before, self.max_after)
        shares = self.min_score, self.max_overlap
        return (
            bool(self.strides)
            and all(isinstance(value, int) for value in counts)
            and all(isinstance(value, int | float) for value in shares)
        )


class Decoder:
    """Turns the outputs of a cut detector into `dets` and `labels`.

    Args:
        settings: From the model's metadata.
        names: The model's outputs: `scores_8` (scores of classes [batch, C, h, w]) and `sides_8`
            (distances in pixels to left, top, right and bottom [batch, 4, h, w]) for each stride.

    Raises:
        ValueError: an output is missing.
    """

    def __init__(self, settings: DecodeSettings, names: Sequence[str]) -> None:
        scores = [f"scores_{stride}" for stride in settings.strides]
        sides = [f"sides_{stride}" for stride in settings.strides]
        missing = [name for name in (*scores, *sides) if name not in names]
        if missing:
            raise ValueError(f"found outputs {', '.join(names)} without {', '.join(missing)}")
        self._settings = settings
        self._scores = [names.index(name) for name in scores]
        self._sides = [names.index(name) for name in sides]

    @classmethod
    def of(cls, metadata: Mapping[str, str], names: Sequence[str]) -> Decoder | None:
        """The decoder of a model, or None if it is no cut detector.

        Raises:
            ValueError: its settings cannot be read, or an output is missing.
        """
        text = metadata.get(METADATA_KEY)
        return None if text is None else cls(DecodeSettings.from_json(text), names)

    def decode(self, outputs: Sequence[NDArray[Any]], entry: int = 0) -> tuple[Floats, _Indices]:
        """Boxes of one picture of a batch, best first.

        Args:
            outputs: Of the model.
            entry: Number of the picture in the batch.

        Returns:
            float32 [n, 5], x1 y1 x2 y2 score in input pixels, and labels [n].
        """
        settings = self._settings
        maps = [outputs[i][entry] for i in self._scores]
        scores = np.concatenate([level.reshape(len(level), -1) for level in maps], axis=1)
        best = scores.max(axis=0)
        points = np.flatnonzero(best > np.float32(settings.min_score))
        order = np.argsort(-best[points], kind="stable")[: settings.max_before]
        points = points[order]
        shapes = tuple((level.shape[1], level.shape[2]) for level in maps)
        at = _positions(shapes, settings.strides)[:, points]
        sides = np.concatenate([outputs[i][entry].reshape(4, -1) for i in self._sides], axis=1)
        sides = sides[:, points]
        boxes = np.concatenate([at - sides[:2], at + sides[2:]]).T
        return self._suppress(boxes, scores[:, points])

    def _suppress(self, boxes: Floats, scores: Floats) -> tuple[Floats, _Indices]:
        """NMS of each class by itself, then the best of all."""
        settings = self._settings
        kept: list[_Indices] = []
        for of_class in scores:
            candidates = np.flatnonzero(of_class > np.float32(settings.min_score))
            candidates = candidates[np.argsort(-of_class[candidates], kind="stable")]
            chosen = suppress(boxes[candidates], settings.max_overlap, settings.max_per_class)
            kept.append(candidates[chosen])
        rows = np.concatenate(kept)
        labels = np.repeat(np.arange(len(scores)), [len(part) for part in kept])
        values = scores[labels, rows]
        best = np.argsort(-values, kind="stable")[: settings.max_after]
        dets = np.concatenate([boxes[rows[best]], values[best, None]], axis=1)
        return dets.astype(np.float32), labels[best]


def suppress(boxes: Floats, max_overlap: float, most: int) -> _Indices:
    """Greedy non-maximum suppression.

    Args:
        boxes: float32 [n, 4], best first; sides may be swapped.
        max_overlap: IoU above which a box goes.
        most: How many to keep.

    Returns:
        Positions of what is kept, ascending.
    """
    low = np.minimum(boxes[:, :2], boxes[:, 2:])
    high = np.maximum(boxes[:, :2], boxes[:, 2:])
    area = np.prod(high - low, axis=1)
    left = np.arange(len(boxes))
    kept: list[np.intp] = []
    while len(left) and len(kept) < most:
        first, left = left[0], left[1:]
        kept.append(first)
        sides = np.minimum(high[first], high[left]) - np.maximum(low[first], low[left])
        shared = np.where((sides > 0).all(axis=1), sides[:, 0] * sides[:, 1], np.float32(0))
        union = area[first] + area[left] - shared
        # Boxes without an area neither suppress nor are suppressed: nothing is shared then.
        gone = (shared > 0) & (shared > np.float32(max_overlap) * union)
        left = left[~gone]
    return np.array(kept, np.intp)


@lru_cache(maxsize=8)
def _positions(shapes: tuple[tuple[int, int], ...], strides: tuple[int, ...]) -> Floats:
    """Where the points of all levels lie in the input, float32 [2, points], x y."""
    levels = [
        np.stack(np.meshgrid(np.arange(width), np.arange(height))).reshape(2, -1) * stride
        for (height, width), stride in zip(shapes, strides, strict=True)
    ]
    return np.concatenate(levels, axis=1).astype(np.float32)
