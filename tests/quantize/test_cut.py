"""Decode and NMS cut off a detector: the same boxes in the same order, and any batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmdet_decode import METADATA_KEY, Decoder, DecodeSettings
from hpe_volleyball.models.session import Session
from hpe_volleyball.quantize.cut import NotCuttable, cut_detector
from hpe_volleyball.quantize.graph import metadata_of, read_source
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.quantize.simplify import simplified
from hpe_volleyball.records import Floats, Frame
from hpe_volleyball.synthetic.nets import build_graph
from tests.frames import clip_frames

CLIPS = ("balance-3people-60fps", "walk-2people-30fps", "one-by-one-10fps")
BIG = (4000, 4000)
"""More than any clip has: the whole picture."""


def cut_session(source: Path, folder: Path) -> Session:
    cut = simplified(cut_detector(read_source(source)), source.name)
    return open_model(cut, folder / "cut.onnx")


def compare(one: RTMDet, other: RTMDet, clip: Path, every: int) -> int:
    """Boxes compared."""
    boxes = 0
    for image in clip_frames(clip, every=every, size=BIG):
        expected, found = (each.detect(Frame(0, 0, image)) for each in (one, other))
        np.testing.assert_allclose(found.boxes, expected.boxes, rtol=0, atol=1e-3)
        np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=1e-5)
        boxes += len(expected.boxes)
    return boxes


@pytest.mark.shared
@pytest.mark.parametrize("clip", CLIPS)
def test_cut_equals_uncut(shared: Path, real_detector: Path, clip: str, tmp_path: Path) -> None:
    sessions = open_session(real_detector, "cpu"), cut_session(real_detector, tmp_path)
    one, other = (RTMDet(session, size=320) for session in sessions)
    assert compare(one, other, shared / "clips" / f"{clip}.mp4", every=30) > 10


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("size", [320, 640])
def test_cut_equals_uncut_in_every_frame(
    shared: Path, real_detector: Path, clip: str, size: int, tmp_path: Path
) -> None:
    sessions = open_session(real_detector, "cpu"), cut_session(real_detector, tmp_path)
    one, other = (RTMDet(session, size=size) for session in sessions)
    assert compare(one, other, shared / "clips" / f"{clip}.mp4", every=1) > 100


def raw(session: Session, image: Floats) -> Floats:
    names = [output.name for output in session.outputs]
    dets: Floats = session.run({"input": image})[names.index("dets")]
    return dets


@pytest.mark.parametrize("name", ["rtmdet-nano", pytest.param("rtmdet-m", marks=pytest.mark.slow)])
def test_a_batch_of_four_gives_what_four_pictures_give(name: str, tmp_path: Path) -> None:
    """The graph with the NMS inside fails at a batch above 1 (mmdeploy issue 2075)."""
    source = build_graph(name, tmp_path / f"{name}.onnx")
    whole, cut = open_session(source, "cpu"), cut_session(source, tmp_path)
    coarse = np.random.default_rng(7).standard_normal((4, 3, 10, 10), np.float32)
    images = coarse.repeat(32, axis=2).repeat(32, axis=3)
    with pytest.raises(ModelError, match="does not run"):
        raw(whole, images)
    outputs = cut.run({"input": images})
    decoder = Decoder.of(cut.metadata, [output.name for output in cut.outputs])
    assert decoder is not None
    found = 0
    for entry in range(4):
        expected = raw(whole, images[entry : entry + 1])[0]
        expected = expected[expected[:, 4] > 0]
        dets, labels = decoder.decode(outputs, entry)
        np.testing.assert_allclose(dets[:, :4], expected[:, :4], rtol=0, atol=1e-3)
        np.testing.assert_allclose(dets[:, 4], expected[:, 4], rtol=0, atol=1e-5)
        assert not labels.any()
        found += len(dets)
    assert found > 5


def test_settings_are_read_from_the_graph(real_detector: Path, tmp_path: Path) -> None:
    random = build_graph("rtmdet-nano", tmp_path / "nano.onnx")
    settings = [
        DecodeSettings.from_json(metadata_of(cut_detector(read_source(path)))[METADATA_KEY])
        for path in (real_detector, random)
    ]
    assert [each.max_overlap for each in settings] == pytest.approx([0.6, 0.5])
    for each in settings:
        assert each.strides == (8, 16, 32)
        assert each.min_score == pytest.approx(0.05)
        assert (each.max_per_class, each.max_before, each.max_after) == (200, 5000, 100)


def test_outputs_are_float32_with_free_axes(tmp_path: Path) -> None:
    source = build_graph("rtmdet-nano", tmp_path / "nano.onnx")
    session = cut_session(source, tmp_path)
    assert [output.name for output in session.outputs] == [
        *("scores_8", "scores_16", "scores_32"),
        *("sides_8", "sides_16", "sides_32"),
    ]
    assert {output.dtype for output in session.outputs} == {"tensor(float)"}
    assert session.inputs[0].shape == ("batch", 3, "height", "width")


def test_another_graph_is_not_cut(demo_models: tuple[Path, Path]) -> None:
    model = onnx.load(str(demo_models[0]))
    with pytest.raises(NotCuttable, match="found 0 NonMaxSuppression"):
        cut_detector(model)
