"""RTMPose with random weights: CSPNeXt, a gated attention unit, two SimCC classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper

from hpe_volleyball.synthetic.nets.cspnext import Size, backbone
from hpe_volleyball.synthetic.nets.layers import Feature, Net

_HIDDEN: Final = 256
_EXPANDED: Final = 512
_ATTENTION: Final = 128
"""Sizes of the gated attention unit in all RTMPose models (arXiv 2303.07399, section 3.3)."""

_STRIDE: Final = 32
_SPLIT: Final = 2
"""SimCC bins per pixel."""

_PEAK: Final = 0.2
"""Standard deviation of the outputs: their maxima are then about 0.6, as of real models."""


@dataclass(frozen=True, slots=True)
class PoseShape:
    """What goes into a pose net and what comes out.

    Attributes:
        keypoints: Number of them.
        width: Of the input in pixels.
        height: Of the input in pixels.
    """

    keypoints: int
    width: int
    height: int


def build_pose(
    size: Size, shape: PoseShape, seed: int, properties: dict[str, str]
) -> onnx.ModelProto:
    """The graph of an official export of RTMPose, with random weights.

    Args:
        size: Depth and width of the backbone.
        shape: Of input and output.
        seed: Of the weights.
        properties: For the model's metadata.
    """
    keypoints, width, height = shape.keypoints, shape.width, shape.height
    net = Net(seed)
    feature = backbone(net, size)[-1]
    net.calibrate(width, height)
    maps = net.biased(feature, keypoints, 7)
    area = (width // _STRIDE) * (height // _STRIDE)
    tokens = _linear(net, _scale_norm(net, _flatten(net, maps, area), area), area, _HIDDEN)
    mixed = _gated_attention(net, tokens)
    outputs = []
    for name, bins in (("simcc_x", width * _SPLIT), ("simcc_y", height * _SPLIT)):
        _linear(net, mixed, _HIDDEN, bins, gain=_PEAK, to=name)
        outputs.append(_floats(name, keypoints, bins))
    return net.export("rtmpose", ("batch", 3, height, width), outputs, properties)


def _floats(name: str, *shape: int) -> onnx.ValueInfoProto:
    """Type and shape of a float32 tensor [batch, ...]."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])


def _flatten(net: Net, maps: Feature, area: int) -> str:
    """[batch, K, h, w] -> [batch, K, h * w]."""
    shape = net.node("Shape", maps.name)
    kept = net.node("Slice", shape, net.index(0), net.index(2), net.index(0))
    flat = net.node("Reshape", maps.name, net.node("Concat", kept, net.index(-1), axis=0))
    net.shapes.append(_floats(flat, maps.channels, area))
    return flat


def _linear(
    net: Net, tokens: str, inward: int, outward: int, *, gain: float = 1.0, to: str = ""
) -> str:
    """A product with a matrix, without bias."""
    net.parameters += inward * outward
    weights = net.draw(inward, outward, gain=gain, fan_in=inward)
    return net.node("MatMul", tokens, net.constant(weights), to=to)


def _scale_norm(net: Net, tokens: str, length: int) -> str:
    """Tokens divided by the root of their mean square (ScaleNorm, arXiv 1910.05895)."""
    net.parameters += 1
    norm = net.node("ReduceL2", tokens, axes=[2], keepdims=1)
    norm = net.node("Mul", norm, net.scalar(length**-0.5, np.float32))
    norm = net.node("Clip", norm, net.scalar(1e-5, np.float32))
    return net.node("Mul", net.node("Div", tokens, norm), net.floats(1.0))


def _gated_attention(net: Net, tokens: str) -> str:
    """The gated attention unit with its shortcut (arXiv 2202.10447, as RTMPose configures it)."""
    normed = _scale_norm(net, tokens, _HIDDEN)
    wide = _linear(net, normed, _HIDDEN, 2 * _EXPANDED + _ATTENTION)
    parts = ["gate", "value", "base"]
    net.nodes.append(
        helper.make_node(
            "Split",
            [net.silu(Feature(wide, 0)).name],
            parts,
            axis=2,
            split=[_EXPANDED, _EXPANDED, _ATTENTION],
        )
    )
    gate, value, base = parts
    net.parameters += 4 * _ATTENTION + _HIDDEN
    gamma = net.constant(net.draw(1, 1, 2, _ATTENTION, gain=1.0, fan_in=1))
    beta = net.constant(net.draw(2, _ATTENTION, gain=0.1, fan_in=1))
    both = net.node("Mul", net.node("Unsqueeze", base, axes=[2]), gamma)
    both = net.node("Add", both, beta)
    net.nodes.append(helper.make_node("Split", [both], ["q2", "k2"], axis=2, split=[1, 1]))
    query, key = (net.node("Squeeze", part, axes=[2]) for part in ("q2", "k2"))
    likeness = net.node("MatMul", query, net.node("Transpose", key, perm=[0, 2, 1]))
    likeness = net.node("Div", likeness, net.scalar(_ATTENTION**0.5, np.float32))
    positive = net.node("Relu", likeness)
    attended = net.node("MatMul", net.node("Mul", positive, positive), value)
    out = _linear(net, net.node("Mul", gate, attended), _EXPANDED, _HIDDEN)
    kept = net.node("Mul", tokens, net.constant(np.ones(_HIDDEN, np.float32)))
    return net.node("Add", kept, out)
