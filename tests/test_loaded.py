"""The options reach the models of a run."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_volleyball.errors import ModelError
from hpe_volleyball.infer import infer_video, iter_results
from hpe_volleyball.loaded import Models, load_models
from hpe_volleyball.models.session import Session
from hpe_volleyball.options import InferOptions, Tuning
from tests import graphs
from tests.clips import fixed_rate
from tests.frames import blank


def seen_by(session: Session) -> list[tuple[int, ...]]:
    """Filled with the shape of each image batch that the session is run with."""
    shapes: list[tuple[int, ...]] = []
    run = session.run

    def noted(feeds: Mapping[str, NDArray[np.float32]]) -> list[NDArray[Any]]:
        shapes.extend(array.shape for array in feeds.values())
        return run(feeds)

    session.run = noted  # type: ignore[method-assign]
    return shapes


@pytest.mark.parametrize("fitted", [True, False])
@pytest.mark.parametrize("size", [320, None])
def test_the_detector_sees_pictures_of_the_size_that_is_asked_for(
    tmp_path: Path, size: int | None, *, fitted: bool
) -> None:
    options = InferOptions(
        det=graphs.detector(tmp_path / "det.onnx", [], []),
        pose=graphs.pose(tmp_path / "pose.onnx", [(0, 0, 1, 1)] * 17),
        device="cpu",
        det_size=size,
        tuning=Tuning(fitted_input=fitted),
    )
    models = load_models(options)
    shapes = seen_by(models.sessions["det"])
    models.detector.detect(blank(96, 48))
    width = size or 640
    assert shapes == [(1, 3, width // 2 if fitted else width, width)]


@pytest.mark.parametrize("overlap", [True, False])
def test_no_call_of_the_pose_model_has_more_people_than_asked_for(
    tmp_path: Path, *, overlap: bool
) -> None:
    options = InferOptions(
        det=graphs.detector(tmp_path / "det.onnx", [], []),
        pose=graphs.pose(tmp_path / "pose.onnx", [(0, 0, 1, 1)] * 17),
        device="cpu",
        pose_batch=2,
        tuning=Tuning(overlap=overlap),
    )
    models = load_models(options)
    shapes = seen_by(models.sessions["pose"])
    boxes = np.array([[x, 4, x + 8, 24] for x in range(5)], np.float32)
    [poses] = models.poser.estimate([blank()], [boxes])
    assert len(poses.keypoints) == 5
    calls = [shape[0] for shape in shapes]
    assert sum(calls) == 5
    assert max(calls) <= 2


def test_models_stay_in_the_process_that_loaded_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = fixed_rate(tmp_path / "a.mp4")
    options = InferOptions(output_dir=tmp_path / "out")
    models = Models(MissingNet(), MissingNet(), {})  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="cannot be copied or sent; call load_models in the"):
        pickle.dumps(models)
    models.check_process()
    monkeypatch.setattr("os.getpid", lambda: models.process + 1)
    told = rf"loaded by process {models.process}, of which this one .* is a fork; call load_models"
    with pytest.raises(ModelError, match=told):
        next(iter_results(clip, options, models=models))
    with pytest.raises(ModelError, match=told):
        infer_video(clip, options, models=models)


class MissingNet:
    """Never asked."""
