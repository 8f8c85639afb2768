"""Tiny ONNX models with the inputs and outputs of RTMDet and RTMPose, for synthetic rallies only.

Boxes are the extents of an outfit's pixels, keypoints the peaks of a mark's pixels near the outfit
of the person for whom the crop was made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from hpe_volleyball.files import replacing
from hpe_volleyball.models.preprocess import BOX_PADDING
from hpe_volleyball.synthetic.colour_net import (
    FIRST_CAP,
    FIRST_MARK,
    bodies,
    first_and_last,
    labels,
    one_hot,
    thick,
)
from hpe_volleyball.synthetic.figure import MARK_RADII, TALL
from hpe_volleyball.synthetic.onnx_graph import Graph, average
from hpe_volleyball.synthetic.palette import MARKS, OUTFITS

DETECTOR_FILE: Final = "demo-rtmdet.onnx"
POSE_FILE: Final = "demo-rtmpose.onnx"

_Array = NDArray[np.float64]


_CROP: Final = (192, 256)
"""Width and height of the pose net's input."""

_TALL_IN_CROP: Final = float(round(_CROP[1] / BOX_PADDING))
"""Pixels of a standing person in the crop."""

BLOCK: Final = 4
"""Pixels per side of the blocks in which outfits are counted."""

_FEWEST: Final = 18.0
"""Pixels of an outfit below which nobody is there."""

_HALF_SURE: Final = 40.0
"""Pixels of an outfit at which the score is 0.5."""

_BLURS: Final = (5, 3, 5)
"""Widths of the blurs of a mark's pixels: one on the crop, then two coarse ones side by side."""

_COARSE: Final = 2
"""Pixels of the crop per pixel of the heat maps."""

_SEEN_RADIUS: Final = 0.85
"""Part of a mark's radius which keeps its colour through coding and scaling."""

_FIRST_BODY: Final = FIRST_MARK + 5.0
"""Labels from here on are marks of the body, which are larger than those of the face."""

_LARGE: Final = 5
"""Pixels of the crop below which a spot of their colour is none of them."""

_NEAR_FACE: Final = (3, 11)
_NEAR_BODY: Final = (3, 5)
"""Widths in blocks of the windows around marks in which outfits are weighed."""

_FEW: Final = 300.0
"""An outfit that fills n blocks is as good as one whose extent is `_FEW` / n blocks farther off."""

_LEAST_OWN: Final = 0.02
"""Share of the own outfit in them below which a mark is nobody's."""

_OTHERS: Final = 1.2
_OTHERS_CAPS: Final = 0.8
"""A mark is the own one if the own outfit's share is above this part of any other's."""

_STEEP: Final = 4.0
_UNSURE: Final = np.array([*[0.4] * 5, *[1.3] * 12])
"""A mark of which a share s is seen scores 1 - exp(-(steep * s - unsure))."""


def detector() -> onnx.ModelProto:
    """The demo detector: one row per outfit, those of absent outfits all 0."""
    graph = Graph()
    label = labels(graph, "input", bgr=True, whole=True)
    label = graph.node("Mul", label, thick(graph, label, 2))
    mask = one_hot(graph, label, 1, len(OUTFITS))
    share, body = bodies(graph, mask, BLOCK, 0.4, 7)
    count = graph.node("ReduceSum", share, graph.ints(2, 3), keepdims=0)
    count = graph.node("Mul", count, graph.floats(BLOCK**2))
    present = graph.cast(graph.node("GreaterOrEqual", count, graph.floats(_FEWEST)), np.float32)
    score = graph.node("Div", count, graph.node("Add", count, graph.floats(_HALF_SURE)))
    score = graph.node("Mul", score, present)
    rows = [graph.node("Mul", edge, present) for edge in _edges(graph, mask, body)]
    rows.append(score)
    wide = [graph.node("Unsqueeze", row, graph.ints(2)) for row in rows]
    table = graph.node("Concat", *wide, axis=2)
    graph.nodes.append(
        helper.make_node("TopK", [score, graph.ints(len(OUTFITS))], ["best", "order"], axis=1)
    )
    order = graph.node("Unsqueeze", "order", graph.ints(2))
    spread = graph.node("Expand", order, graph.ints(1, 1, 5))
    graph.node("GatherElements", table, spread, to="dets", axis=1)
    graph.node("Sub", "order", "order", to="labels")
    people = len(OUTFITS)
    return graph.model(
        [_value("input", TensorProto.FLOAT, "batch", 3, "height", "width")],
        [
            _value("dets", TensorProto.FLOAT, "batch", people, 5),
            _value("labels", TensorProto.INT64, "batch", people),
        ],
        "demo-rtmdet",
        "Demo detector: reads synthetic rallies only, by the twelve outfit colours.",
    )


