"""Tells the colours of the palette apart in an ONNX graph, and finds who wears them.

A table of all colours, in steps of eight, says what each one is: the outfit of a player, the mark
of a keypoint, or neither.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.models.preprocess import OF_DETECTORS, OF_POSES
from hpe_volleyball.synthetic.onnx_graph import Graph
from hpe_volleyball.synthetic.palette import MARKS, OUTFITS, RGB, SCENERY, opponent

_Array = NDArray[np.float64]

FIRST_CAP: Final = 1 + len(OUTFITS)
FIRST_MARK: Final = 1 + 2 * len(OUTFITS)
"""Labels: after the outfits come the caps, then the marks."""

_LEVELS: Final = 32
"""Steps per channel in the table of colours."""

_OUTFIT_RADIUS: Final = 27.0
_MARK_RADIUS: Final = 32.0
_SCENERY_RADIUS: Final = 27.0
"""A colour farther than this (in `opponent`) from all shades of a thing does not belong to it."""

_OUTFIT_SHADES: Final = np.linspace(0.76, 1.14, 12)
_CAP_SHADES: Final = np.linspace(0.55, 0.68, 5)
_MARK_SHADES: Final = np.linspace(0.8, 1.0, 5)
_SCENERY_SHADES: Final = np.linspace(0.5, 1.05, 12)
"""Factors on the colours of the palette: light, and the net in front of people."""

_THIN: Final = 0.1
"""Share from which a block near other ones of the outfit belongs to it: arms, feet."""

_STEPS: Final = 3
"""How many times a person is followed from part to part."""


def labels(graph: Graph, source: str, *, bgr: bool, whole: bool) -> str:
    """Normalised pictures [batch, 3, h, w] to what each pixel shows, float [batch, 1, h, w].

    0 is neither, 1..12 an outfit, 13..24 a cap, 25..41 a mark; with `whole`, caps are parts of
    outfits and marks are neither.
    """
    order = slice(None, None, -1) if bgr else slice(None)
    step = 256 / _LEVELS
    expected = OF_DETECTORS if bgr else OF_POSES
    scale, shift = (v / step for v in (np.array(expected.std), np.array(expected.mean) + 0.5))
    value = graph.node("Mul", source, graph.planes(scale))
    level = graph.node("Floor", graph.node("Add", value, graph.planes(shift)))
    level = graph.node("Clip", level, graph.scalar(0.0), graph.scalar(_LEVELS - 1.0))
    weights = np.array([[_LEVELS**2, _LEVELS, 1]], np.float64)[:, order]
    index = graph.cast(graph.conv(level, weights, np.zeros(1)), np.int32)
    table = _table()
    if whole:
        people = len(OUTFITS)
        table = np.where(table < FIRST_MARK, table - people * (table > people), 0).astype(np.uint8)
    return graph.cast(graph.node("Gather", graph.constant(table), index), np.float32)


def one_hot(graph: Graph, label: str, first: int, count: int) -> str:
    """1 where a label [batch, 1, h, w] is first, first + 1, ...: [batch, count, h, w]."""
    wanted = graph.planes(np.arange(first, first + count))
    return graph.cast(graph.node("Equal", label, wanted), np.float32)


def thick(graph: Graph, label: str, size: int) -> str:
    """1 where a square of `size` pixels with one label covers the pixel; [batch, 1, h, w].

    Edges between two colours show colours in between, but only in thin lines.
    """
    square = [size, size]
    before, after = [0, 0, size - 1, size - 1], [size - 1, size - 1, 0, 0]
    most = graph.node("MaxPool", label, kernel_shape=square, pads=before)
    least = graph.node("MaxPool", graph.node("Neg", label), kernel_shape=square, pads=before)
    even = graph.node("Sub", graph.floats(0.5), graph.node("Add", most, least))
    even = graph.node("MaxPool", even, kernel_shape=square, pads=after)
    return graph.cast(graph.node("Greater", even, graph.floats(0.0)), np.float32)


def bodies(graph: Graph, mask: str, block: int, core: float, reach: int) -> tuple[str, str]:
    """Blocks of each outfit, from `one_hot`, without the false colours at edges of others.

    Args:
        graph: Gets the nodes.
        mask: [batch, outfits, h, w].
        block: Pixels per side of a block.
        core: Share of the outfit in a block from which somebody is there for certain.
        reach: Blocks between parts of one person: bare skin, the band of the net.

    Returns:
        The share of the outfit in each block, and 1 on blocks that are of the person, else 0; both
        [batch, outfits, h / block, w / block].
    """
    side = [block, block]
    share = graph.node("AveragePool", mask, kernel_shape=side, strides=side)
    body = graph.cast(graph.node("Greater", share, graph.floats(core)), np.float32)
    some = graph.cast(graph.node("Greater", share, graph.floats(_THIN)), np.float32)
    for _ in range(_STEPS):
        for kernel, pads in (
            ([2 * reach + 1, 1], [reach, 0, reach, 0]),
            ([1, 2 * reach + 1], [0, reach, 0, reach]),
        ):
            body = graph.node("MaxPool", body, kernel_shape=kernel, pads=pads)
        body = graph.node("Mul", body, some)
    return graph.node("Mul", share, body), body


def first_and_last(graph: Graph, line: str) -> tuple[str, str]:
    """Start of the first and end of the last 1, float [batch, n], in lines [batch, n, length]."""
    first = graph.node("ArgMax", line, axis=2, keepdims=0)
    last = graph.node("ArgMax", line, axis=2, keepdims=0, select_last_index=1)
    end = graph.node("Add", graph.cast(last, np.float32), graph.floats(1.0))
    return graph.cast(first, np.float32), end


def _table() -> NDArray[np.uint8]:
    """uint8 [levels^3]: the label of each colour, red changing slowest."""
    levels = (np.arange(_LEVELS) + 0.5) * 256 / _LEVELS
    colours = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    colours = opponent(colours.reshape(-1, 3))
    greys = [(v, v, v) for v in range(10, 256, 20)]
    things = (
        *((rgb, _OUTFIT_SHADES, _OUTFIT_RADIUS) for rgb in OUTFITS),
        *((rgb, _CAP_SHADES, _OUTFIT_RADIUS) for rgb in OUTFITS),
        *((rgb, _MARK_SHADES, _MARK_RADIUS) for rgb in MARKS),
        *((rgb, _SCENERY_SHADES, _SCENERY_RADIUS) for rgb in SCENERY),
        *((rgb, np.ones(1), _SCENERY_RADIUS) for rgb in greys),
    )
    away = np.stack([_away(colours, rgb, shades) / radius for rgb, shades, radius in things])
    label = 1 + away.argmin(axis=0)
    label[(away.min(axis=0) > 1) | (label >= FIRST_MARK + len(MARKS))] = 0
    table: NDArray[np.uint8] = label.astype(np.uint8)
    return table


def _away(colours: _Array, rgb: RGB, shades: _Array) -> _Array:
    """Distance [n] of opponent colours [n, 3] from the nearest shade of a colour."""
    points = opponent(np.minimum(255.0, shades[:, None] * np.array(rgb, np.float64)))
    nearest: _Array = np.linalg.norm(colours[:, None] - points, axis=2).min(axis=1)
    return nearest
