"""Small networks of the real kinds, with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.quantize.graph import write_model
from hpe_volleyball.quantize.samples import Samples
from hpe_volleyball.records import Floats, Frame
from hpe_volleyball.synthetic.nets.cspnext import Size
from hpe_volleyball.synthetic.nets.rtmdet import Head, build_detector
from hpe_volleyball.synthetic.nets.rtmpose import PoseShape, build_pose


@pytest.fixture(scope="session")
def small_detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RTMDet of an eighth of the width, NMS inside."""
    model = build_detector(
        Size(0.33, 0.125, depthwise=True), Head(blocks=1, exp=True, shared=False), 1, {}
    )
    path = tmp_path_factory.mktemp("nets") / "small-det.onnx"
    write_model(model, path)
    return path


@pytest.fixture(scope="session")
def small_pose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RTMPose of an eighth of the width for crops of 64x64 pixels."""
    model = build_pose(Size(0.167, 0.125), PoseShape(17, 64, 64), 2, {})
    path = tmp_path_factory.mktemp("nets") / "small-pose.onnx"
    write_model(model, path)
    return path


def noise_frame(number: int) -> Frame:
    """Coloured blocks, so that nets have something to see."""
    random = np.random.default_rng(number)
    coarse = random.integers(0, 256, (12, 16, 3), np.uint8)
    image = coarse.repeat(20, axis=0).repeat(20, axis=1)
    return Frame(number, number / 50, image)


@pytest.fixture(scope="session")
def samples() -> Samples:
    """Eight pictures with eight people each."""
    frames = [noise_frame(number) for number in range(8)]
    corner = np.random.default_rng(9).uniform(0, 150, (8, 2))
    boxes: Floats = np.concatenate([corner, corner + 80], axis=1).astype(np.float32)
    return Samples("noise", frames[::2], frames[1::2], dict.fromkeys(range(8), boxes))
