"""Bad input: one clear line, exit code 1, nothing half-written under a final name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.output.results import read_results
from tests.clips import FRONT_INDEX, fixed_rate, sound_only, truncated, with_junk
from tests.graphs import constant_model
from tests.runs import Cli, Models, Outcome, names, stamps


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def assert_one_line(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 1
    # At most it was said before which models run where, and why there.
    assert all("ExecutionProvider" in line or "CPU" in line for line in outcome.out.splitlines())
    assert re.fullmatch(r"error: [^\n]+\n", outcome.err), outcome.err
    for word in words:
        assert word in outcome.err


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def text(path: Path) -> Path:
    path.write_text("Spiel 3, Halle 1\n" * 50)
    return path


def directory(path: Path) -> Path:
    path.mkdir()
    return path


SOURCES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda path: path, "no such file"),
    "directory": (directory, "is a directory"),
    "empty": (empty, "is empty (0 bytes)"),
    "text": (text, "expected a video"),
    "text_as_txt": (lambda path: text(path.with_suffix(".txt")), "expected a video"),
    "sound": (sound_only, "no picture track"),
    "cut_before_its_index": (
        lambda path: truncated(fixed_rate(path, 20), 0.5),
        "without its index",
    ),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_no_video(cli: Cli, tmp_path: Path, constant_models: Models, out: Path, kind: str) -> None:
    make, words = SOURCES[kind]
    source = make(tmp_path / "match.mp4")
    outcome = cli("infer", source, *constant_models.options, "--output-dir", out)
    assert_one_line(outcome, str(source), words)
    assert names(out) == []


def test_what_comes_before_a_cut_is_kept(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    whole = fixed_rate(tmp_path / "match.mp4", 60, size=(320, 240), container=FRONT_INDEX)
    clip = truncated(whole, 0.6)
    outcome = cli("infer", clip, *constant_models.options, "--output-dir", out)
    assert_one_line(outcome, f"{clip} breaks off at", "frames before are kept in")
    assert names(out) == [
        "cut_match.overlay.partial.mp4",
        "cut_match.poses.partial.h5",
        "cut_match.run.partial.json",
    ]
    assert all(str(out / name) in outcome.err for name in names(out))
    data = read_results(out / "cut_match.poses.partial.h5")
    frames = len(data.frame_index)
    assert not data.complete
    assert 20 < frames < 60
    assert f"The {frames} frames before" in outcome.err
    assert stamps(out / "cut_match.overlay.partial.mp4") == stamps(whole)[:frames]


def test_damage_in_the_middle_is_told(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = with_junk(fixed_rate(tmp_path / "match.mp4", 30), 15)
    outcome = cli("infer", clip, *constant_models.options, "--output-dir", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert re.search(r"warning: \d+ .*pictures of the source", outcome.out)


def test_models_in_the_wrong_order(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    swapped = Models(constant_models.pose, constant_models.det)
    outcome = cli("infer", clip, *swapped.options, "--output-dir", out)
    swapped_words = ("simcc_x", "are --det and --pose swapped?")
    assert_one_line(outcome, str(constant_models.pose), "expected a detector", *swapped_words)
    assert names(out) == []
    twice = Models(constant_models.det, constant_models.det)
    outcome = cli("infer", clip, *twice.options, "--output-dir", out)
    assert_one_line(outcome, str(constant_models.det), "expected a pose model", "dets")


def test_a_model_that_is_neither(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    other = constant_model(tmp_path / "classes.onnx", {"logits": np.zeros((1, 1000), np.float32)})
    for models in (Models(other, constant_models.pose), Models(constant_models.det, other)):
        outcome = cli("infer", clip, *models.options, "--output-dir", out)
        assert_one_line(outcome, str(other), "expected a", "logits")
        assert names(out) == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path, "found nothing"),
        (directory, "found a directory"),
        (text, "ONNX Runtime cannot load it"),
        (empty, "ONNX Runtime cannot load it"),
    ],
)
def test_a_model_file_that_is_none(
    cli: Cli,
    tmp_path: Path,
    constant_models: Models,
    out: Path,
    make: Callable[[Path], Path],
    words: str,
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    model = make(tmp_path / "model.onnx")
    for models in (Models(model, constant_models.pose), Models(constant_models.det, model)):
        outcome = cli("infer", clip, *models.options, "--output-dir", out)
        assert_one_line(outcome, str(model), "expected an ONNX model", words)
        assert names(out) == []


def test_sizes_that_the_detector_cannot_have(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    arguments = ("infer", clip, *constant_models.options, "--output-dir", out)
    outcome = cli(*arguments, "--det-size", 320)
    assert_one_line(outcome, "fixed at 96x96", "--det-size asks for 320")


def test_a_file_in_place_of_the_output_directory(
    cli: Cli, tmp_path: Path, constant_models: Models
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    taken = text(tmp_path / "out")
    outcome = cli("infer", clip, *constant_models.options, "--output-dir", taken)
    assert_one_line(outcome, str(taken), "cannot be written")
    assert taken.read_text().startswith("Spiel 3")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="nobody can write there, root too")
@pytest.mark.parametrize("folder", ["/proc/self", "/proc/self/out"])
def test_an_output_directory_that_cannot_be_written(
    cli: Cli, tmp_path: Path, constant_models: Models, folder: str
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    outcome = cli("infer", clip, *constant_models.options, "--output-dir", folder)
    assert_one_line(outcome, folder, "cannot be written")


def test_the_source_under_the_name_of_a_result(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    out.mkdir()
    (out / "match.overlay.mp4").symlink_to(clip)
    before = clip.read_bytes()
    outcome = cli("infer", clip, *constant_models.options, "--output-dir", out, "--overwrite")
    assert_one_line(outcome, "would be overwritten")
    assert clip.read_bytes() == before
    assert names(out) == ["match.overlay.mp4"]


def test_a_time_behind_the_end(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    arguments = ("infer", clip, *constant_models.options, "--output-dir", out)
    assert_one_line(cli(*arguments, "--start", "1:00:00"), "no frames from 3600 s")
    assert names(out) == []
    assert cli(*arguments).code == 0


def test_the_video_is_looked_at_before_a_model_is_fetched(cli: Cli, tmp_path: Path) -> None:
    """Nobody waits for a download to be told of a typing error."""
    asked = ("--det", "rtmdet-nano", "--models-dir", tmp_path / "none", "--mirror", "http://[")
    outcome = cli("infer", tmp_path / "none.mp4", *asked)
    assert_one_line(outcome, "none.mp4: no such file")
    assert not (tmp_path / "none").exists()


TOO_LONG = "x" * 300
"""No disk has files of this name."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("infer", TOO_LONG),
        ("infer", "match.mp4", "--det", TOO_LONG),
        ("infer", "match.mp4", "--models-dir", TOO_LONG),
        ("compare", TOO_LONG, TOO_LONG),
        ("bench", TOO_LONG),
        ("quantize", "--det", f"{TOO_LONG}.onnx"),
        ("quantize", "--quiet", "--calibrate", TOO_LONG, "--det", "demo-rtmdet.onnx"),
        ("models", "verify", "--models-dir", TOO_LONG),
    ],
    ids=lambda arguments: " ".join(arguments).replace(TOO_LONG, "TOO_LONG"),
)
def test_names_that_the_disk_does_not_take(
    cli: Cli, demo_models: Models, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Looking whether there is such a file is an error by itself."""
    monkeypatch.chdir(demo_models.det.parent)
    assert_one_line(cli(*arguments))


def test_of_several_videos_one_with_a_name_that_the_disk_does_not_take(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    outcome = cli("infer", TOO_LONG, clip, *constant_models.options, "--output-dir", out)
    assert (outcome.code, "1 failed, 1 done" in outcome.out) == (1, True)
    assert outcome.err == (
        f"error: {TOO_LONG}: cannot be looked at (File name too long); check the path\n"
    )


def test_no_command_but_a_name_that_the_disk_does_not_take(cli: Cli) -> None:
    outcome = cli(TOO_LONG)
    assert (outcome.code, "No such command" in outcome.err) == (2, True)
