"""The options reach the models of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpe_volleyball.loaded import load_models
from hpe_volleyball.models.session import Session
from hpe_volleyball.options import InferOptions, Tuning
from tests import graphs
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
