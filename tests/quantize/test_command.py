"""Which pictures the models are converted by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hpe_volleyball.options import InferOptions
from hpe_volleyball.quantize.command import QuantizeOptions, quantize
from hpe_volleyball.quantize.validation import BoxAgreement, PoseAgreement
from tests import graphs
from tests.clips import fixed_rate


@pytest.fixture
def two_people(tmp_path: Path) -> Path:
    """A detector that sees two people everywhere, and somebody of whom it is not sure.

    It adds nothing to their boxes, but by way of the picture: a mere constant is no network.
    """
    rows = [[6, 9, 36, 57, 0.9], [51, 9, 81, 57, 0.8], [30, 9, 60, 57, 0.2]]
    path = graphs.detector(tmp_path / "det.onnx", rows, [0, 0, 0], image=(1, 3, 96, 96))
    model = onnx.load(str(path))
    graph = model.graph
    del graph.node[0]
    graph.initializer.append(numpy_helper.from_array(np.array(0, np.float32), "nothing"))
    graph.node.extend(
        [
            helper.make_node("ReduceMax", ["input"], ["most"], keepdims=0),
            helper.make_node("Mul", ["most", "nothing"], ["none"]),
            helper.make_node("Add", ["dets_value", "none"], ["dets"]),
        ]
    )
    onnx.save(model, str(path))
    return path


def test_models_are_compared_on_pictures_of_the_video_that_is_named(
    two_people: Path, small_pose: Path, tmp_path: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 6)
    options = QuantizeOptions(
        models=InferOptions(det=two_people, pose=small_pose, device="cpu"),
        output_dir=tmp_path / "models",
        calibrate=clip,
        frames=8,
        budget_s=0.001,
    )
    det, pose = quantize(options)
    assert det.samples == pose.samples == str(clip)
    assert det.pictures == pose.pictures == 3  # half of what there is
    assert isinstance(det.agreement, BoxAgreement)
    assert isinstance(pose.agreement, PoseAgreement)
    assert det.agreement.boxes == pose.agreement.people == 2 * 3
