"""The demo models against the truth of the rallies that they read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from hpe_volleyball.synthetic import Rally, RallyConfig, write_demo_models
from hpe_volleyball.synthetic.demo_models import DETECTOR_FILE
from hpe_volleyball.synthetic.palette import MARKS, OUTFITS
from hpe_volleyball.synthetic.rally import Truth
from tests.runs import names

CONFIG = RallyConfig(seconds=3.0)
HIP = 11
INDICES = (0, 40, 80, 120)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_demo_models(tmp_path_factory.mktemp("models"))


def _session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def detector(paths: tuple[Path, Path]) -> ort.InferenceSession:
    return _session(paths[0])


@pytest.fixture(scope="module")
def poser(paths: tuple[Path, Path]) -> ort.InferenceSession:
    return _session(paths[1])


@pytest.fixture(scope="module")
def frames() -> list[tuple[np.ndarray, Truth]]:
    """Pictures with the chroma of yuv420p, and their truth."""
    rally = Rally(CONFIG)
    pictures = []
    for index in INDICES:
        yuv = cv2.cvtColor(rally.image(index), cv2.COLOR_BGR2YUV_I420)
        pictures.append((cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420), rally.truth(index)))
    return pictures


def _detector_input(picture: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    scale = size / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale)
    canvas = np.full((size, size, 3), 114, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    normal = (canvas - np.array([103.53, 116.28, 123.675])) / np.array([57.375, 57.12, 58.395])
    return normal.astype(np.float32).transpose(2, 0, 1)[None], scale


def _crop(picture: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre, size = (box[:2] + box[2:]) / 2, 1.25 * (box[2:] - box[:2])
    height = max(size[1], size[0] * 256 / 192)
    scale = 256 / height
    affine = np.array([[scale, 0, 96 - scale * centre[0]], [0, scale, 128 - scale * centre[1]]])
    crop = cv2.warpAffine(picture, affine, (192, 256))[..., ::-1]
    normal = (crop - np.array([123.675, 116.28, 103.53])) / np.array([58.395, 57.12, 57.375])
    return normal.astype(np.float32).transpose(2, 0, 1), affine


def _iou(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return np.asarray(shared / (areas - shared))


@pytest.mark.parametrize("size", [640, 1280])
def test_detector_finds_everybody_in_view(
    detector: ort.InferenceSession, frames: list[tuple[np.ndarray, Truth]], size: int
) -> None:
    free, recalled, phantoms = [], [], 0
    for picture, truth in frames if size == 640 else frames[:1]:
        tensor, scale = _detector_input(picture, size)
        dets, labels = detector.run(["dets", "labels"], {"input": tensor})
        assert dets.shape[2] == 5
        assert labels.dtype == np.int64
        assert not labels.any()
        assert (np.diff(dets[0, :, 4]) <= 0).all()
        found = dets[0][dets[0, :, 4] > 0.05]
        boxes = found[:, :4] / scale
        for box, occlusion in zip(truth.boxes, truth.occlusion, strict=True):
            best = _iou(box, boxes).max()
            if occlusion < 0.02:
                free.append(best)
            if occlusion < 0.5:
                recalled.append(best > 0.5)
        phantoms += sum(_iou(box, truth.boxes).max() < 0.1 for box in boxes)
    assert np.mean(free) > 0.93
    assert np.mean(recalled) > 0.97
    assert phantoms == 0


def test_detector_takes_batches_and_sees_nobody_in_an_empty_picture(
    detector: ort.InferenceSession, frames: list[tuple[np.ndarray, Truth]]
) -> None:
    tensor, _ = _detector_input(frames[0][0], 320)
    both = np.concatenate((np.zeros_like(tensor), tensor))
    (dets,) = detector.run(["dets"], {"input": both})
    (alone,) = detector.run(["dets"], {"input": tensor})
    assert dets[0, :, 4].max() == 0
    np.testing.assert_allclose(dets[1], alone[0], atol=1e-4)


def test_pose_finds_visible_joints_and_mistrusts_hidden_ones(
    poser: ort.InferenceSession, frames: list[tuple[np.ndarray, Truth]]
) -> None:
    errors, seen, hidden = [], [], []
    for picture, truth in frames[:3]:
        crops = [_crop(picture, box) for box in truth.boxes]
        tensor = np.stack([crop for crop, _ in crops])
        bins_x, bins_y = poser.run(["simcc_x", "simcc_y"], {"input": tensor})
        assert bins_x.shape == (len(crops), 17, 384)
        assert bins_y.shape == (len(crops), 17, 512)
        assert min(bins_x.min(), bins_y.min()) >= 0
        assert max(bins_x.max(), bins_y.max()) <= 1
        scores = np.minimum(bins_x.max(axis=2), bins_y.max(axis=2))
        peaks = np.stack((bins_x.argmax(axis=2), bins_y.argmax(axis=2)), axis=-1) / 2
        for row, (_, affine) in enumerate(crops):
            points = (peaks[row] - affine[:, 2]) / affine[0, 0]
            away = np.linalg.norm(points - truth.keypoints[row], axis=1)
            errors.extend(away[truth.visible[row]])
            seen.extend(scores[row, truth.visible[row]])
            hidden.extend(scores[row, ~truth.visible[row]])
    assert np.median(errors) < 1.5
    assert np.median(seen) > 0.85
    assert np.mean(np.array(seen) > 0.3) > 0.9
    assert np.median(hidden) < 0.05
    assert np.mean(np.array(hidden) < 0.3) > 0.8


def test_bin_i_lies_at_crop_pixel_half_i(poser: ort.InferenceSession) -> None:
    mark, outfit = MARKS[HIP], OUTFITS[-1]
    crop = np.full((256, 192, 3), 128, np.float64)
    crop[26:231, 40:152] = outfit
    rows, cols = np.mgrid[:256, :192]
    crop[np.hypot(rows - 71, cols - 90) <= 6] = mark
    tensor = (crop - np.array([123.675, 116.28, 103.53])) / np.array([58.395, 57.12, 57.375])
    bins_x, bins_y = poser.run(
        ["simcc_x", "simcc_y"], {"input": tensor.astype(np.float32).transpose(2, 0, 1)[None]}
    )
    assert bins_x[0, HIP].argmax() / 2 == pytest.approx(90, abs=0.5)
    assert bins_y[0, HIP].argmax() / 2 == pytest.approx(71, abs=0.5)
    assert min(bins_x[0, HIP].max(), bins_y[0, HIP].max()) > 0.8
    assert np.delete(bins_x[0], HIP, axis=0).max() < 0.3


def test_files_are_always_the_same_and_say_what_they_are(
    paths: tuple[Path, Path], tmp_path: Path
) -> None:
    again = write_demo_models(tmp_path / "new")
    for first, second in zip(paths, again, strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert first.stat().st_size < 64_000
        model = onnx.load(first)
        notes = {entry.key: entry.value for entry in model.metadata_props}
        assert "reads synthetic rallies only" in notes["description"]
        assert model.opset_import[0].version <= 17
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [p.name for p in sorted(again)]


def test_models_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / DETECTOR_FILE).mkdir()
    with pytest.raises(OSError, match="directory"):
        write_demo_models(tmp_path)
    assert names(tmp_path) == [DETECTOR_FILE]


def test_inputs_and_outputs_have_the_names_and_shapes_of_the_real_models(
    detector: ort.InferenceSession, poser: ort.InferenceSession
) -> None:
    assert [(i.name, i.shape) for i in detector.get_inputs()] == [
        ("input", ["batch", 3, "height", "width"])
    ]
    assert [o.name for o in detector.get_outputs()] == ["dets", "labels"]
    assert [(i.name, i.shape) for i in poser.get_inputs()] == [("input", ["batch", 3, 256, 192])]
    assert [(o.name, o.shape) for o in poser.get_outputs()] == [
        ("simcc_x", ["batch", 17, 384]),
        ("simcc_y", ["batch", 17, 512]),
    ]
