"""What two models are compared on, and whose joints a pose model is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.models.opening import open_session
from hpe_volleyball.quantize.samples import Samples
from hpe_volleyball.quantize.subject import DetectorSubject, PoseSubject, boxes_by
from hpe_volleyball.quantize.validation import BoxAgreement, PoseAgreement
from hpe_volleyball.records import Frame
from tests import graphs
from tests.runs import Models

BLANK = [Frame(number, number / 50, np.zeros((96, 96, 3), np.uint8)) for number in range(8)]
PICTURES = Samples("blank", BLANK[:3], BLANK[3:], None)
"""Three to calibrate on, five to validate on."""


@pytest.mark.parametrize(("proof", "pictures"), [(True, 5), (False, 3)])
def test_only_a_proof_is_on_the_validation_pictures(
    constant_models: Models, proof: bool, pictures: int
) -> None:
    det, pose = (open_session(path, "cpu") for path in constant_models)
    boxes = DetectorSubject(PICTURES).agreement(det, det, proof=proof)
    assert isinstance(boxes, BoxAgreement)
    assert boxes.boxes == 2 * pictures  # the detector always sees two people
    people = dict.fromkeys(range(8), np.array([[6, 9, 36, 57]] * 4, np.float32))
    poses = PoseSubject(PICTURES, people).agreement(pose, pose, proof=proof)
    assert isinstance(poses, PoseAgreement)
    assert poses.people == 4 * pictures


def test_joints_are_asked_for_of_those_whom_the_detector_is_sure_of(tmp_path: Path) -> None:
    rows = [[6, 9, 36, 57, 0.9], [51, 9, 81, 57, 0.31], [30, 9, 60, 57, 0.29]]
    path = graphs.detector(tmp_path / "det.onnx", rows, [0, 0, 0], image=(1, 3, 96, 96))
    boxes = boxes_by(open_session(path, "cpu"), PICTURES)
    assert sorted(boxes) == list(range(8))
    for found in boxes.values():
        np.testing.assert_allclose(found, [row[:4] for row in rows[:2]])
