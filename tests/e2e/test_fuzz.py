"""Damaged input: never a traceback, a crash, a hang, or an incomplete file under a final name."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpe_volleyball.output.results import read_results
from tests.clips import FRONT_INDEX, fixed_rate
from tests.mutated import mutated
from tests.recorded import record
from tests.runs import Models, Outcome, names, stamps
from tests.served import Served

FRAMES = 24
SOURCES = (("a.mp4", "aac"), ("front.mp4", None), ("a.mkv", None), ("a.ts", None), ("a.avi", None))
"""Containers, and the sound in them; "front" has its index in front."""
MODELS = ("det", "pose", "real_det")

pytestmark = pytest.mark.skipif(
    not Path("/proc").exists(), reason="the child limits its own memory"
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sources")
    return [
        fixed_rate(
            folder / name,
            FRAMES,
            audio=audio,
            container=FRONT_INDEX if name == "front.mp4" else (),
        )
        for name, audio in SOURCES
    ]


@pytest.fixture(scope="module")
def program() -> Iterator[Served]:
    with Served() as served:
        yield served


def verdict(outcome: Outcome, out: Path) -> str:
    """What came of a run: "done" or "refused"; an AssertionError where it did not end well."""
    told = f"exit {outcome.code}\n{outcome.out}\n{outcome.err}"
    assert outcome.code in {0, 1}, told
    assert "Traceback" not in outcome.err + outcome.out, told
    if outcome.code == 0:
        assert names(out) == ["match.overlay.mp4", "match.poses.h5", "match.run.json"], told
    else:
        assert re.fullmatch(r"error: [^\n]+\n", outcome.err), told
        assert not [name for name in names(out) if ".partial." not in name], told
    for name in names(out):
        if name.endswith(".h5"):
            assert read_results(out / name).complete == (".partial." not in name)
        if name == "match.overlay.mp4":
            frames = len(read_results(out / "match.poses.h5").frame_index)
            assert len(stamps(out / name)) == frames, told
    return "done" if outcome.code == 0 else "refused"


def run_video(program: Served, clips: list[Path], models: Models, folder: Path, number: int) -> str:
    """A run with the n-th damaged video."""
    source = clips[number % len(clips)]
    place = folder / str(number)
    place.mkdir()
    video = place / f"match{source.suffix}"
    video.write_bytes(mutated(source.read_bytes(), number))
    out = place / "out"
    outcome = program.run("infer", video, *models.options, "--output-dir", out, "--device", "cpu")
    result = verdict(outcome, out)
    shutil.rmtree(place)
    return result


def run_model(
    program: Served, clip: Path, good: Models, real_det: Path, folder: Path, number: int
) -> str:
    """A run with the n-th damaged model."""
    role = MODELS[number % len(MODELS)]
    place = folder / str(number)
    place.mkdir()
    source = {"det": good.det, "pose": good.pose, "real_det": real_det}[role]
    model = place / "model.onnx"
    model.write_bytes(mutated(source.read_bytes(), 1000 + number))
    models = Models(good.det, model) if role == "pose" else Models(model, good.pose)
    out = place / "out"
    video = shutil.copy(clip, place / "match.mp4")
    outcome = program.run(
        *("infer", video, *models.options, "--output-dir", out, "--device", "cpu"),
        *("--max-frames", "4"),
    )
    result = verdict(outcome, out)
    shutil.rmtree(place)
    return result


def test_some_damaged_videos(
    program: Served, clips: list[Path], constant_models: Models, tmp_path: Path
) -> None:
    results = [run_video(program, clips, constant_models, tmp_path, n) for n in range(15)]
    assert set(results) == {"done", "refused"}


def test_some_damaged_models(
    program: Served,
    clips: list[Path],
    constant_models: Models,
    real_detector: Path,
    tmp_path: Path,
) -> None:
    for number in range(9):
        run_model(program, clips[0], constant_models, real_detector, tmp_path, number)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_many_damaged_inputs(
    program: Served,
    clips: list[Path],
    constant_models: Models,
    real_detector: Path,
    tmp_path: Path,
) -> None:
    failures: dict[str, str] = {}
    counts: dict[str, Counter[str]] = {"videos": Counter(), "models": Counter()}
    for kind, amount in (("videos", 200), ("models", 100)):
        for number in range(amount):
            try:
                if kind == "videos":
                    result = run_video(program, clips, constant_models, tmp_path, number)
                else:
                    result = run_model(
                        program, clips[0], constant_models, real_detector, tmp_path, number + 200
                    )
            except AssertionError as error:
                result = "failed"
                failures[f"{kind} {number}"] = str(error)
            counts[kind][result] += 1
    content = {
        **{kind: dict(count) for kind, count in counts.items()},
        "failures": {name: text[:500] for name, text in failures.items()},
    }
    record("fuzz", content)
    assert not failures
