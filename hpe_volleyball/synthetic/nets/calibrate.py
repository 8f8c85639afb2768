"""Scales random weights so that activations keep their size, as batch norms do in training.

Without it a hundred random layers let the signal vanish or grow past what float16 holds. Each
convolution before a SiLU gives one root mean square on a noise picture, the norm of weights chosen
by the data (arXiv 1602.07868, section 3). Means are left in: taking them out makes the network
chaotic, so that real pictures overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_Array = NDArray[np.float32]

_OCTAVES: Final = 6  # the coarsest grid has a cell for every 32 pixels

_SIZE: Final = 3.0
"""Root mean square before a SiLU. There it is nearly a ReLU, so that a picture with more contrast
gives proportionally larger activations instead of ever larger ones."""


def calibrate(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    height: int,
    width: int,
    random: np.random.Generator,
) -> None:
    """Scale the convolutions before a SiLU, in place.

    Args:
        nodes: Of the convolutional part of a graph, in order, from the image `input` on.
        constants: Its initialisers; weights are replaced, biases stay 0.
        height: Of the noise picture, a multiple of 32.
        width: Of the noise picture, a multiple of 32.
        random: Makes the picture.
    """
    places = {tensor.name: i for i, tensor in enumerate(constants)}
    values: dict[str, _Array] = {"input": _picture(height, width, random)}
    gated = {node.input[0] for node in nodes if node.op_type == "Sigmoid"}
    last_use = {name: i for i, node in enumerate(nodes) for name in node.input}
    for number, node in enumerate(nodes):
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        inputs = [
            values[name] if name in values else numpy_helper.to_array(constants[places[name]])
            for name in node.input
        ]
        result = _OPERATORS[node.op_type](inputs, attributes)
        if node.op_type == "Conv" and node.output[0] in gated:
            scale = np.float32(_SIZE) / np.sqrt((result**2).mean())
            weights = places[node.input[1]]
            name = constants[weights].name
            constants[weights].CopyFrom(numpy_helper.from_array(inputs[1] * scale, name))
            result *= scale
        values[node.output[0]] = result
        for name in node.input:
            if last_use[name] == number:
                values.pop(name, None)


def _picture(height: int, width: int, random: np.random.Generator) -> _Array:
    """Noise at several scales, [3, height, width], of mean 0 and variance about 1."""
    picture = np.zeros((3, height, width), np.float32)
    for octave in range(_OCTAVES):
        step = 2**octave
        coarse = random.standard_normal((3, height // step, width // step), np.float32)
        picture += coarse.repeat(step, axis=1).repeat(step, axis=2)
    return picture / np.float32(np.sqrt(_OCTAVES))


def _windows(x: _Array, kernel: int, stride: int, fill: float) -> _Array:
    """[C, h, w, kernel, kernel] of a padded [C, H, W]."""
    edge = kernel // 2
    padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge)), constant_values=fill)
    windows = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    return windows[:, ::stride, ::stride]


def _conv(inputs: list[_Array], attributes: dict[str, Any]) -> _Array:
    x, weights, bias = inputs
    windows = _windows(x, weights.shape[2], attributes["strides"][0], 0)
    height, width = windows.shape[1:3]
    if attributes["group"] > 1:
        # One pass for each tap of the kernel is faster than one sum over windows.
        out = np.zeros((len(x), height, width), np.float32)
        for i, j in np.ndindex(weights.shape[2:]):
            out += windows[..., i, j] * weights[:, 0, i, j, None, None]
    else:
        columns = windows.transpose(0, 3, 4, 1, 2).reshape(-1, height * width)
        out = (weights.reshape(len(weights), -1) @ columns).reshape(-1, height, width)
    return out + bias[:, None, None]


def _max_pool(inputs: list[_Array], attributes: dict[str, Any]) -> _Array:
    x = inputs[0]
    kernel = attributes["kernel_shape"][0]
    rows = sliding_window_view(
        np.pad(x, ((0, 0), (kernel // 2,) * 2, (kernel // 2,) * 2), constant_values=-np.inf),
        kernel,
        axis=1,
    ).max(axis=-1)
    pooled: _Array = sliding_window_view(rows, kernel, axis=2).max(axis=-1)
    return pooled


def _sigmoid(inputs: list[_Array], _: dict[str, Any]) -> _Array:
    # By the hyperbolic tangent, which does not overflow.
    half: _Array = np.tanh(inputs[0] / np.float32(2), dtype=np.float32)
    return half / np.float32(2) + np.float32(0.5)


def _hard_sigmoid(inputs: list[_Array], attributes: dict[str, Any]) -> _Array:
    gate: _Array = inputs[0] * np.float32(attributes["alpha"]) + np.float32(0.5)
    clipped: _Array = np.clip(gate, 0, 1)
    return clipped


_OPERATORS: Final[dict[str, Callable[[list[_Array], dict[str, Any]], _Array]]] = {
    "Conv": _conv,
    "Sigmoid": _sigmoid,
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Concat": lambda inputs, _: np.concatenate(inputs),
    "MaxPool": _max_pool,
    "GlobalAveragePool": lambda inputs, _: inputs[0].mean(axis=(1, 2), keepdims=True),
    "HardSigmoid": _hard_sigmoid,
    "Resize": lambda inputs, _: inputs[0].repeat(2, axis=1).repeat(2, axis=2),
}
