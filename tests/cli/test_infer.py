"""`infer`: every option reaches the run; what runs write is tested in e2e."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from hpe_volleyball.cli import infer as command
from hpe_volleyball.errors import DeviceError, OptionError
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.options import InferOptions
from tests.clips import fixed_rate
from tests.runs import Cli, Models


def test_the_video_is_asked_for(cli: Cli) -> None:
    assert "VIDEO" in cli("infer").err


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[InferOptions]:
    """Options that reach the run, which is left out."""
    found: list[InferOptions] = []
    monkeypatch.setattr(command, "_infer", lambda _video, asked, **_: found.append(asked))
    return found


def test_defaults_are_those_of_the_python_interface(cli: Cli, given: list[InferOptions]) -> None:
    assert cli("infer", "match.mp4").code == 0
    assert given == [InferOptions()]


def test_every_option_reaches_the_run(cli: Cli, given: list[InferOptions]) -> None:
    arguments = (
        *("--det", "d", "--pose", "p", "--output-dir", "o", "--device", "cpu"),
        *("--mode", "balanced", "--models-dir", "m", "--offline", "--mirror", "http://mirror"),
        *("--det-interval", "7", "--det-size", "320", "--det-score", "0.5", "--pose-batch", "3"),
        *("--pose-interval", "2", "--precision", "fp32"),
        *("--court", "0,0,50,0,50,60", "--max-people", "5"),
        *("--start", "1:00", "--end", "2:00", "--max-frames", "9", "--max-seconds", "30"),
        *("--no-lookahead", "--no-video", "--no-data", "--show", "--overwrite"),
        *("--video-height", "720", "--video-quality", "low", "--resume", "--strict"),
    )
    assert cli("infer", "match.mp4", *arguments).code == 0
    [options] = given
    usual = InferOptions()
    for field in fields(options):
        if field.name == "tuning":  # for benchmarks, no option
            continue
        assert getattr(options, field.name) != getattr(usual, field.name), field.name
    assert (options.video_height, options.video_quality) == (720, "low")
    assert (options.det, options.pose, options.models_dir) == ("d", "p", Path("m"))
    assert (options.start_s, options.end_s, options.max_frames) == (60, 120, 9)
    assert (options.video, options.data) == (False, False)
    assert (options.show, options.overwrite) == (True, True)


def test_limits_are_those_of_the_python_interface() -> None:
    checked = set()
    for name, given in inspect.signature(command.infer, eval_str=True).parameters.items():
        option = given.annotation.__metadata__[0]
        for limit, side in ((option.min, -1), (option.max, 1)):
            if limit is not None:
                checked.add(name)
                InferOptions(**{name: limit})
                beyond = limit + side * (1 if isinstance(limit, int) else 0.01)
                with pytest.raises(OptionError, match=name):
                    InferOptions(**{name: beyond})
    assert {"det_score", "det_interval", "max_people", "video_height"} <= checked


def test_cuda_that_is_not_granted_is_an_error_that_says_why(
    cli: Cli, tmp_path: Path, constant_models: Models
) -> None:
    try:
        open_session(constant_models.det, "cuda")
    except DeviceError as error:
        reason = str(error)
    else:
        pytest.skip("this machine grants CUDA")
    clip = fixed_rate(tmp_path / "match.mp4", 3)
    outcome = cli("infer", clip, *constant_models.options, "--device", "cuda")
    assert (outcome.code, outcome.err) == (1, f"error: {reason}\n")
