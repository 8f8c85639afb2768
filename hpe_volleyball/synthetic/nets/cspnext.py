"""CSPNeXt, the backbone of RTMDet and RTMPose (arXiv 2212.07784, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hpe_volleyball.synthetic.nets.layers import Feature, Net

_STAGES: Final = ((128, 3), (256, 6), (512, 6), (1024, 3))
"""Channels and blocks of each stage at width and depth 1."""

_STEM: Final = (32, 32, 64)


@dataclass(frozen=True, slots=True)
class Size:
    """How wide and deep a network is.

    Attributes:
        depth: Factor on the number of blocks of a stage.
        width: Factor on the number of channels.
        depthwise: 3x3 convolutions are separable too, as in RTMDet-nano.
    """

    depth: float
    width: float
    depthwise: bool = False

    def channels(self, full: int) -> int:
        """Channels at this width."""
        return int(full * self.width)

    def conv3(self, net: Net, x: Feature, out: int, *, stride: int = 1) -> Feature:
        """A 3x3 block, plain or separable."""
        if self.depthwise:
            return net.separable(x, out, 3, stride=stride)
        return net.block(x, out, 3, stride=stride)


def csp_layer(
    net: Net, x: Feature, out: int, blocks: int, size: Size, *, add: bool, attention: bool
) -> Feature:
    """A cross-stage-partial layer: half of the channels pass a few blocks, half pass by.

    Args:
        net: Gets the nodes.
        x: What comes in.
        out: Channels that go out.
        blocks: CSPNeXt blocks, each 3x3 then separable 5x5.
        size: Says how 3x3 convolutions are made.
        add: The blocks are residual.
        attention: Channels are weighed by their global mean.
    """
    half = out // 2
    short = net.block(x, half)
    main = net.block(x, half)
    for _ in range(blocks):
        bent = net.separable(size.conv3(net, main, half), half, 5)
        main = Feature(net.node("Add", bent.name, main.name), half) if add else bent
    both = net.concat(main, short)
    if attention:
        mean = Feature(net.node("GlobalAveragePool", both.name), both.channels)
        # A bias of 3 puts the hard sigmoid at 1, so that activations keep their size.
        weight = net.biased(mean, both.channels, bias=3.0)
        gate = net.node("HardSigmoid", weight.name, alpha=1 / 6)
        both = Feature(net.node("Mul", both.name, gate), both.channels)
    return net.block(both, out)


def backbone(net: Net, size: Size) -> tuple[Feature, ...]:
    """Features at strides 8, 16 and 32 of the image `input`."""
    x = Feature("input", 3)
    for number, full in enumerate(_STEM):
        x = net.block(x, size.channels(full), 3, stride=1 if number else 2)
    stages = []
    for number, (full, blocks) in enumerate(_STAGES):
        last = number == len(_STAGES) - 1
        out = size.channels(full)
        x = size.conv3(net, x, out, stride=2)
        if last:
            x = _pyramid_pooling(net, x)
        count = max(round(blocks * size.depth), 1)
        x = csp_layer(net, x, out, count, size, add=not last, attention=True)
        stages.append(x)
    return tuple(stages[1:])


def _pyramid_pooling(net: Net, x: Feature) -> Feature:
    """Maxima over 5, 9 and 13 pixels beside the original (SPPBottleneck)."""
    narrow = net.block(x, x.channels // 2)
    pooled = [
        Feature(
            net.node(
                *("MaxPool", narrow.name),
                ceil_mode=0,
                kernel_shape=[kernel] * 2,
                pads=[kernel // 2] * 4,
                strides=[1, 1],
            ),
            narrow.channels,
        )
        for kernel in (5, 9, 13)
    ]
    return net.block(net.concat(narrow, *pooled), x.channels)
