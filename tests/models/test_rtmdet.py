"""RTMDet: equal to rtmlib on real pictures; thresholds, labels, sizes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmdet_decode import METADATA_KEY, DecodeSettings
from hpe_volleyball.models.session import Session
from hpe_volleyball.quantize.graph import set_metadata, write_model
from hpe_volleyball.records import Frame
from hpe_volleyball.similarity import box_iou
from tests import graphs
from tests.frames import blank, clip_frames

# rtmlib maps boxes back with one scale although it cuts the scaled size to whole pixels, which
# moves boxes by up to 2 px. These sizes scale to 640 without a rest, so both must agree.
WHOLE_SCALE = {"balance-3people-60fps.mp4": (1080, 1920), "one-by-one-10fps.mp4": (768, 432)}

SIZES = {**WHOLE_SCALE, "walk-2people-30fps.mp4": (1768, 994)}


@pytest.mark.shared
@pytest.mark.parametrize("clip", WHOLE_SCALE)
def test_boxes_are_those_of_rtmlib(shared: Path, real_detector: Path, clip: str) -> None:
    from rtmlib import RTMDet as Reference

    ours = RTMDet(open_session(real_detector, "cpu"), size=640, fitted=False)
    reference = Reference(str(real_detector), (640, 640), score_thr=0.3)
    people = 0
    for image in clip_frames(shared / "clips" / clip, every=25, size=WHOLE_SCALE[clip]):
        found = ours.detect(Frame(0, 0, image))
        expected = reference(image)
        np.testing.assert_allclose(found.boxes[found.scores > 0.3], expected, atol=1)
        people += len(expected)
    assert people >= 10


@pytest.mark.shared
@pytest.mark.parametrize("clip", SIZES)
def test_an_input_of_the_pictures_shape_sees_the_same_people(
    shared: Path, real_detector: Path, clip: str
) -> None:
    session = open_session(real_detector, "cpu")
    square, fitted = (RTMDet(session, size=640, fitted=fitted) for fitted in (False, True))
    overlaps: list[float] = []
    for image in clip_frames(shared / "clips" / clip, every=25, size=SIZES[clip]):
        one, other = square.detect(Frame(0, 0, image)), fitted.detect(Frame(0, 0, image))
        strong = one.scores > 0.4
        overlaps += box_iou(one.boxes[strong], other.boxes).max(axis=1).tolist()
        assert abs(int(strong.sum()) - int((other.scores > 0.4).sum())) <= 1
    assert len(overlaps) >= 6
    assert min(overlaps) > 0.8
    assert np.mean(overlaps) > 0.98


@pytest.mark.parametrize(
    ("picture", "shape"),
    [
        ((1920, 1080), (384, 640)),
        ((1080, 1920), (640, 384)),
        ((768, 432), (384, 640)),
        ((64, 64), (640, 640)),
        ((2000, 3), (32, 640)),
    ],
)
def test_the_input_has_the_shape_of_the_picture(
    tmp_path: Path, picture: tuple[int, int], shape: tuple[int, int]
) -> None:
    session = open_session(graphs.detector(tmp_path / "det.onnx", [], []), "cpu")
    for fitted, wanted in ((True, shape), (False, (640, 640))):
        seen = ShapesOf(session)
        RTMDet(session, fitted=fitted).detect(blank(*picture))
        assert seen.shapes == [(1, 3, *wanted)]


def test_a_model_of_a_fixed_size_keeps_it(tmp_path: Path) -> None:
    path = graphs.detector(tmp_path / "det.onnx", [], [], image=(1, 3, 320, 416))
    session = open_session(path, "cpu")
    seen = ShapesOf(session)
    RTMDet(session).detect(blank(1920, 1080))
    assert seen.shapes == [(1, 3, 320, 416)]


class ShapesOf:
    """The shapes of the images that a session is run with."""

    def __init__(self, session: Session) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self._run = session.run
        session.run = self._noted  # type: ignore[method-assign]

    def _noted(self, feeds: Mapping[str, NDArray[np.float32]]) -> list[NDArray[Any]]:
        self.shapes += [array.shape for array in feeds.values()]
        return self._run(feeds)


@pytest.mark.shared
def test_letterbox_follows_the_picture_at_any_size(shared: Path, real_detector: Path) -> None:
    """Scaling the picture scales the boxes, at sizes where rounding takes part too."""
    detector = RTMDet(open_session(real_detector, "cpu"), size=640)
    clip = shared / "clips" / "balance-3people-60fps.mp4"
    image = next(clip_frames(clip, every=100, size=(1088, 1920)))
    whole = detector.detect(Frame(0, 0, image))
    odd = detector.detect(Frame(0, 0, np.ascontiguousarray(image[:1917, :1083])))
    strong = whole.scores > 0.5
    assert strong.sum() >= 2
    for box in whole.boxes[strong]:
        assert np.abs(odd.boxes - box).max(axis=1).min() < 8


def test_only_people_with_a_score_from_a_tenth_up(tmp_path: Path) -> None:
    dets = [
        [10, 10, 20, 30, 0.9],
        [30, 10, 40, 30, 0.8],
        [50, 10, 60, 30, 0.12],
        [1, 1, 9, 9, 0.09],
    ]
    path = graphs.detector(tmp_path / "det.onnx", dets, [0, 2, 0, 0])
    found = RTMDet(open_session(path, "cpu"), size=64).detect(blank(64, 48))
    np.testing.assert_allclose(found.scores, [0.9, 0.12])
    np.testing.assert_allclose(found.boxes[:, 0], [10, 50])


def test_no_score_is_above_one(tmp_path: Path) -> None:
    """Half precision can round a sure one up."""
    path = graphs.detector(tmp_path / "det.onnx", [[10, 10, 20, 30, 1.001]], [0])
    found = RTMDet(open_session(path, "cpu"), size=64).detect(blank(64, 48))
    assert found.scores.tolist() == [1]


def test_boxes_are_in_source_pixels_and_inside_the_picture(tmp_path: Path) -> None:
    path = graphs.detector(
        tmp_path / "det.onnx", [[-5, 8, 32, 70, 0.9], [0, 60, 9, 64, 0.9]], [0, 0]
    )
    found = RTMDet(open_session(path, "cpu"), size=64).detect(blank(128, 96))
    # The picture fills 64x48 of the input; the second box lies wholly in the padding.
    np.testing.assert_allclose(found.boxes, [[0, 16, 64, 96]])


def test_nobody_is_no_detection(tmp_path: Path) -> None:
    path = graphs.detector(tmp_path / "det.onnx", [], [])
    assert len(RTMDet(open_session(path, "cpu")).detect(blank()).boxes) == 0


def test_a_fixed_input_size_is_read_from_the_model(tmp_path: Path) -> None:
    path = graphs.detector(tmp_path / "det.onnx", [], [], image=(1, 3, 320, 416))
    session = open_session(path, "cpu")
    detector = RTMDet(session)
    assert (detector.input_width, detector.input_height) == (416, 320)
    with pytest.raises(ModelError, match="fixed at 416x320"):
        RTMDet(session, size=640)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ('{"strides": [8, 16', "found no decode settings"),
        (DecodeSettings((8,), 0.05, 0.6, 200, 5000, 100).to_json(), "without scores_8, sides_8"),
    ],
)
def test_a_damaged_cut_detector_is_an_error_for_the_user(
    tmp_path: Path, settings: str, found: str
) -> None:
    path = graphs.detector(tmp_path / "det.onnx", [], [])
    model = onnx.load(str(path))
    set_metadata(model, {METADATA_KEY: settings})
    write_model(model, path)
    with pytest.raises(ModelError, match=f"det.onnx: expected .* {found}.*; make it again"):
        RTMDet(open_session(path, "cpu"))


def test_a_pose_model_is_no_detector(tmp_path: Path) -> None:
    session = open_session(graphs.pose(tmp_path / "pose.onnx", [(0, 0, 1, 1)] * 17), "cpu")
    with pytest.raises(ModelError, match=r"expected a detector .* found inputs .*simcc_x") as error:
        RTMDet(session)
    assert "pose.onnx" in str(error.value)


@pytest.mark.parametrize(
    ("dets", "labels"),
    [((1, 3, 6), (1, 3)), ((1, 3, 4), (1, 3)), ((3, 5), (3,)), ((1, 3, 5), (1, 2))],
)
def test_outputs_of_other_shapes_are_refused(
    tmp_path: Path, dets: tuple[int, ...], labels: tuple[int, ...]
) -> None:
    """Rotated boxes, for one, have the same names and an angle more."""
    outputs: dict[str, NDArray[Any]] = {
        "dets": np.ones(dets, np.float32),
        "labels": np.zeros(labels, np.int64),
    }
    path = graphs.constant_model(tmp_path / "rotated.onnx", outputs)
    detector = RTMDet(open_session(path, "cpu"))
    with pytest.raises(ModelError, match=r"rotated.onnx: expected dets \[batch, n, 5\], .* found"):
        detector.detect(blank())


def test_outputs_of_other_floats_become_float32(tmp_path: Path) -> None:
    outputs: dict[str, NDArray[Any]] = {
        "dets": np.array([[[10, 10, 30, 60, 0.5]]], np.float16),
        "labels": np.zeros((1, 1), np.int64),
    }
    path = graphs.constant_model(tmp_path / "half.onnx", outputs)
    found = RTMDet(open_session(path, "cpu")).detect(blank())
    assert found.scores.tolist() == [0.5]
