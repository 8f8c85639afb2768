"""The command line: help, bad usage, exit codes; what runs write is tested in e2e."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import pytest

from hpe_volleyball.choices import Quality, Target, Weights
from hpe_volleyball.cli import infer as infer_command
from hpe_volleyball.models.catalogue import Mode
from hpe_volleyball.models.devices import Device, Precision
from tests.child import run_python
from tests.runs import Cli, Models

COMMANDS = ("infer", "watch", "bench", "demo", "compare", "quantize", "info", "models")
ALL = (
    (),
    *((name,) for name in COMMANDS),
    *(("models", name) for name in ("list", "pull", "verify", "import")),
)
HEAVY = (
    *("onnxruntime", "cv2", "h5py", "av", "supervision", "trackers", "onnx", "scipy", "numpy"),
    *("rich", "matplotlib"),
)


def test_help_names_all_commands(cli: Cli) -> None:
    outcome = cli("--help")
    assert outcome.code == 0
    listed = re.search(r"Commands:\n((?:  .+\n)+)", outcome.out)
    assert listed is not None
    assert tuple(line.split()[0] for line in listed[1].splitlines()) == COMMANDS


def test_it_runs_as_a_module_of_python_and_is_called_the_same() -> None:
    ran = run_python(
        """
        import runpy, sys
        sys.argv[0] = "/somewhere/__main__.py"
        try:
            runpy.run_module("hpe_volleyball", run_name="__main__")
        finally:
            from hpe_volleyball.output.provenance import command_line
            print(command_line())
        """,
        "compare",
        "--help",
    )
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("Usage: hpe-volleyball compare ")
    assert lines[-1] == "hpe-volleyball compare --help"


@pytest.mark.parametrize("command", ALL, ids=" ".join)
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


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_help_loads_nothing_heavy(command: tuple[str, ...]) -> None:
    code = """
        import sys
        from hpe_volleyball.cli.app import main
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


def test_a_video_without_a_command_is_told_which_one(cli: Cli, tmp_path: Path) -> None:
    video = tmp_path / "first set.mp4"
    video.touch()
    outcome = cli(video, "--det-interval", 8)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"error: expected a command, found {video}; try: hpe-volleyball infer '{video}' "
        "--det-interval 8\n"
    )
    assert "hpe-volleyball infer rtsp://camera/1" in cli("rtsp://camera/1").err
    assert "try: hpe-volleyball --debug infer rtsp://c/1\n" in cli("--debug", "rtsp://c/1").err
    outcome = cli("no-such-file.mp4")
    assert outcome.code == 2
    assert "No such command" in outcome.err


def test_a_folder_with_the_name_of_a_command_does_not_hide_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    assert cli("models", "list", "--help").code == 0


def test_without_a_command_it_explains_itself(cli: Cli) -> None:
    outcome = cli()
    assert outcome.code == 2
    assert "Usage:" in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--det-interval", "0"),
        ("--det-interval", "2.5"),
        ("--det-interval", "1" + 20 * "0"),
        ("--det-size", "31"),
        ("--det-size", "100"),
        ("--det-size", "1000000000"),
        ("--pose-interval", "5"),
        ("--det", ""),
        ("--det-score", "0.05"),
        ("--det-score", "1.5"),
        ("--pose-batch", "0"),
        ("--max-people", "0"),
        ("--court", "1,2,3"),
        ("--court", "1,2,3,4"),
        ("--court", "1,1,2,2,3,3"),
        ("--court", "1,1,2,2,3,inf"),
        ("--court", "no-such-file.json"),
        ("--court", "1,1,1e30,2,2,3"),
        ("--court", ""),
        ("--max-frames", "0"),
        ("--max-seconds", "later"),
        ("--start", "soon"),
        ("--start", "-1"),
        ("--start", "1" + 20 * "0"),
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


@pytest.mark.parametrize(
    ("command", "option", "choices"),
    [
        ("infer", "--mode", Mode),
        ("infer", "--device", Device),
        ("infer", "--precision", Precision),
        ("infer", "--video-quality", Quality),
        ("watch", "--device", Device),
        ("bench", "--weights", Weights),
        ("quantize", "--precision", Target),
        ("models pull", "--mode", Mode),
    ],
)
def test_choices_are_in_the_help_and_told_for_another_value(
    cli: Cli, command: str, option: str, choices: Any
) -> None:
    words = get_args(choices)
    assert f"{option} <{'|'.join(words)}>" in cli(*command.split(), "--help").out
    outcome = cli(*command.split(), option, "other", ".")
    assert outcome.code == 2
    for part in (option, "'other'", ", ".join(map(repr, words))):
        assert part in " ".join(outcome.err.split())


def test_an_error_is_one_line_and_a_traceback_only_where_asked_for(
    cli: Cli, tmp_path: Path, constant_models: Models
) -> None:
    arguments = ("infer", tmp_path / "none.mp4", *constant_models.options)
    outcome = cli(*arguments)
    assert outcome.code == 1
    assert outcome.err == f"error: {tmp_path / 'none.mp4'}: no such file; check the path\n"
    with pytest.raises(Exception, match="no such file"):
        cli("--debug", *arguments)


def test_ctrl_c_before_the_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(infer_command, "_infer", interrupted)
    outcome = cli("infer", "match.mp4", "--det", "d", "--pose", "p")
    assert (outcome.code, outcome.out) == (130, "")
    assert "Traceback" not in outcome.err
