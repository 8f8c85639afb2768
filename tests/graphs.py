"""Small ONNX models for tests, built on the spot: they answer with constants."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def constant_model(
    path: Path,
    outputs: dict[str, NDArray[np.generic]],
    *,
    image: tuple[int | str, ...] = ("batch", 3, "height", "width"),
    repeat_batch: bool = False,
) -> Path:
    """A model with one image input that gives the same outputs whatever it sees.

    With `repeat_batch` every output's first axis is repeated to the batch of the input.
    """
    nodes, values, initializers = [], [], []
    for name, value in outputs.items():
        initializers.append(numpy_helper.from_array(value, f"{name}_value"))
        shape: list[int | str] = list(value.shape)
        if repeat_batch:
            shape[0] = image[0]
            rest = numpy_helper.from_array(np.array(value.shape[1:], np.int64), f"{name}_rest")
            initializers.append(rest)
            nodes += [
                helper.make_node("Shape", ["input"], [f"{name}_all"]),
                helper.make_node("Slice", [f"{name}_all", "zero", "one"], [f"{name}_n"]),
                helper.make_node("Concat", [f"{name}_n", f"{name}_rest"], [f"{name}_to"], axis=0),
                helper.make_node("Expand", [f"{name}_value", f"{name}_to"], [name]),
            ]
        else:
            nodes.append(helper.make_node("Identity", [f"{name}_value"], [name]))
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        values.append(helper.make_tensor_value_info(name, kind, shape))
    initializers += [
        numpy_helper.from_array(np.array([i], np.int64), name)
        for i, name in enumerate(("zero", "one"))
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, list(image))]
    graph = helper.make_graph(nodes, "constant", inputs, values, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def detector(path: Path, dets: list[list[float]], labels: list[int], **kwargs: object) -> Path:
    """An RTMDet export that always gives these boxes (x1 y1 x2 y2 score) and labels."""
    outputs: dict[str, NDArray[np.generic]] = {
        "dets": np.array([dets], np.float32).reshape(1, -1, 5),
        "labels": np.array([labels], np.int64).reshape(1, -1),
    }
    return constant_model(path, outputs, **kwargs)  # type: ignore[arg-type]


def pose(
    path: Path,
    peaks: list[tuple[int, int, float, float]],
    *,
    batch: int | str = "batch",
    size: tuple[int, int] = (192, 256),
) -> Path:
    """An RTMPose export that always gives these peaks (bin x, bin y, height x, height y)."""
    width, height = size
    x = np.zeros((1, len(peaks), width * 2), np.float32)
    y = np.zeros((1, len(peaks), height * 2), np.float32)
    for k, (at_x, at_y, value_x, value_y) in enumerate(peaks):
        x[0, k] = np.minimum(0, value_x) - 1
        y[0, k] = np.minimum(0, value_y) - 1
        x[0, k, at_x], y[0, k, at_y] = value_x, value_y
    outputs: dict[str, NDArray[np.generic]] = {"simcc_x": x, "simcc_y": y}
    return constant_model(path, outputs, image=(batch, 3, height, width), repeat_batch=True)
