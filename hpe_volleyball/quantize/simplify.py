"""Folds what an export computes from constants."""

from __future__ import annotations

import onnx
import onnxsim

from hpe_volleyball.errors import ModelError
from hpe_volleyball.quantize.graph import node_name


def simplified(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The same model with fewer nodes; free axes stay free.

    Args:
        model: Stays as it is.
        name: Of the model, for the error.

    Raises:
        ModelError: the simpler model computes something else.
    """
    simple: onnx.ModelProto
    simple, same = onnxsim.simplify(model)
    if not same:
        raise ModelError(f"{name}: the simplified model gives other results than the original")
    for number, node in enumerate(simple.graph.node):
        node.name = node_name(number, node)
    return simple
