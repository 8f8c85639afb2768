"""A conversion from file to file: proof first, the same bytes every time, nothing unproven kept."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import hpe_volleyball.quantize
from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.tensors import TensorSpec
from hpe_volleyball.quantize.convert import convert_model
from hpe_volleyball.quantize.graph import metadata_of, read_source
from hpe_volleyball.quantize.report import Report, Request
from hpe_volleyball.quantize.samples import Samples, rally_samples
from hpe_volleyball.quantize.subject import DetectorSubject, PoseSubject, Subject
from hpe_volleyball.quantize.validation import (
    BoxAgreement,
    PoseAgreement,
    compare_boxes,
    compare_poses,
)
from hpe_volleyball.records import Detections, Floats, Poses
from tests import graphs
from tests.installed import version_in


def pose_subject(samples: Samples) -> Subject:
    assert samples.boxes is not None
    return PoseSubject(samples, samples.boxes)


def convert(path: Path, subject: Subject, folder: Path, **changes: object) -> Report:
    request = Request(precision="fp16", output_dir=folder, keep_anyway=True, budget_s=5)
    return convert_model(path, subject, dataclasses.replace(request, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_twice_gives_the_same_bytes_that_say_how_they_were_made(
    small_pose: Path, samples: Samples, tmp_path: Path, precision: str
) -> None:
    subject = pose_subject(samples)
    # Time for one trial in any case: how far a longer search comes depends on the machine.
    reports = [
        convert(small_pose, subject, tmp_path / name, precision=precision, budget_s=0.001)
        for name in "ab"
    ]
    one, other = (report.result for report in reports)
    assert one is not None
    assert other is not None
    assert one.name == f"small-pose.{precision}.onnx"
    assert one.read_bytes() == other.read_bytes()
    assert [path.name for path in one.parent.iterdir()] == [one.name]
    told = metadata_of(onnx.load(str(one)))
    assert told["hpe_volleyball.source_sha256"] == sha256_of(small_pose)
    assert told["hpe_volleyball.precision"] == precision
    assert set(json.loads(told["hpe_volleyball.tools"])) >= {"onnx", "onnxruntime", "onnxsim"}
    proof = json.loads(told["hpe_volleyball.validation"])
    assert proof["verdict"] == told["hpe_volleyball.verdict"] == reports[0].verdict
    session = open_session(one, "cpu")
    assert session.precision == precision
    # INT8 is for CPUs, where bytes gain nothing.
    in_bytes = ("input_bytes", ("batch", 64, 64, 3), "tensor(uint8)")
    in_planes = ("input", ("batch", 3, 64, 64), "tensor(float)")
    assert session.inputs == (TensorSpec(*(in_bytes if precision == "fp16" else in_planes)),)
    with pytest.raises(ModelError, match=f"{precision.upper()} already"):
        read_source(one)


def test_what_makes_no_valid_model_is_an_error_and_leaves_nothing(
    samples: Samples, tmp_path: Path
) -> None:
    constant = graphs.detector(tmp_path / "det.onnx", [[2, 3, 40, 60, 0.9]], [0])
    with pytest.raises(
        ModelError, match=r"det\.onnx: expected a model that can be converted to fp16"
    ):
        convert(constant, DetectorSubject(samples), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_int8_without_what_it_needs_is_an_error_and_fp16_needs_none_of_it(
    small_pose: Path, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ONNX Runtime before 1.28 without SymPy."""
    monkeypatch.setitem(sys.modules, "hpe_volleyball.quantize.int8", None)
    monkeypatch.delattr(hpe_volleyball.quantize, "int8", raising=False)
    with pytest.raises(ModelError, match=r"cannot make INT8 models here .*--precision fp16"):
        convert(small_pose, pose_subject(samples), tmp_path, precision="int8")
    report = convert(small_pose, pose_subject(samples), tmp_path, budget_s=0.001)
    assert report.result is not None


