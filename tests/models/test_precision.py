"""Which file runs: by precision, device, verdict, and what it was made of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import pytest

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.devices import Granted, Precision
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.precision import PREFIX, ChosenFile, choose_file
from tests import graphs
from tests.runs import Cli, Models


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return graphs.detector(tmp_path / "det.onnx", [], [])


def variant(
    original: Path, kind: str, *, verdict: str = "safe", folder: Path | None = None
) -> Path:
    """A file that says it was made of the original."""
    path = (folder or original.parent) / f"{original.stem}.{kind}.onnx"
    path.parent.mkdir(exist_ok=True)
    model = onnx.load(str(original))
    entries = {"source_sha256": sha256_of(original), "verdict": verdict}
    onnx.helper.set_model_props(model, {PREFIX + key: text for key, text in entries.items()})
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(
    ("precision", "device", "kind"),
    [
        ("auto", "cpu", None),
        ("auto", "openvino", None),
        ("auto", "cuda", "fp16"),
        ("auto", "tensorrt", "fp16"),
        ("fp32", "cuda", None),
        ("fp16", "cpu", "fp16"),
        ("int8", "cuda", "int8"),
    ],
)
def test_the_file_fits_precision_and_device(
    original: Path, precision: Precision, device: Granted, kind: str | None
) -> None:
    made = {kind: variant(original, kind) for kind in ("fp16", "int8")}
    chosen = choose_file(original, precision, device, None)
    assert chosen.path == (original if kind is None else made[kind])
    assert chosen.note == ""


def test_auto_says_why_a_gpu_gets_no_fp16_file(original: Path) -> None:
    fp32 = "det.onnx runs in FP32: "
    chosen = choose_file(original, "auto", "cuda", None)
    note = f"{fp32}`hpe-volleyball quantize` makes an FP16 file of it"
    assert chosen == ChosenFile(original, note)
    variant(original, "fp16", verdict="not recommended")
    chosen = choose_file(original, "auto", "cuda", None)
    assert chosen == ChosenFile(original, f"{fp32}det.fp16.onnx is not recommended")
    graphs.detector(original, [[1, 2, 3, 4, 0.9]], [0])
    variant(original, "fp16")
    graphs.detector(original, [], [])
    chosen = choose_file(original, "auto", "cuda", None)
    assert chosen == ChosenFile(original, f"{fp32}det.fp16.onnx was made of another model")
    assert choose_file(original, "auto", "cpu", None).note == ""
    with pytest.raises(ModelError, match="made of another model than"):
        choose_file(original, "fp16", "cuda", None)


def test_what_is_asked_for_runs_with_a_note_if_it_is_not_validated(original: Path) -> None:
    made = variant(original, "int8", verdict="not recommended")
    chosen = choose_file(original, "int8", "cpu", None)
    assert chosen.path == made
    assert chosen.note == "det.int8.onnx is not recommended: check its results"


def test_a_missing_file_is_an_error_that_says_how_to_make_it(original: Path) -> None:
    with pytest.raises(ModelError, match=r"expected det\.fp16\.onnx .* quantize --precision fp16"):
        choose_file(original, "fp16", "cpu", None)


def test_files_are_found_in_the_folders_of_models_too(original: Path, tmp_path: Path) -> None:
    made = variant(original, "fp16", folder=tmp_path / "models")
    assert choose_file(original, "fp16", "cpu", tmp_path / "models").path == made


def test_run_json_says_which_file_ran(
    cli: Cli, constant_models: Models, rally_clip: Path, tmp_path: Path
) -> None:
    det = Path(shutil.copy(constant_models.det, tmp_path / "det.onnx"))
    pose = Path(shutil.copy(constant_models.pose, tmp_path / "pose.onnx"))
    made = [variant(path, "fp16", verdict="usable") for path in (det, pose)]
    outcome = cli(
        *("infer", rally_clip, "--det", det, "--pose", pose, "--precision", "fp16"),
        *("--output-dir", tmp_path / "out", "--device", "cpu", "--max-frames", 3, "--no-video"),
    )
    assert (outcome.code, outcome.err) == (0, "")
    told = json.loads((tmp_path / "out" / "match.run.json").read_text(encoding="utf-8"))
    assert [model["file"] for model in told["models"]] == [str(path) for path in made]
    assert told["options"]["precision"] == "fp16"
