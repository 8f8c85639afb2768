"""The table of networks that can be built, and the writing of their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnx

from hpe_volleyball.errors import ModelError
from hpe_volleyball.files import replacing
from hpe_volleyball.models.catalogue import BY_NAME
from hpe_volleyball.synthetic.nets.cspnext import Size
from hpe_volleyball.synthetic.nets.rtmdet import Head, build_detector
from hpe_volleyball.synthetic.nets.rtmpose import PoseShape, build_pose

_SEED: Final = 20230313


@dataclass(frozen=True, slots=True)
class NetSpec:
    """What a model's network is made of, besides what the catalogue says of the model.

    Attributes:
        size: Depth and width.
        head: A detector's head, or None for a pose net.
    """

    size: Size
    head: Head | None = None


_NANO, _TINY, _SMALL, _MEDIUM, _LARGE, _HUGE = (
    Size(0.33, 0.25, depthwise=True),
    Size(0.167, 0.375),
    Size(0.33, 0.5),
    Size(0.67, 0.75),
    Size(1.0, 1.0),
    Size(1.33, 1.25),
)

NETS: Final[dict[str, NetSpec]] = {
    "rtmdet-nano": NetSpec(_NANO, Head(blocks=1, exp=False, shared=False)),
    "rtmdet-m": NetSpec(_MEDIUM, Head(blocks=2, exp=True, shared=True)),
    "rtmpose-t": NetSpec(_TINY),
    "rtmpose-s": NetSpec(_SMALL),
    "rtmpose-m": NetSpec(_MEDIUM),
    "rtmpose-l": NetSpec(_LARGE),
    "rtmpose-l-384": NetSpec(_LARGE),
    "rtmpose-x-384": NetSpec(_HUGE),
    "rtmpose-t-halpe26": NetSpec(_TINY),
    "rtmpose-s-halpe26": NetSpec(_SMALL),
    "rtmpose-m-halpe26": NetSpec(_MEDIUM),
    "rtmpose-l-halpe26": NetSpec(_LARGE),
    "rtmpose-x-384-halpe26": NetSpec(_HUGE),
    "dwpose-l-384": NetSpec(_LARGE),
}
"""By the name of the model."""


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
    model = BY_NAME[name]
    if model.keypoints is None:
        raise AssertionError(f"{name} has no detector's head")
    shape = PoseShape(model.keypoints, *model.input_size)
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
    with replacing(path) as fresh:
        fresh.write_bytes(model.SerializeToString(deterministic=True))
    return path
