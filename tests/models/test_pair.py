"""Both models of a run: opened side by side and ahead of need, with the errors of one after one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.errors import ModelError
from hpe_volleyball.loaded import load_models
from hpe_volleyball.models.catalogue import BY_NAME
from hpe_volleyball.models.folders import FOLDER_VARIABLE
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.pair import open_ahead, open_pair
from hpe_volleyball.models.tuning import pose_threads
from hpe_volleyball.options import InferOptions, Tuning
from tests.runs import Models


def asked(models: Models, **options: object) -> InferOptions:
    return InferOptions(det=models.det, pose=models.pose, device="cpu", **options)  # type: ignore[arg-type]


def test_side_by_side_they_are_what_they_are_alone(real_models: Models) -> None:
    pair = open_pair(asked(real_models))
    assert (pair.det.path, pair.pose.path) == real_models
    assert (pair.pose_workers, pair.notes) == (pose_threads()[0], ())
    picture = np.random.default_rng(1).standard_normal((1, 3, 320, 320)).astype(np.float32)
    crops = np.random.default_rng(2).standard_normal((2, 3, 256, 192)).astype(np.float32)
    for session, image in ((pair.det, picture), (pair.pose, crops)):
        feeds = {session.inputs[0].name: image}
        alone = open_session(session.path, "cpu")
        for ours, other in zip(session.run(feeds), alone.run(feeds), strict=True):
            np.testing.assert_allclose(ours, other, atol=1e-4)


def test_without_overlap_poses_are_found_in_one_call(constant_models: Models) -> None:
    pair = open_pair(asked(constant_models, tuning=Tuning(overlap=False)))
    assert pair.pose_workers == 1


def test_the_detector_is_told_of_first(tmp_path: Path, constant_models: Models) -> None:
    bad = [tmp_path / name for name in ("det.onnx", "pose.onnx")]
    for path in bad:
        path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"det\.onnx"):
        open_pair(asked(Models(*bad)))
    with pytest.raises(ModelError, match=r"pose\.onnx"):
        open_pair(asked(Models(constant_models.det, bad[1])))


def test_what_was_opened_ahead_is_what_runs(constant_models: Models) -> None:
    options = asked(constant_models)
    ahead = open_ahead(options)
    assert ahead is not None
    models = load_models(options, ahead=ahead)
    assert models.sessions == {"det": ahead.result().det, "pose": ahead.result().pose}


def test_what_fails_ahead_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    options = InferOptions(det=path, pose=path, device="cpu")
    ahead = open_ahead(options)
    assert ahead is not None
    with pytest.raises(ModelError, match="ONNX Runtime cannot load it"):
        load_models(options, ahead=ahead)


@pytest.mark.parametrize("offline", [False, True])
def test_nothing_is_opened_ahead_that_is_not_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constant_models: Models, offline: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr("hpe_volleyball.models.folders.cache_folder", lambda: tmp_path / "cache")
    name = "rtmpose-t"
    assert name in BY_NAME
    options = InferOptions(det=constant_models.det, pose=name, device="cpu", offline=offline)
    assert open_ahead(options) is None
    assert not (tmp_path / "models").exists()
