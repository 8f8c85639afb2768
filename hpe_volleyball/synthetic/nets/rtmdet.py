"""RTMDet for one class with random weights: CSPNeXt, its pyramid, a head, decode and NMS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper

from hpe_volleyball.synthetic.nets.cspnext import Size, backbone, csp_layer
from hpe_volleyball.synthetic.nets.detector_tail import STRIDES, Tail
from hpe_volleyball.synthetic.nets.layers import Feature, Net

_HEAD_BLOCKS: Final = 2

_CALIBRATED: Final = 320
"""Side of the picture on which weights are scaled."""

_LOGIT: Final = -7.5
_LOGIT_GAIN: Final = 1.0
"""By measurement: on public clips at 640 px 20 to 1000 points pass the score threshold before
the NMS, as the picture is busy; of a real RTMDet-nano 120 to 300 do."""


@dataclass(frozen=True, slots=True)
class Head:
    """What differs between the heads of RTMDet's sizes, in mmdet's configs.

    Attributes:
        blocks: CSPNeXt blocks in each layer of the pyramid.
        exp: Distances are exponentials of the regression (mmdet's exp_on_reg).
        shared: The three levels share convolutions and differ in norms (mmdet's share_conv);
            an export holds three folded copies.
    """

    blocks: int
    exp: bool
    shared: bool


def build_detector(
    size: Size, head: Head, seed: int, properties: dict[str, str]
) -> onnx.ModelProto:
    """The graph of mmdeploy's export of an RTMDet person detector, with random weights.

    Like the real export it has free axes for batch, height and width, and fails at a batch above
    1, because its score mask does not fit then (mmdeploy issue 2075).

    Args:
        size: Depth and width of the network.
        head: Of this size.
        seed: Of the weights.
        properties: For the model's metadata.
    """
    net = Net(seed)
    levels = _pyramid(net, backbone(net, size), size, head.blocks)
    branches = [_branches(net, level, i, size, head) for i, level in enumerate(levels)]
    net.calibrate(_CALIBRATED, _CALIBRATED)
    outputs = [_predict(net, *pair, i, head) for i, pair in enumerate(branches)]
    Tail(net).add([scores for scores, _ in outputs], [sides for _, sides in outputs])
    return net.export(
        "rtmdet",
        ("batch", 3, "height", "width"),
        [
            helper.make_tensor_value_info("dets", TensorProto.FLOAT, ["batch", "num_dets", 5]),
            helper.make_tensor_value_info("labels", TensorProto.INT64, ["batch", "num_dets"]),
        ],
        properties,
    )


def _pyramid(net: Net, stages: tuple[Feature, ...], size: Size, blocks: int) -> tuple[Feature, ...]:
    """Features at strides 8, 16 and 32 that know each other (CSPNeXtPAFPN)."""

    def layer(x: Feature, out: int) -> Feature:
        return csp_layer(net, x, out, blocks, size, add=False, attention=False)

    low, middle, high = stages
    high = net.block(high, middle.channels)
    middle = layer(net.concat(_doubled(net, high), middle), middle.channels)
    middle = net.block(middle, low.channels)
    low = layer(net.concat(_doubled(net, middle), low), low.channels)

    up = size.conv3(net, low, low.channels, stride=2)
    wide_middle = layer(net.concat(up, middle), 2 * low.channels)
    up = size.conv3(net, wide_middle, wide_middle.channels, stride=2)
    wide_high = layer(net.concat(up, high), 2 * wide_middle.channels)
    return tuple(size.conv3(net, x, low.channels) for x in (low, wide_middle, wide_high))


def _doubled(net: Net, x: Feature) -> Feature:
    """Each pixel four times."""
    name = net.node(
        *("Resize", x.name, net.floats(), net.floats(1, 1, 2, 2)),
        coordinate_transformation_mode="asymmetric",
        cubic_coeff_a=-0.75,
        mode="nearest",
        nearest_mode="floor",
    )
    return Feature(name, x.channels)


def _branches(
    net: Net, level: Feature, number: int, size: Size, head: Head
) -> tuple[Feature, Feature]:
    """Features of one level for the class and for the distances."""
    branches = []
    counted = number == 0 or not head.shared
    for _ in range(2):
        x = level
        for _ in range(_HEAD_BLOCKS):
            if size.depthwise:
                x = net.separable(x, level.channels, 3, counted=counted)
            else:
                x = net.block(x, level.channels, 3, counted=counted)
                net.parameters += 0 if counted else 2 * level.channels
        branches.append(x)
    return branches[0], branches[1]


def _predict(
    net: Net, for_class: Feature, for_sides: Feature, number: int, head: Head
) -> tuple[str, str]:
    """Class logits [batch, 1, h, w] and distances in pixels [batch, 4, h, w] of one level."""
    scores = net.biased(for_class, 1, gain=_LOGIT_GAIN, bias=_LOGIT)
    gain, bias = (0.2, 0.7) if head.exp else (0.4, 2.5)
    sides = net.biased(for_sides, 4, gain=gain, bias=bias).name
    if head.exp:
        sides = net.node("Exp", sides)
    return scores.name, net.node("Mul", sides, net.scalar(STRIDES[number], np.float32))
