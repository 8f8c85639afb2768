"""Tells the colours of the palette apart in an ONNX graph, and finds what has a colour.

Each colour is a quadratic form in opponent colours, so one 1x1 convolution over (z, z^2, cross
products) gives the similarity of every pixel to every colour.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.synthetic.onnx_graph import Graph
from hpe_volleyball.synthetic.palette import (
    MARKS,
    OPPONENT_FROM_RGB,
    OUTFITS,
    RGB,
    SCENERY,
    opponent,
)

_Array = NDArray[np.float64]

_MEAN_RGB: Final = np.array([123.675, 116.28, 103.53])

_STD_RGB: Final = np.array([58.395, 57.12, 57.375])
"""Normalisation of RTMDet and RTMPose (mmdetection and mmpose configs), here in RGB order."""

_UNIT: Final = 64.0
"""Opponent colours are divided by this, which keeps all values near 1."""

_OUTFIT_RADIUS: Final = 27.0 / _UNIT
"""Pixels farther than this from an outfit's line of shades do not belong to it."""

MARK_RADIUS: Final = 32.0 / _UNIT
"""Pixels farther than this from a mark's colour do not belong to it: marks are not shaded."""

_ALONG: Final = 0.10
"""Weight of distances along the line on which shading moves a colour."""

_CORE: Final = 6.5 / 9
"""Share of a pixel's 3x3 neighbours above which it cannot be a mixed edge between colours."""

_GAP: Final = 10
"""Half the number of empty lines that may lie between parts of one person."""


def similarities(graph: Graph, source: str, *, bgr: bool) -> tuple[str, str, str]:
    """[batch, n, height, width] for outfits, marks and scenery; positive near a colour."""
    features = _colour_features(graph, source, bgr=bgr)
    return (
        graph.conv(features, *_bank(OUTFITS, shaded=True)),
        graph.conv(features, *_bank(MARKS, shaded=False)),
        graph.conv(features, *_scenery_bank()),
    )


def _colour_features(graph: Graph, source: str, *, bgr: bool) -> str:
    """Normalised input to [batch, 9, height, width]: z, squares, cross products."""
    matrix = OPPONENT_FROM_RGB / _UNIT
    weights, bias = matrix * _STD_RGB, matrix @ _MEAN_RGB
    z = graph.conv(source, weights[:, ::-1] if bgr else weights, bias)
    pick = np.eye(3)
    first = graph.conv(z, pick[[0, 0, 1]], np.zeros(3))
    second = graph.conv(z, pick[[1, 2, 2]], np.zeros(3))
    return graph.node(
        "Concat", z, graph.node("Mul", z, z), graph.node("Mul", first, second), axis=1
    )


def winners(graph: Graph, similar: str, others: list[str]) -> str:
    """1 where a channel of `similar` is positive and beats all channels of both, else 0."""
    best = [graph.node("ReduceMax", s, axes=[1], keepdims=1) for s in (similar, *others)]
    bar = graph.node("Max", *best, graph.floats(1e-6))
    return graph.as_float(graph.node("GreaterOrEqual", similar, bar))


def one_body(graph: Graph, mask: str) -> str:
    """The mask without lines and spots thinner than three pixels, and without far off rests."""
    square: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    share = graph.node("AveragePool", mask, count_include_pad=1, **square)
    core = graph.as_float(graph.node("Greater", share, graph.floats(_CORE)))
    body = graph.node("Mul", graph.node("MaxPool", core, **square), mask)
    for axis in (2, 3):
        body = graph.node("Mul", body, _heaviest_run(graph, body, axis))
    return body


def _heaviest_run(graph: Graph, mask: str, axis: int) -> str:
    """1 on the columns (axis 2) or rows (axis 3) of the run around the fullest one, else 0.

    Runs are apart where more than 2 * `_GAP` lines are empty. A line is in the run if the count of
    empty lines before it is the same as at the fullest line.
    """
    counts = graph.node("ReduceSum", mask, graph.ints(axis), keepdims=0)
    line: dict[str, Any] = {"kernel_shape": [2 * _GAP + 1], "pads": [_GAP, _GAP]}
    filled = graph.node("Min", graph.node("MaxPool", counts, **line), graph.floats(1.0))
    empty = graph.node("Sub", graph.floats(1.0), filled)
    before = graph.node("CumSum", empty, graph.constant(np.array(2, np.int64)))
    weight = graph.node("AveragePool", counts, count_include_pad=1, **line)
    fullest = graph.node("ArgMax", weight, axis=2, keepdims=1)
    there = graph.node("GatherElements", before, fullest, axis=2)
    apart = graph.node("Abs", graph.node("Sub", before, there))
    same = graph.as_float(graph.node("Less", apart, graph.floats(0.5)))
    return graph.node("Unsqueeze", graph.node("Mul", same, filled), graph.ints(axis))


def edges(graph: Graph, mask: str) -> list[str]:
    """x1, y1, x2, y2, each [batch, outfits], of each channel's pixels."""
    low, high = [], []
    for axis in (2, 3):
        line = graph.node("ReduceMax", mask, axes=[axis], keepdims=0)
        first = graph.node("ArgMax", line, axis=2, keepdims=0)
        last = graph.node("ArgMax", line, axis=2, keepdims=0, select_last_index=1)
        low.append(graph.as_float(first))
        high.append(graph.node("Add", graph.as_float(last), graph.floats(1.0)))
    return [*low, *high]


def _quadratic(colour: RGB, *, middle: float = 0.88, shaded: bool = True) -> tuple[_Array, float]:
    """Weights [9] and bias of r^2 - (z - c)' A (z - c), A small along the shading of c."""
    centre = opponent(np.array(colour, np.float64) * (middle if shaded else 1.0)) / _UNIT
    form = np.eye(3)
    if shaded:
        along = centre / np.linalg.norm(centre)
        form -= (1 - _ALONG) * np.outer(along, along)
    crossed = (form[0, 1], form[0, 2], form[1, 2])
    weights = np.array([*(2 * form @ centre), *-np.diag(form), *(-2 * c for c in crossed)])
    radius = _OUTFIT_RADIUS if shaded else MARK_RADIUS
    return weights, radius**2 - float(centre @ form @ centre)


def _bank(colours: tuple[RGB, ...], *, shaded: bool) -> tuple[_Array, _Array]:
    forms = [_quadratic(colour, shaded=shaded) for colour in colours]
    return np.stack([weights for weights, _ in forms]), np.array([bias for _, bias in forms])


def _scenery_bank() -> tuple[_Array, _Array]:
    """Skin, floor and sky in two brightnesses, and greys over their whole range."""
    forms = [_quadratic(colour, middle=m) for colour in SCENERY for m in (0.65, 0.95)]
    weights = [form[0] for form in forms]
    biases = [form[1] for form in forms]
    for grey in (30, 90, 150, 210):
        row, bias = _quadratic((grey, grey, grey), shaded=True, middle=1.0)
        weights.append(row)
        biases.append(bias)
    return np.stack(weights), np.array(biases)
