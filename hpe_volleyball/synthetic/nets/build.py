"""The table of networks that can be built, and the writing of their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnx

from hpe_volleyball.errors import ModelError
from hpe_volleyball.synthetic.nets.cspnext import Size
from hpe_volleyball.synthetic.nets.rtmdet import Head, build_detector
from hpe_volleyball.synthetic.nets.rtmpose import PoseShape, build_pose

_SEED: Final = 20230313


@dataclass(frozen=True, slots=True)
class NetSpec:
    """A network and what its authors publish about it.

    Attributes:
        size: Depth and width.
        width: Of the input in pixels; a detector takes others too.
        height: Of the input in pixels.
        parameters_m: Published parameters in millions; None where the authors give none.
        gflops: Published cost of one image in 10^9 multiply-adds; None where none is given.
        head: A detector's head, or None for a pose net.
        keypoints: Of a pose net.
    """

    size: Size
    width: int
    height: int
    parameters_m: float | None
    gflops: float | None
    head: Head | None = None
    keypoints: int = 0


_NANO, _TINY, _SMALL, _MEDIUM, _LARGE = (
    Size(0.33, 0.25, depthwise=True),
    Size(0.167, 0.375),
    Size(0.33, 0.5),
    Size(0.67, 0.75),
    Size(1.0, 1.0),
)

NETS: Final[dict[str, NetSpec]] = {
    "rtmdet-nano": NetSpec(*(_NANO, 320, 320, 0.99, 0.31), Head(blocks=1, exp=False, shared=False)),
    "rtmdet-m": NetSpec(*(_MEDIUM, 640, 640, 24.66, 38.95), Head(blocks=2, exp=True, shared=True)),
    "rtmpose-t": NetSpec(_TINY, 192, 256, 3.34, 0.36, keypoints=17),
    "rtmpose-s": NetSpec(_SMALL, 192, 256, 5.47, 0.68, keypoints=17),
    "rtmpose-m": NetSpec(_MEDIUM, 192, 256, 13.59, 1.93, keypoints=17),
    "rtmpose-l": NetSpec(_LARGE, 192, 256, 27.66, 4.16, keypoints=17),
    "rtmpose-l-384": NetSpec(_LARGE, 288, 384, 27.79, 9.35, keypoints=17),
    "rtmpose-t-halpe26": NetSpec(_TINY, 192, 256, 3.51, 0.37, keypoints=26),
    "rtmpose-s-halpe26": NetSpec(_SMALL, 192, 256, 5.70, 0.70, keypoints=26),
    "rtmpose-m-halpe26": NetSpec(_MEDIUM, 192, 256, 13.93, 1.95, keypoints=26),
    "rtmpose-l-halpe26": NetSpec(_LARGE, 192, 256, 28.11, 4.19, keypoints=26),
    "rtmpose-t-133": NetSpec(_TINY, 192, 256, None, None, keypoints=133),
    "rtmpose-s-133": NetSpec(_SMALL, 192, 256, None, None, keypoints=133),
    "rtmpose-m-133": NetSpec(_MEDIUM, 192, 256, None, None, keypoints=133),
    "rtmpose-l-133": NetSpec(_LARGE, 192, 256, None, None, keypoints=133),
    "dwpose-l-384": NetSpec(_LARGE, 288, 384, None, 10.07, keypoints=133),
}
"""Names as the official models have them where there is one, else with the number of keypoints."""


def build_model(name: str) -> onnx.ModelProto:
    """A network with random weights, always the same.

    Raises:
        ModelError: nothing has this name.
    """
    spec = NETS.get(name)
    if spec is None:
        raise ModelError(f"{name}: no such network, expected one of {', '.join(NETS)}")
    properties = {
        "random_weights": "true",
        "description": f"{name} with random weights: for timing only, finds nothing.",
    }
    if spec.head is not None:
        return build_detector(spec.size, spec.head, _SEED, properties)
    shape = PoseShape(spec.keypoints, spec.width, spec.height)
    return build_pose(spec.size, shape, _SEED, properties)


def build_graph(name: str, path: Path) -> Path:
    """Write a network with random weights, always the same bytes.

    Args:
        name: One of `NETS`.
        path: The ONNX file, replaced if it is there.

    Returns:
        The path.

    Raises:
        ModelError: nothing has this name.
    """
    model = build_model(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_bytes(model.SerializeToString(deterministic=True))
    partial.replace(path)
    return path