def _edges(graph: Graph, mask: str, body: str) -> list[str]:
    """x1, y1, x2, y2, each [batch, outfits], of each outfit's pixels in the blocks of `body`."""
    low, high = [], []
    for axis in (2, 3):
        kernel = [BLOCK, 1] if axis == 2 else [1, BLOCK]
        stripes = graph.node("MaxPool", mask, kernel_shape=kernel, strides=kernel)
        finer = graph.floats(1.0, 1.0, *(BLOCK / k for k in kernel))
        whole = graph.node("Resize", body, "", finer, mode="nearest")
        line = graph.node("Mul", stripes, whole)
        line = graph.node("ReduceMax", line, axes=[axis], keepdims=0)
        first, last = first_and_last(graph, line)
        low.append(first)
        high.append(last)
    return [*low, *high]


def _own_marks(graph: Graph, label: str) -> str:
    """The label where it is a mark of the person for whom the crop was made, else 0."""
    coarse = graph.node("MaxPool", label, kernel_shape=[1, 1], strides=[_COARSE] * 2)
    coarse = graph.node("Mul", coarse, thick(graph, coarse, 2))
    block = BLOCK // _COARSE
    caps = one_hot(graph, coarse, FIRST_CAP, len(OUTFITS))
    mask = graph.node("Add", one_hot(graph, coarse, 1, len(OUTFITS)), caps)
    share, body = bodies(graph, mask, block, 0.6, 16)
    chosen = _chosen(graph, share, body)
    caps = graph.node("AveragePool", caps, kernel_shape=[block] * 2, strides=[block] * 2)
    wide = _territory(graph, caps, chosen, _NEAR_FACE, _OTHERS_CAPS)
    close = _territory(graph, share, chosen, _NEAR_BODY, _OTHERS)
    face = graph.cast(graph.node("Less", label, graph.floats(_FIRST_BODY)), np.float32)
    large = graph.node("Mul", close, thick(graph, label, _LARGE))
    wide = graph.node("Mul", wide, face)
    close = graph.node("Sub", large, graph.node("Mul", large, face))
    return graph.node("Mul", label, graph.node("Add", wide, close))


def _territory(graph: Graph, share: str, chosen: str, windows: tuple[int, ...], lead: float) -> str:
    """1 where the chosen outfit outweighs all others around the pixel; [batch, 1, h, w]."""
    near = [average(graph, share, size) for size in windows]
    around = graph.node("Sum", *near)
    chosen_around = graph.node("Mul", around, chosen)
    own = graph.node("ReduceSum", chosen_around, graph.ints(1), keepdims=1)
    others = graph.node("Sub", around, chosen_around)
    most = graph.node("ReduceMax", others, axes=[1], keepdims=1)
    bar = graph.node("Mul", most, graph.floats(lead))
    bar = graph.node("Max", bar, graph.floats(_LEAST_OWN))
    own = graph.cast(graph.node("Greater", own, bar), np.float32)
    finer = graph.floats(1.0, 1.0, BLOCK, BLOCK)
    return graph.node("Resize", own, "", finer, mode="nearest")


def _chosen(graph: Graph, share: str, body: str) -> str:
    """1 for the outfit whose extent best fits a crop made for it, else 0; [batch, n, 1, 1]."""
    low, high = [], []
    for axis in (2, 3):
        line = graph.node("ReduceMax", body, axes=[axis], keepdims=0)
        first, last = first_and_last(graph, line)
        low.append(first)
        high.append(last)
    width, height = (side / BLOCK for side in _CROP)
    wide = graph.node("Sub", high[0], low[0])
    wide = graph.node("Mul", wide, graph.floats(height / width))
    tall = graph.node("Sub", high[1], low[1])
    costs = [
        graph.node("Sub", graph.node("Max", wide, tall), graph.floats(height / BOX_PADDING)),
        graph.node("Sub", graph.node("Add", low[0], high[0]), graph.floats(width)),
        graph.node("Sub", graph.node("Add", low[1], high[1]), graph.floats(height)),
    ]
    costs = [graph.node("Abs", cost) for cost in costs]
    count = graph.node("ReduceSum", share, graph.ints(2, 3), keepdims=0)
    costs.append(graph.node("Div", graph.floats(_FEW), graph.node("Add", count, graph.floats(1.0))))
    cost = graph.node("Sum", *costs)
    least = graph.node("ReduceMin", cost, axes=[1], keepdims=1)
    chosen = graph.cast(graph.node("LessOrEqual", cost, least), np.float32)
    return graph.node("Unsqueeze", chosen, graph.ints(2, 3))


