"""The command line: help, times, exit codes; what runs write is tested in e2e."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from hpe_volleyball import cli as command_line
from hpe_volleyball.cli import parse_time
from hpe_volleyball.errors import DeviceError
from hpe_volleyball.options import InferOptions
from hpe_volleyball.session import open_session
from tests.child import run_python
from tests.clips import fixed_rate
from tests.runs import Cli, Models

COMMANDS = ("infer", "demo", "compare")
HEAVY = (
    *("onnxruntime", "cv2", "h5py", "av", "supervision", "trackers", "onnx", "scipy", "numpy"),
    *("rich", "matplotlib"),
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90.5", 90.5),
        ("90.", 90),
        ("1:30", 90),
        ("01:02:03.25", 3723.25),
        ("100:00:00", 360_000),
        (" 7 ", 7),
        (2.5, 2.5),
    ],
)
def test_times_are_seconds_or_clock_times(text: str | float, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "-1", "1:", ":30", "1m30s", "1:2:3:4", "1e3", "nan", "1,5"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected seconds or h:mm:ss"):
        parse_time(text)


def test_help_names_all_commands(cli: Cli) -> None:
    outcome = cli("--help")
    assert outcome.code == 0
    listed = re.search(r"Commands:\n((?:  .+\n)+)", outcome.out)
    assert listed is not None
    assert tuple(line.split()[0] for line in listed[1].splitlines()) == COMMANDS


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_every_option_says_what_it_does_and_its_default(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = cli(*command, "--help").out
    assert max(map(len, text.splitlines())) <= 80
    options = re.split(r"\n  (?=-)", text.partition("Options:")[2].partition("Commands:")[0])[1:]
    assert options
    for option in options:
        words = " ".join(option.split())
        if words.startswith("-h, --help"):
            continue
        assert re.search(r"\[default: .+\]|\[required\]", words), words
        assert re.search(r"  +[A-Z].+\.", option, re.DOTALL), words


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_help_loads_nothing_heavy(command: tuple[str, ...]) -> None:
    code = """
        import sys
        from hpe_volleyball.cli import main
        sys.argv[0] = "hpe-volleyball"
        try:
            main()
        except SystemExit as stop:
            assert not stop.code
        print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
    """
    ended = run_python(code, *command, "--help")
    assert ended.returncode == 0, ended.stderr
    assert "Usage:" in ended.stdout
    assert not set(HEAVY) & set(ended.stderr.split())


def test_the_package_alone_loads_nothing_heavy() -> None:
    code = "import hpe_volleyball, sys; print(*{name.split('.')[0] for name in sys.modules})"
    assert not set(HEAVY) & set(run_python(code).stdout.split())


def test_version(cli: Cli) -> None:
    outcome = cli("--version")
    assert (outcome.code, outcome.out) == (0, f"hpe-volleyball {version('hpe-volleyball')}\n")


def test_without_a_command_it_explains_itself(cli: Cli) -> None:
    outcome = cli()
    assert outcome.code == 2
    assert "Usage:" in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--det-interval", "0"),
        ("--det-interval", "2.5"),
        ("--det-size", "31"),
        ("--det-score", "0.05"),
        ("--det-score", "1.5"),
        ("--pose-batch", "0"),
        ("--max-frames", "0"),
        ("--start", "soon"),
        ("--start", "-1"),
        ("--end", "1:2:3:4"),
        ("--device", "tpu"),
        ("--no-such-option", "1"),
    ],
)
def test_bad_values_are_bad_usage(
    cli: Cli, constant_models: Models, option: str, value: str
) -> None:
    outcome = cli("infer", "match.mp4", *constant_models.options, option, value)
    assert outcome.code == 2
    assert option in outcome.err
    assert "Traceback" not in outcome.err


def test_models_and_video_are_asked_for(cli: Cli) -> None:
    assert "--det" in cli("infer", "match.mp4").err
    assert "VIDEO" in cli("infer").err


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[InferOptions]:
    """Options that reach the run, which is left out."""
    found: list[InferOptions] = []
    monkeypatch.setattr(command_line, "_infer", lambda _video, asked, **_: found.append(asked))
    return found


def test_defaults_are_those_of_the_python_interface(cli: Cli, given: list[InferOptions]) -> None:
    assert cli("infer", "match.mp4", "--det", "d.onnx", "--pose", "p.onnx").code == 0
    assert given == [InferOptions(det=Path("d.onnx"), pose=Path("p.onnx"))]


def test_every_option_reaches_the_run(cli: Cli, given: list[InferOptions]) -> None:
    arguments = (
        *("--det", "d", "--pose", "p", "--output-dir", "o", "--device", "cpu"),
        *("--det-interval", "7", "--det-size", "320", "--det-score", "0.5", "--pose-batch", "3"),
        *("--start", "1:00", "--end", "2:00", "--max-frames", "9"),
        *("--no-lookahead", "--no-video", "--no-data", "--show", "--overwrite"),
    )
    assert cli("infer", "match.mp4", *arguments).code == 0
    [options] = given
    usual = InferOptions(det=Path("d"), pose=Path("p"))
    for field in fields(options):
        if field.name not in {"det", "pose"}:
            assert getattr(options, field.name) != getattr(usual, field.name), field.name
    assert (options.start_s, options.end_s, options.max_frames) == (60, 120, 9)
    assert (options.video, options.data) == (False, False)
    assert (options.show, options.overwrite) == (True, True)


def test_an_error_is_one_line_and_a_traceback_only_where_asked_for(
    cli: Cli, tmp_path: Path, constant_models: Models
) -> None:
    arguments = ("infer", tmp_path / "none.mp4", *constant_models.options)
    outcome = cli(*arguments)
    assert outcome.code == 1
    assert outcome.err == f"error: {tmp_path / 'none.mp4'}: no such file; check the path\n"
    with pytest.raises(Exception, match="no such file"):
        cli("--debug", *arguments)


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


def test_ctrl_c_before_the_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "_infer", interrupted)
    outcome = cli("infer", "match.mp4", "--det", "d", "--pose", "p")
    assert (outcome.code, outcome.out) == (130, "")
    assert "Traceback" not in outcome.err
