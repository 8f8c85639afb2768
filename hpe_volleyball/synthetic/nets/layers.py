"""Layers of RTMDet and RTMPose as an export holds them: norms folded, weights drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hpe_volleyball.synthetic.nets.calibrate import calibrate
from hpe_volleyball.synthetic.onnx_graph import Graph

_OPSET: Final = 11
_IR: Final = 6


@dataclass(frozen=True, slots=True)
class Feature:
    """A tensor of the graph and its number of channels."""

    name: str
    channels: int


class Net(Graph):
    """A graph that draws its own weights.

    Args:
        seed: Of the weights; the same seed gives the same bytes.

    Attributes:
        parameters: As the training code counts them: a norm has two for each channel (an export
            folds them into a convolution's bias), and shared convolutions count once.
        shapes: Of tensors for which shape inference does not find it.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.parameters = 0
        self.shapes: list[onnx.ValueInfoProto] = []
        self._random = np.random.default_rng(seed)

    def draw(self, *shape: int, gain: float, fan_in: int) -> NDArray[np.float32]:
        """Normal float32 weights of standard deviation gain / sqrt(fan_in)."""
        weights = self._random.standard_normal(shape, np.float32)
        return weights * np.float32(gain / np.sqrt(fan_in))

    def convolution(
        self,
        x: Feature,
        out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        gain: float = 1.0,
        bias: float = 0.0,
    ) -> Feature:
        """A convolution with its bias, padded to keep the size; counts no parameters."""
        within = x.channels // groups
        weights = self.draw(out, within, kernel, kernel, gain=gain, fan_in=within * kernel**2)
        name = self.node(
            "Conv",
            x.name,
            self.constant(weights),
            self.constant(np.full(out, bias, np.float32)),
            dilations=[1, 1],
            group=groups,
            kernel_shape=[kernel] * 2,
            pads=[kernel // 2] * 4,
            strides=[stride] * 2,
        )
        return Feature(name, out)

    def biased(
        self, x: Feature, out: int, kernel: int = 1, *, gain: float = 1.0, bias: float = 0.0
    ) -> Feature:
        """A convolution that has a bias in the training code too."""
        self.parameters += out * (x.channels * kernel**2 + 1)
        return self.convolution(x, out, kernel, gain=gain, bias=bias)

    def silu(self, x: Feature) -> Feature:
        """X * sigmoid(x), in the two operators of an opset 11 export."""
        return Feature(self.node("Mul", x.name, self.node("Sigmoid", x.name)), x.channels)

    def block(
        self,
        x: Feature,
        out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        counted: bool = True,
    ) -> Feature:
        """Convolution, folded batch norm, SiLU (mmcv's ConvModule)."""
        if counted:
            self.parameters += out * (x.channels // groups * kernel**2 + 2)
        return self.silu(self.convolution(x, out, kernel, stride=stride, groups=groups))

    def separable(
        self, x: Feature, out: int, kernel: int, *, stride: int = 1, counted: bool = True
    ) -> Feature:
        """A depthwise block, then a 1x1 block (mmcv's DepthwiseSeparableConvModule)."""
        depthwise = self.block(
            x, x.channels, kernel, stride=stride, groups=x.channels, counted=counted
        )
        return self.block(depthwise, out, counted=counted)

    def concat(self, *parts: Feature) -> Feature:
        """Along the channels."""
        name = self.node("Concat", *(part.name for part in parts), axis=1)
        return Feature(name, sum(part.channels for part in parts))

    def index(self, *values: int) -> str:
        """int64 constants [n]."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float, dtype: type[np.generic] = np.int64) -> str:
        """A constant without axes."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def as_index(self, source: str) -> str:
        """The source cast to int64."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node("Cast", [source], [name], to=TensorProto.INT64))
        return name

    def calibrate(self, width: int, height: int) -> None:
        """Scale the weights drawn so far; all nodes so far must be convolutional.

        Args:
            width: Of the picture that is used, a multiple of 32.
            height: Of the picture that is used, a multiple of 32.
        """
        calibrate(self.nodes, self.constants, height, width, self._random)

    def export(
        self,
        name: str,
        image: Sequence[int | str],
        outputs: Sequence[onnx.ValueInfoProto],
        properties: dict[str, str],
    ) -> onnx.ModelProto:
        """The checked model, in the opset of the official exports.

        Args:
            name: Of the graph.
            image: Shape of the input called `input`.
            outputs: Names, types and shapes.
            properties: For the model's metadata.
        """
        inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, list(image))]
        graph = helper.make_graph(
            self.nodes, name, inputs, list(outputs), self.constants, value_info=self.shapes
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR,
            producer_name="hpe-volleyball",
        )
        helper.set_model_props(model, {"parameters": str(self.parameters), **properties})
        onnx.checker.check_model(model, full_check=True)
        return model
