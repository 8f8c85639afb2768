"""Models that take bytes give what they gave for normalised planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.preprocess import OF_DETECTORS, OF_POSES, Normalisation
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.models.tensors import INPUT_KEY
from hpe_volleyball.quantize.byte_input import with_byte_input
from hpe_volleyball.quantize.cut import cut_detector
from hpe_volleyball.quantize.graph import metadata_of, set_metadata, write_model
from hpe_volleyball.records import Frame
from tests import graphs
from tests.frames import clip_frames
from tests.quantize.conftest import noise_frame


def in_bytes(source: Path, normalisation: Normalisation, folder: Path) -> Path:
    path = folder / f"bytes-{source.name}"
    write_model(with_byte_input(onnx.load(str(source)), normalisation), path)
    return path


@pytest.mark.parametrize(
    ("normalisation", "size"), [(OF_DETECTORS, (96, 64)), (OF_POSES, (64, 64))]
)
def test_a_net_gives_the_same_within_a_thousandth(
    small_detector: Path,
    small_pose: Path,
    tmp_path: Path,
    normalisation: Normalisation,
    size: tuple[int, int],
) -> None:
    source = small_pose
    if normalisation is OF_DETECTORS:
        source = tmp_path / "cut.onnx"
        write_model(cut_detector(onnx.load(str(small_detector))), source)
    pictures = np.random.default_rng(1).integers(0, 256, (1, *size, 3)).astype(np.uint8)
    planes = np.empty((1, 3, *size), np.float32)
    normalisation.apply(pictures[0], planes[0])
    plain = open_session(source, "cpu")
    folded = open_session(in_bytes(source, normalisation, tmp_path), "cpu")
    expected = plain.run({"input": planes})
    found = folded.run({"input_bytes": pictures})
    assert any(values.any() for values in expected)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-3)


@pytest.mark.shared
def test_real_models_find_the_same(
    shared: Path, real_detector: Path, real_pose: Path, tmp_path: Path
) -> None:
    clip = shared / "clips" / "balance-3people-60fps.mp4"
    frame = Frame(0, 0.0, next(clip_frames(clip, every=1, size=(1088, 1920))))
    paths = real_detector, in_bytes(real_detector, OF_DETECTORS, tmp_path)
    one, other = (RTMDet(open_session(path, "cpu")).detect(frame) for path in paths)
    assert len(one.boxes) == len(other.boxes) >= 3
    np.testing.assert_allclose(other.boxes, one.boxes, atol=0.01)
    np.testing.assert_allclose(other.scores, one.scores, atol=1e-4)
    boxes = one.boxes[:3]
    paths = real_pose, in_bytes(real_pose, OF_POSES, tmp_path)
    [first], [second] = (
        RTMPose(open_session(path, "cpu"), batch=2).estimate([frame], [boxes]) for path in paths
    )
    assert first.scores.mean() > 0.3
    np.testing.assert_allclose(second.scores, first.scores, atol=1e-3)
    np.testing.assert_allclose(second.keypoints, first.keypoints, atol=0.01)


def test_bytes_that_do_not_say_whose_they_are_are_refused(small_pose: Path, tmp_path: Path) -> None:
    model = with_byte_input(onnx.load(str(small_pose)), OF_POSES)
    set_metadata(model, {INPUT_KEY: "RGB bytes"})
    write_model(model, tmp_path / "rgb.onnx")
    with pytest.raises(ModelError, match="expected a pose model"):
        RTMPose(open_session(tmp_path / "rgb.onnx", "cpu"))


def test_free_and_fixed_axes_stay_what_they_are(tmp_path: Path) -> None:
    path = graphs.detector(tmp_path / "f.onnx", [[1, 2, 3, 4, 0.5]], [0], image=(1, 3, 96, 64))
    [fixed] = open_session(in_bytes(path, OF_DETECTORS, tmp_path), "cpu").inputs
    assert fixed.shape == (1, 96, 64, 3)
    path = graphs.detector(tmp_path / "d.onnx", [[1, 2, 3, 4, 0.5]], [0])
    session = open_session(in_bytes(path, OF_DETECTORS, tmp_path), "cpu")
    assert session.inputs[0].shape_text == "?x?x?x3"
    assert session.any_size
    assert len(RTMDet(session, size=64).detect(noise_frame(0)).boxes) == 1


def test_weights_that_are_listed_as_inputs_are_none(small_pose: Path) -> None:
    model = onnx.load(str(small_pose))
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.dims)
        )
    before = model.SerializeToString()
    changed = with_byte_input(model, OF_POSES)
    assert model.SerializeToString() == before
    assert [value.name for value in changed.graph.input] == ["input_bytes"]
    assert INPUT_KEY in metadata_of(changed)
