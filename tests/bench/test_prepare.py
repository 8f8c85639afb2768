"""Which precision is measured where."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from hpe_volleyball.bench.prepare import _precision
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.precision import PREFIX
from hpe_volleyball.options import InferOptions
from tests.runs import Models


@pytest.fixture
def options(constant_models: Models, tmp_path: Path) -> InferOptions:
    for path in constant_models:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return InferOptions(det=tmp_path / "det.onnx", pose=tmp_path / "pose.onnx")


def add_half(options: InferOptions, folder: Path, verdict: str) -> None:
    """A file as `quantize` makes it, as far as its choice depends on it."""
    source = Path(str(options.pose))
    model = onnx.load(source)
    said = {"source_sha256": sha256_of(source), "verdict": verdict}
    onnx.helper.set_model_props(model, {f"{PREFIX}{key}": value for key, value in said.items()})
    onnx.save(model, folder / "pose.fp16.onnx")


def test_no_row_for_fp16_on_the_cpu(options: InferOptions, tmp_path: Path) -> None:
    add_half(options, tmp_path, "safe")
    precision, said = _precision(options, "cpu")
    assert precision == "fp32"
    assert said == "no FP16 row: the CPU computes FP16 models in FP32"


def test_a_row_on_a_gpu_where_there_is_a_validated_file(
    options: InferOptions, tmp_path: Path
) -> None:
    assert _precision(options, "cuda") == (
        "fp32",
        "no FP16 row: expected det.fp16.onnx and pose.fp16.onnx, made by `hpe-volleyball quantize`",
    )
    add_half(options, tmp_path, "not recommended")
    assert _precision(options, "cuda")[0] == "fp32"
    add_half(options, tmp_path, "usable")
    assert _precision(options, "cuda") == ("auto", "FP16: pose")
