"""What a run can be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpe_volleyball.options import InferOptions

MODELS: dict[str, Any] = {"det": Path("det.onnx"), "pose": Path("pose.onnx")}


@pytest.mark.parametrize("name", ["det_interval", "pose_batch", "max_frames"])
def test_counts_are_at_least_one(name: str) -> None:
    assert InferOptions(**{**MODELS, name: 1})
    with pytest.raises(ValueError, match=f"InferOptions.{name}: expected at least 1, found 0"):
        InferOptions(**{**MODELS, name: 0})


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_scores_are_from_0_to_1(score: float) -> None:
    with pytest.raises(ValueError, match=r"InferOptions.det_score: expected 0\.\.1"):
        InferOptions(**MODELS, det_score=score)
