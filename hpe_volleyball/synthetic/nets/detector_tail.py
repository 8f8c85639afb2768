"""Decode and non-maximum suppression inside a detector, in the operators of mmdeploy's export."""

from __future__ import annotations

from typing import Final

import numpy as np
from onnx import TensorProto, helper

from hpe_volleyball.synthetic.nets.layers import Net

STRIDES: Final = (8, 16, 32)
"""Image pixels per pixel of each level."""

_LOWEST_SCORE: Final = 0.05
_MOST_OVERLAP: Final = 0.5
_MOST_OF_A_CLASS: Final = 200
_MOST_BEFORE: Final = 5000
_MOST_AFTER: Final = 100
"""mmdeploy's post-processing settings for detectors in ONNX Runtime."""


class Tail:
    """Adds the nodes from the head's outputs to `dets` and `labels`.

    Args:
        net: The detector's graph.
    """

    def __init__(self, net: Net) -> None:
        self._net = net

    def add(self, scores: list[str], sides: list[str]) -> None:
        """Add the tail.

        Args:
            scores: Logits of each level, [batch, 1, h, w].
            sides: Distances to left, top, right and bottom of each level in pixels,
                [batch, 4, h, w].
        """
        net = self._net
        batch = net.node("Unsqueeze", self._dim(net.node("Shape", sides[0]), 0), axes=[0])
        priors = [self._priors(name, stride) for name, stride in zip(scores, STRIDES, strict=True)]
        flat_scores = net.node("Sigmoid", self._points(scores, batch, 1))
        boxes = self._boxes(net.node("Concat", *priors, axis=0), self._points(sides, batch, 4))
        best = net.node("ReduceMax", flat_scores, axes=[1], keepdims=0)
        weak = net.node("Less", best, net.scalar(_LOWEST_SCORE, np.float32))
        strong = net.node("Not", weak)
        masked = net.node("Where", strong, flat_scores, net.floats(0.0))
        self._suppress(boxes, masked)

    def _dim(self, shape: str, axis: int) -> str:
        """One entry of a shape, without axes."""
        return self._net.node("Gather", shape, self._net.scalar(axis), axis=0)

    def _dims(self, shape: str, axis: int) -> str:
        """One entry of a shape, [1]."""
        return self._net.node("Gather", shape, self._net.index(axis), axis=0)

    def _priors(self, scores: str, stride: int) -> str:
        """Image position of each point of a level, [points, 2]."""
        net = self._net
        shape = net.node("Shape", scores)
        height, width = self._dim(shape, 2), self._dim(shape, 3)
        lines = []
        for count in (width, height):
            steps = net.node("Range", net.scalar(0), net.as_index(count), net.scalar(1))
            line = net.cast(net.node("Mul", steps, net.scalar(stride)), np.float32)
            lines.append(net.node("Reshape", line, net.index(-1)))
        across, down = lines
        rows, columns = net.node("Shape", down), net.node("Shape", across)
        grid = net.node("Concat", rows, columns, axis=0)
        one = net.index(1)
        down = net.node("Reshape", down, net.node("Concat", rows, one, axis=0))
        across = net.node("Reshape", across, net.node("Concat", one, columns, axis=0))
        parts = [
            net.node(
                "Unsqueeze",
                net.node("Reshape", net.node("Expand", part, grid), net.index(-1)),
                axes=[-1],
            )
            for part in (across, down)
        ]
        return net.cast(net.node("Concat", *parts, axis=-1), np.float32)

    def _points(self, maps: list[str], batch: str, channels: int) -> str:
        """[batch, channels, h, w] of each level -> [batch, points of all, channels]."""
        net = self._net
        shape = net.node(*("Concat", batch, net.index(-1), net.index(channels)), axis=0)
        flat = [
            net.node("Reshape", net.node("Transpose", name, perm=[0, 2, 3, 1]), shape)
            for name in maps
        ]
        return net.node("Concat", *flat, axis=1)

    def _boxes(self, priors: str, sides: str) -> str:
        """x1 y1 x2 y2 of each point, [batch, points, 4]."""
        net = self._net
        at = [net.node("Gather", priors, net.scalar(i), axis=1) for i in range(2)]
        corners = [
            net.node(
                "Sub" if i < 2 else "Add",
                at[i % 2],
                net.node("Gather", sides, net.scalar(i), axis=2),
            )
            for i in range(4)
        ]
        wide = [net.node("Unsqueeze", corner, axes=[-1]) for corner in corners]
        return net.node("Concat", *wide, axis=-1)

    def _at_most(self, count: str, limit: int) -> str:
        """The smaller of the two, [1]."""
        net = self._net
        count = net.node("Add", net.scalar(0), count)
        fewer = net.node("Less", net.scalar(limit), count)
        return net.node("Reshape", net.node("Where", fewer, net.scalar(limit), count), net.index(1))

    def _top(self, values: str, count: str) -> str:
        """Positions of the largest values along axis 1."""
        net = self._net
        number = len(net.nodes)
        names = [f"top_values{number}", f"top_index{number}"]
        net.nodes.append(
            helper.make_node("TopK", [values, count], names, axis=1, largest=1, sorted=1)
        )
        return names[1]

    def _take(
        self,
        rows: str,
        chosen: str,
        start: str,
        *,
        shape: str = "",
        table: bool = True,
        to: str = "",
    ) -> str:
        """Rows [batch, n, ...] at positions `chosen` [batch, m], for every batch entry.

        Args:
            rows: Where to take from.
            chosen: Positions within each batch entry.
            start: Number of each batch entry, [batch, 1].
            shape: Of `rows` if the graph already has it.
            table: Rows have a third axis.
            to: Name of the result if it is an output of the model.
        """
        net = self._net
        shape = shape or net.node("Shape", rows)
        offset = net.node("Mul", start, self._dims(shape, 1))
        flat = net.node("Flatten", rows, axis=2)
        where = net.node("Add", chosen, offset)
        taken = net.node("Gather", flat, where, axis=0)
        size = [net.node("Shape", where)]
        if table:
            size.append(self._dims(shape, 2))
        return net.node("Reshape", taken, net.node("Concat", *size, axis=0), to=to)

    def _suppress(self, boxes: str, scores: str) -> None:
        """The NMS and everything around it."""
        net = self._net
        shape = net.node("Shape", scores)
        batch = self._dim(shape, 0)
        best = net.node("ReduceMax", scores, axes=[-1], keepdims=0)
        before = self._at_most(self._dim(net.node("Shape", best), 1), _MOST_BEFORE)
        first = self._top(best, before)
        count = net.as_index(batch)
        numbers = net.node("Range", net.scalar(0), count, net.scalar(1))
        start = net.node("Reshape", numbers, net.index(-1, 1))
        start = net.as_index(start)
        boxes = self._take(boxes, first, start)
        scores = self._take(scores, first, start, shape=shape)
        by_class = net.node("Transpose", scores, perm=[0, 2, 1])
        chosen = net.node(
            *("NonMaxSuppression", boxes, by_class),
            *(net.index(_MOST_OF_A_CLASS), net.floats(_MOST_OVERLAP), net.floats(_LOWEST_SCORE)),
        )
        entry, label, point = (net.node("Gather", chosen, net.scalar(i), axis=1) for i in range(3))
        dets = self._chosen_rows(boxes, scores, entry, label, point)
        own = net.node("Range", net.scalar(0), count, net.scalar(1))
        own = net.node("Equal", entry, net.node("Unsqueeze", own, axes=[1]))
        self._outputs(dets, label, own, net.node("Unsqueeze", batch, axes=[0]), start)

    def _chosen_rows(self, boxes: str, scores: str, entry: str, label: str, point: str) -> str:
        """Box and score of what the NMS chose, [chosen, 5]."""
        net = self._net
        scores = net.node("Transpose", scores, perm=[0, 2, 1])
        shape = net.node("Shape", scores)
        classes, points = self._dims(shape, 1), self._dims(shape, 2)
        flat = net.node("Flatten", scores, axis=3)
        where = net.node("Add", point, net.node("Mul", label, points))
        each = net.node("Mul", points, classes)
        where = net.node("Add", where, net.node("Mul", entry, each))
        score = net.node("Gather", flat, where, axis=0)
        score = net.node("Reshape", score, net.node("Concat", net.node("Shape", where), axis=0))
        box = self._take(boxes, point, entry)
        return net.node("Concat", box, net.node("Unsqueeze", score, axes=[1]), axis=1)

    def _outputs(self, dets: str, label: str, own: str, batch: str, start: str) -> None:
        """Sort the chosen rows into their batch entries, best first.

        Args:
            dets: [chosen, 5].
            label: [chosen].
            own: The batch entry to which a row belongs, as a mask [batch, chosen].
            batch: Number of batch entries, [1].
            start: Number of each batch entry, [batch, 1].
        """
        net = self._net
        one = net.index(1)
        table = self._repeated(dets, net.node("Concat", batch, one, one, axis=0))
        mask = net.node("Unsqueeze", own, axes=[-1])
        table = net.node("Where", mask, table, net.floats(0.0))
        labels = self._repeated(label, net.node("Concat", batch, one, axis=0))
        labels = net.node("Where", own, labels, net.index(-1))
        # One empty row more, so that there is always something to sort.
        entries = net.node("Unsqueeze", self._dim(net.node("Shape", table), 0), axes=[0])
        more = self._filled(net.node("Concat", entries, one, net.index(5), axis=0), 0.0)
        table = net.node("Concat", table, more, axis=1)
        more = self._filled(net.node("Concat", entries, one, axis=0), 0)
        labels = net.node("Concat", labels, more, axis=1)
        score = net.node("Gather", table, net.scalar(-1), axis=2)
        after = self._at_most(self._dim(net.node("Shape", score), 1), _MOST_AFTER)
        order = self._top(score, after)
        self._take(table, order, start, to="dets")
        self._take(labels, order, start, table=False, to="labels")

    def _repeated(self, rows: str, times: str) -> str:
        """The same rows for every batch entry."""
        net = self._net
        ones = self._filled(net.node("Shape", times), 1)
        wide = net.node("Expand", net.node("Unsqueeze", rows, axes=[0]), ones)
        return net.node("Tile", wide, times)

    def _filled(self, shape: str, value: float) -> str:
        """A tensor of one value, float32 or int64 as the value is."""
        kind = TensorProto.INT64 if isinstance(value, int) else TensorProto.FLOAT
        tensor = helper.make_tensor("value", kind, [1], [value])
        return self._net.node("ConstantOfShape", shape, value=tensor)