def pose() -> onnx.ModelProto:
    """The demo pose net: SimCC rows whose peaks are the marks of the person who fills the crop."""
    graph = Graph()
    label = labels(graph, "input", bgr=False, whole=False)
    own = _own_marks(graph, label)
    mask = one_hot(graph, own, FIRST_MARK, len(MARKS))
    peak = _blurred(graph, mask)
    gain = graph.constant((_STEEP / _full_response()).astype(np.float32)[None, :, None, None])
    share = graph.node(
        "Relu", graph.node("Sub", graph.node("Mul", peak, gain), graph.planes(_UNSURE))
    )
    miss = graph.node("Exp", graph.node("Neg", share))
    score = graph.node("Sub", graph.floats(1.0), miss)
    for axis, name in ((2, "simcc_x"), (3, "simcc_y")):
        line = graph.node("ReduceMax", score, axes=[axis], keepdims=1)
        if axis == 3:
            line = graph.node("Transpose", line, perm=[0, 1, 3, 2])
        _half_bins(graph, line, name)
    points = len(MARKS)
    return graph.model(
        [_value("input", TensorProto.FLOAT, "batch", 3, _CROP[1], _CROP[0])],
        [
            _value("simcc_x", TensorProto.FLOAT, "batch", points, 2 * _CROP[0]),
            _value("simcc_y", TensorProto.FLOAT, "batch", points, 2 * _CROP[1]),
        ],
        "demo-rtmpose",
        "Demo pose net: reads synthetic rallies only, by the seventeen mark colours.",
    )


def _blurred(graph: Graph, mask: str) -> str:
    """A narrow blur to find small marks, and a wide one that gives large ones a single peak.

    Pixel j of the result lies at pixel `_COARSE` * j of the mask.
    """
    thin = average(graph, mask, _BLURS[0], stride=_COARSE)
    blurs = [average(graph, thin, size) for size in _BLURS[1:]]
    return graph.node("Mul", graph.node("Add", *blurs), graph.floats(1 / len(blurs)))


def _full_response() -> _Array:
    """[17]: what `_blurred` gives in the middle of each mark of a standing person."""
    away = np.hypot(*np.meshgrid(np.arange(-12, 13), np.arange(-12, 13)))
    radii = _SEEN_RADIUS * MARK_RADII / TALL * _TALL_IN_CROP
    kernel = np.zeros(away.shape)
    for size in _BLURS[1:]:
        coarse = np.repeat(np.full(size, 1 / size), _COARSE) / _COARSE
        line = np.convolve(np.convolve(np.full(_BLURS[0], 1 / _BLURS[0]), coarse), [0.5, 0.5])
        edge = (len(away) - len(line)) // 2
        kernel += np.pad(np.outer(line, line), edge) / len(_BLURS[1:])
    return np.array([kernel[away <= radius].sum() for radius in radii])


def _half_bins(graph: Graph, line: str, name: str) -> None:
    """Pixels [batch, 17, 1, n] to bins [batch, 17, 2 n]; bin i lies at pixel i / 2."""
    scales = graph.floats(1.0, 1.0, 1.0, 2.0 * _COARSE)
    finer = graph.node(
        *("Resize", line, "", scales), mode="linear", coordinate_transformation_mode="asymmetric"
    )
    # Linear steps have their peak on a coarse pixel; two short means move it between them.
    for _ in range(2):
        finer = graph.node(
            "AveragePool", finer, kernel_shape=[1, 2 * _COARSE + 1], pads=[0, _COARSE, 0, _COARSE]
        )
    graph.node("Squeeze", finer, graph.ints(2), to=name)


def _value(name: str, kind: int, *shape: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, list(shape))


def write_demo_models(directory: Path) -> tuple[Path, Path]:
    """Write both models, always the same bytes.

    Returns:
        Paths of the detector and of the pose net.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = directory / DETECTOR_FILE, directory / POSE_FILE
    for path, model in zip(paths, (detector(), pose()), strict=True):
        with replacing(path) as fresh:
            fresh.write_bytes(model.SerializeToString(deterministic=True))
    return paths
