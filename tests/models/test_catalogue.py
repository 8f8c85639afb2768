"""The table of models is sound, and unknown names get help."""

from __future__ import annotations

import re

import pytest

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.catalogue import BY_NAME, MODELS, MODES, by_sha256, model_named
from hpe_volleyball.skeleton import BY_COUNT


def test_names_files_and_checksums_are_unique() -> None:
    for values in (
        [model.name for model in MODELS],
        [model.url for model in MODELS],
        [model.sha256 for model in MODELS if model.sha256],
    ):
        assert len(set(values)) == len(values)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_an_entry_agrees_with_itself(model: object) -> None:
    entry = next(each for each in MODELS if each is model)
    assert re.fullmatch(r"https://download\.openmmlab\.com/\S+/onnx_sdk/[\w.-]+\.zip", entry.url)
    assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert (entry.keypoints in BY_COUNT) if entry.role == "pose" else entry.keypoints is None
    width, height = entry.input_size
    # The zip's name says height x width, of detectors nothing.
    assert entry.role == "det" or f"-{height}x{width}" in entry.zip_name
    assert (entry.keypoints == 26) == ("halpe26" in entry.zip_name) == ("halpe26" in entry.name)


def test_modes_pair_a_detector_with_a_pose_model() -> None:
    assert MODES["lightweight"] == ("rtmdet-nano", "rtmpose-t")
    assert MODES["balanced"] == ("rtmdet-m", "rtmpose-m")
    assert MODES["performance"] == ("rtmdet-m", "rtmpose-x-384")
    for det, pose in MODES.values():
        assert (BY_NAME[det].role, BY_NAME[pose].role) == ("det", "pose")


def test_a_model_is_known_by_its_content() -> None:
    model = BY_NAME["rtmpose-m"]
    assert model.sha256 is not None
    assert by_sha256(model.sha256) is model
    assert by_sha256("0" * 64) is None


def test_an_unknown_name_gets_help() -> None:
    assert model_named("rtmpose-m") is BY_NAME["rtmpose-m"]
    with pytest.raises(ModelError, match=r"did you mean rtmpose-m-halpe26 or .*models list"):
        model_named("rtmpose-m-halpe")
    with pytest.raises(ModelError, match="found neither; `hpe-volleyball models list` shows"):
        model_named("yolo11")
