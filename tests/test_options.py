"""What a run can be asked for."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpe_volleyball.errors import OptionError
from hpe_volleyball.options import InferOptions

NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *((name, 0) for name in ("det_interval", "pose_interval", "pose_batch", "max_frames")),
        *(("max_people", wrong) for wrong in (0, -1, 2.5, "3", NAN)),
        *(("video_height", wrong) for wrong in (15, 16.5)),
        *(("det_interval", wrong) for wrong in (None, "4", NAN)),
        *(("start_s", wrong) for wrong in (-1, None, "0:10", NAN, float("inf"))),
        *(("end_s", wrong) for wrong in (-0.1, "1:00", NAN)),
        *(("max_seconds", wrong) for wrong in (-4, NAN)),
        *((name, 10**9 + 1) for name in ("det_interval", "max_frames", "start_s", "max_seconds")),
        ("det_size", 8224),
        *(("det_score", wrong) for wrong in (-0.1, 0, 0.09, 1.1, NAN, None, "high")),
        *((name, "x") for name in ("mode", "device", "precision", "video_quality")),
        *((name, "") for name in ("det", "pose")),
        *((name, wrong) for name in ("video", "overwrite") for wrong in ("no", None, 0)),
        *((name, wrong) for name in ("det", "models_dir", "output_dir") for wrong in (3, b"x")),
        ("output_dir", None),
        ("mirror", Path("models")),
        ("tuning", None),
    ],
)
def test_a_wrong_value_is_told_at_once(name: str, wrong: Any) -> None:
    with pytest.raises(OptionError, match=rf"InferOptions\.{name}: expected .*, found"):
        InferOptions(**{name: wrong})


@pytest.mark.parametrize(
    ("name", "right"),
    [
        *((name, 1) for name in ("det_interval", "pose_batch", "max_frames", "max_people")),
        *((name, 0) for name in ("start_s", "end_s", "max_seconds")),
        *((name, 10**9) for name in ("det_interval", "max_frames", "start_s")),
        ("max_people", np.int64(3)),
        ("start_s", np.float32(1.5)),
        ("video_height", 16),
        ("det_size", 32),
        ("det_score", 0.1),
        ("det_score", 1),
        ("mode", "performance"),
        ("device", "tensorrt"),
        ("video_quality", "low"),
    ],
)
def test_a_value_at_the_border_is_right(name: str, right: Any) -> None:
    assert getattr(InferOptions(**{name: right}), name) == right


def test_numbers_of_numpy_become_those_of_json() -> None:
    given: dict[str, Any] = {
        "max_frames": np.int64(3),
        "start_s": np.float32(1.5),
        "end_s": np.int32(4),
        "det_score": np.float32(0.5),
    }
    settings = json.loads(json.dumps(InferOptions(**given).settings()))
    assert {name: settings[name] for name in given} == given


def test_every_number_and_choice_is_checked() -> None:
    """An option that is added later is not forgotten."""
    for field in fields(InferOptions):
        if isinstance(field.default, str) or re.search(r"\b(int|float|bool)\b", str(field.type)):
            wrong: dict[str, Any] = {field.name: "no such value"}
            with pytest.raises(OptionError):
                InferOptions(**wrong)


@pytest.mark.parametrize("size", [33, 100])
def test_sizes_that_a_detector_cannot_have(size: int) -> None:
    with pytest.raises(OptionError, match=r"--det-size .*: expected a multiple of 32, e\.g\. "):
        InferOptions(det_size=size)


@pytest.mark.parametrize(
    ("name", "given", "plain"),
    [
        ("det_interval", np.int64(2), 2),
        ("max_people", np.uint8(12), 12),
        ("start_s", np.float32(1.5), 1.5),
        ("end_s", Fraction(3, 2), 1.5),
        ("det_score", np.float64(0.5), 0.5),
        ("video", np.bool_(False), False),
    ],
)
def test_numbers_of_numpy_become_those_of_python(name: str, given: Any, plain: object) -> None:
    options = InferOptions(**{name: given})
    found = getattr(options, name)
    assert (found, type(found)) == (plain, type(plain))
    json.dumps(options.settings())


def test_what_python_gives_for_paths_and_corners() -> None:
    corners = [[0, 0], [100, 0], [50, 50]]
    options = InferOptions(
        output_dir="results",  # type: ignore[arg-type]
        models_dir="models",  # type: ignore[arg-type]
        court=corners,  # type: ignore[arg-type]
    )
    assert options.output_dir == Path("results")
    assert options.models_dir == Path("models")
    assert options.court == ((0, 0), (100, 0), (50, 50))
    with pytest.raises(OptionError, match="court: found no list of corners"):
        InferOptions(court="abc")  # type: ignore[arg-type]


def test_what_a_continuation_may_do_otherwise() -> None:
    options = InferOptions()
    others: dict[str, Any] = {"det": "a.onnx", "pose": "b.onnx", "mirror": "http://x"}
    others |= {"mode": "performance", "device": "cpu"}
    others |= {"models_dir": Path("m"), "output_dir": Path("o")}
    others |= dict.fromkeys(("offline", "show", "overwrite", "resume", "strict"), True)
    assert replace(options, **others).settings() == options.settings()
    assert replace(options, det_score=0.5).settings() != options.settings()