def test_any_distribution_of_the_runtime_will_do(
    small_pose: Path, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = {"hpe-volleyball": "1", "onnx": "2", "onnxsim": "3", "onnxruntime-openvino": "4"}
    monkeypatch.setattr(importlib.metadata, "version", version_in(installed))
    report = convert(small_pose, pose_subject(samples), tmp_path, budget_s=0.001)
    assert report.result is not None
    told = metadata_of(onnx.load(str(report.result)))
    assert json.loads(told["hpe_volleyball.tools"])["onnxruntime"] == onnxruntime.__version__


def test_what_is_slower_or_unproven_is_not_kept(
    small_pose: Path, samples: Samples, tmp_path: Path
) -> None:
    nobody = dict.fromkeys(range(8), np.zeros((0, 4), np.float32))
    report = convert(small_pose, PoseSubject(samples, nobody), tmp_path, keep_anyway=False)
    assert report.verdict == "not proven"
    assert report.search.trials == 1  # with nobody to compare there is nothing to search by
    assert report.kept < report.nodes / 2
    assert not report.good
    assert report.result is None
    assert list(tmp_path.iterdir()) == []


def test_a_detector_is_cut_and_its_half_finds_the_same(
    small_detector: Path, samples: Samples, tmp_path: Path
) -> None:
    report = convert(small_detector, DetectorSubject(samples, 160), tmp_path)
    assert report.cut == ""
    assert report.result is not None
    session = open_session(report.result, "cpu")
    assert session.outputs[0].name == "scores_8"
    assert isinstance(report.agreement, BoxAgreement)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("size", [320, 640])
def test_the_real_detector_is_safe_in_half_precision(
    real_detector: Path, tmp_path: Path, size: int
) -> None:
    report = convert(real_detector, DetectorSubject(rally_samples(8), size), tmp_path)
    assert isinstance(report.agreement, BoxAgreement)
    assert report.agreement.matched >= 0.99
    assert report.agreement.mean_iou >= 0.99
    assert report.verdict == "safe"


@pytest.mark.slow
@pytest.mark.shared
def test_the_real_pose_model_is_safe_in_half_precision(real_pose: Path, tmp_path: Path) -> None:
    report = convert(real_pose, pose_subject(rally_samples(3)), tmp_path)
    assert isinstance(report.agreement, PoseAgreement)
    assert report.agreement.oks >= 0.99
    assert report.verdict == "safe"


@pytest.mark.slow
@pytest.mark.shared
def test_int8_of_the_real_detector_ends_in_time_and_says_what_it_lost(
    real_detector: Path, tmp_path: Path
) -> None:
    report = convert(
        real_detector, DetectorSubject(rally_samples(4)), tmp_path, precision="int8", budget_s=30
    )
    assert report.search.seconds < 40
    assert isinstance(report.agreement, BoxAgreement)
    # How much stays in floating point is the search's to say: as much as a safe result needs.
    assert 0 < report.agreement.max_score_difference < 0.1
    assert report.bytes_after < 0.8 * report.bytes_before


def detections(*rows: tuple[float, float, float, float, float]) -> Detections:
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4])


def test_boxes_near_the_threshold_are_no_misses_but_their_scores_differ() -> None:
    one = [detections((0, 0, 10, 10, 0.32), (50, 0, 60, 10, 0.8))]
    other = [detections((0, 0, 10, 10, 0.28), (50, 0, 60, 9, 0.8))]
    agreement = compare_boxes(one, other)
    assert (agreement.boxes, agreement.matched) == (2, 1.0)
    assert agreement.mean_iou == pytest.approx((1 + 0.9) / 2)
    assert agreement.max_score_difference == pytest.approx(0.04)
    assert agreement.max_px == pytest.approx(1)


def test_missing_and_additional_boxes_count_on_both_sides() -> None:
    one = [detections((0, 0, 10, 10, 0.9)), detections(), detections((5, 5, 9, 9, 0.9))]
    other = [detections((0, 0, 10, 10, 0.9)), detections((5, 5, 9, 9, 0.9)), detections()]
    assert compare_boxes(one, other).matched == pytest.approx(2 / 4)
    assert compare_boxes([detections()], [detections()]).verdict == "not proven"


@pytest.mark.parametrize(
    ("matched", "iou", "verdict"),
    [
        (0.99, 0.99, "safe"),
        (0.989, 1, "usable"),
        (1, 0.989, "usable"),
        (0.949, 1, "not recommended"),
        (1, 0.899, "not recommended"),
    ],
)
def test_verdicts_follow_the_stated_limits(matched: float, iou: float, verdict: str) -> None:
    assert BoxAgreement(100, matched, iou, 0, 0, 0).verdict == verdict
    assert BoxAgreement(19, matched, iou, 0, 0, 0).verdict == "not proven"


@pytest.mark.parametrize(
    ("oks", "verdict"),
    [(0.99, "safe"), (0.989, "usable"), (0.95, "usable"), (0.949, "not recommended")],
)
def test_verdicts_of_poses_follow_the_stated_limits(oks: float, verdict: str) -> None:
    assert PoseAgreement(20, oks, 0, 0, 0, 0).verdict == verdict
    assert PoseAgreement(19, oks, 0, 0, 0, 0).verdict == "not proven"


def test_joints_are_compared_in_pixels_and_by_oks() -> None:
    boxes: list[Floats] = [np.tile(np.array([0, 0, 100, 200], np.float32), (20, 1))]
    keypoints = np.full((20, 17, 2), 50, np.float32)
    scores = np.ones((20, 17), np.float32)
    moved = keypoints + np.array([2, 0], np.float32)
    agreement = compare_poses(boxes, [Poses(keypoints, scores)], [Poses(moved, scores)])
    assert agreement.people == 20
    assert agreement.median_px == pytest.approx(2)
    assert agreement.median_share == pytest.approx(0.01)
    assert 0.97 < agreement.oks < 1
    assert agreement.verdict == ("safe" if agreement.oks >= 0.99 else "usable")
