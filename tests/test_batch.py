"""Several recordings: one model load, finished ones skipped, failures told at the end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpe_volleyball import FrameResult, InferOptions, infer_video, load_results
from hpe_volleyball.batch import Batch, find_recordings, recordings_in
from hpe_volleyball.errors import ModelError, OutputError, SourceError
from hpe_volleyball.finished import unfinished_files
from hpe_volleyball.loaded import load_models
from tests.clips import FRONT_INDEX, fixed_rate, truncated
from tests.runs import Cli, Models, names


@pytest.fixture
def options(constant_models: Models, tmp_path: Path) -> InferOptions:
    return InferOptions(
        det=constant_models.det, pose=constant_models.pose, output_dir=tmp_path / "out"
    )


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A directory with two recordings and other things."""
    folder = tmp_path / "videos"
    folder.mkdir()
    fixed_rate(folder / "b.mp4", 8)
    fixed_rate(folder / "A.MKV", 6)
    shutil.copy(folder / "b.mp4", folder / ".hidden.mp4")
    shutil.copy(folder / "b.mp4", folder / "b.overlay.mp4")
    shutil.copy(folder / "b.mp4", folder / "b.overlay.partial.mp4")
    (folder / "notes.txt").write_text("Halle 1")
    (folder / "sub.mp4").mkdir()
    return folder


def finished(video: Path, options: InferOptions) -> bool:
    return Batch(options).is_finished(video)


@contextmanager
def silent(_frames: int | None) -> Iterator[Callable[[FrameResult], None]]:
    yield lambda _result: None


def test_what_is_a_recording_in_a_directory(videos: Path) -> None:
    assert [path.name for path in recordings_in(videos)] == ["A.MKV", "b.mp4"]


def test_recordings_are_taken_once_and_in_order(videos: Path, tmp_path: Path) -> None:
    other = tmp_path / "c.mp4"
    found = find_recordings([other, videos, videos / "b.mp4", videos / ".." / "videos" / "b.mp4"])
    assert [path.name for path in found] == ["c.mp4", "A.MKV", "b.mp4"]


def test_two_with_the_same_results_are_refused(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"b\.mp4 and .*b\.mov would write results of the same"):
        find_recordings([videos, tmp_path / "b.mov"])


def test_a_directory_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a directory without videos"):
        find_recordings([tmp_path])


@pytest.mark.parametrize(
    "change",
    [
        {"det_interval": 3},
        {"det_score": 0.5},
        {"lookahead": False},
        {"max_frames": 4},
        {"end_s": 0.1},
        {"court": ((0, 0), (90, 0), (90, 60))},
        {"max_people": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_results_with_other_settings_are_not_finished(
    tmp_path: Path, options: InferOptions, change: dict[str, Any]
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    changed = replace(options, **change)
    infer_video(clip, changed)
    assert finished(clip, changed)
    assert not finished(clip, options)


def test_finished_means_complete_whole_and_of_this_recording(
    tmp_path: Path, options: InferOptions, demo_models: Models
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    assert not finished(clip, options)
    infer_video(clip, replace(options, video=False))
    assert not finished(clip, options)  # the overlay is missing
    infer_video(clip, replace(options, overwrite=True))
    assert finished(clip, replace(options, overwrite=True, device="cpu", show=True))
    assert not finished(clip, replace(options, video=False))
    moved = tmp_path / "moved" / "match.mp4"
    moved.parent.mkdir()
    shutil.copy(clip, moved)
    copied = shutil.copy(str(options.det), tmp_path / "same-model.onnx")
    assert finished(moved, replace(options, det=Path(copied)))
    assert not finished(moved, replace(options, det=demo_models.det))
    with pytest.raises(ModelError):
        finished(moved, replace(options, det=tmp_path / "gone.onnx"))
    run = options.output_dir / "match.run.json"
    content = json.loads(run.read_text(encoding="utf-8"))
    others: list[Any] = [
        *({**content, "options": []}, {**content, "models": [1]}, [], {}),
        {**content, "source": {**content["source"], "path": "elsewhere/match.mov"}},
        {**content, "summary": {**content["summary"], "complete": False}},
    ]
    for foreign in others:
        run.write_text(json.dumps(foreign), encoding="utf-8")
        assert not finished(clip, options)
    fewer = {name: value for name, value in content["options"].items() if name != "pose_interval"}
    for ours in ({**content, "options": fewer}, content):  # the first: of an earlier version
        run.write_text(json.dumps(ours), encoding="utf-8")
        assert finished(clip, options)
    changed = bytearray(moved.read_bytes())
    changed[-1] ^= 1  # as long, and another one: raw video of a fixed length
    moved.write_bytes(changed)
    assert not finished(moved, options)


def test_stopped_runs_are_unfinished(tmp_path: Path, options: InferOptions) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 30)

    def stop(result: FrameResult) -> None:
        if result.frame.index == 9:
            raise KeyboardInterrupt

    infer_video(clip, options, on_frame=stop)
    assert not finished(clip, options)
    assert len(unfinished_files(clip, options)) == 3


def test_models_may_go_once_they_are_loaded(
    videos: Path, options: InferOptions, tmp_path: Path
) -> None:
    det, pose = (Path(shutil.copy(str(p), tmp_path)) for p in (options.det, options.pose))
    states = []
    for outcome in Batch(replace(options, det=det, pose=pose)).run_all(
        recordings_in(videos), silent
    ):
        states.append(outcome.state)
        det.unlink(missing_ok=True)
        pose.unlink(missing_ok=True)
    assert states == ["done", "done"]


def test_models_are_loaded_once(videos: Path, options: InferOptions) -> None:
    loaded = []

    def counted(asked: InferOptions) -> Any:
        loaded.append(asked)
        return load_models(asked)

    outcomes = list(Batch(options, load=counted).run_all(recordings_in(videos), silent))
    assert [o.state for o in outcomes] == ["done", "done"]
    assert [o.summary.frames for o in outcomes if o.summary] == [6, 8]
    assert loaded == [options]
    outcomes = list(Batch(options, load=counted).run_all(recordings_in(videos), silent))
    assert [o.state for o in outcomes] == ["skipped", "skipped"]
    assert len(loaded) == 2


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_comes_while_a_recording_is_completed_ends_all(
    videos: Path, options: InferOptions, number: signal.Signals
) -> None:
    """The last window is written, nothing is left to stop; the next recording is not begun."""

    @contextmanager
    def stopping(frames: int | None) -> Iterator[Callable[[FrameResult], None]]:
        def on_frame(result: FrameResult) -> None:
            if result.frame.index + 1 == frames:
                os.kill(os.getpid(), number)

        yield on_frame

    [outcome] = Batch(options).run_all(recordings_in(videos), stopping)
    assert (outcome.state, outcome.ends_all) == ("done", True)
    assert outcome.summary is not None
    assert (outcome.summary.complete, outcome.summary.stop_asked) == (True, True)
    assert finished(outcome.video, options)


def test_a_model_that_is_missing_ends_all(videos: Path, options: InferOptions) -> None:
    batch = Batch(replace(options, det=Path("gone.onnx")))
    with pytest.raises(ModelError):
        list(batch.run_all(recordings_in(videos), silent))


def test_a_failed_one_does_not_stop_the_rest(
    cli: Cli, videos: Path, constant_models: Models, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    whole = fixed_rate(tmp_path / "x.mp4", 60, size=(320, 240), container=FRONT_INDEX)
    torn = truncated(whole, 0.6).rename(videos / "B-torn.mp4")
    (videos / "AA.mp4").write_bytes(b"")
    arguments = ("infer", videos, tmp_path / "none.mp4", *constant_models.options)
    outcome = cli(*arguments, "--output-dir", out)
    assert outcome.code == 1
    errors = outcome.err.splitlines()
    assert [line.startswith("error: ") for line in errors] == [True] * 3
    assert "AA.mp4 is empty" in errors[0]
    assert str(torn) in errors[1]
    assert "frames before are kept" in errors[1]
    assert "none.mp4: no such file" in errors[2]
    rows = [line.split() for line in outcome.out.splitlines() if "│" in line]
    assert [(row[1], row[3]) for row in rows] == [
        ("A.MKV", "done"),
        ("AA.mp4", "failed"),
        ("B-torn.mp4", "failed"),
        ("b.mp4", "done"),
        ("none.mp4", "failed"),
    ]
    assert "2 done, 3 failed" in outcome.out
    complete = [name for name in names(out) if "partial" not in name]
    assert complete == [
        *("A.overlay.mp4", "A.poses.h5", "A.run.json"),
        *("b.overlay.mp4", "b.poses.h5", "b.run.json"),
    ]
    assert load_results(out / "b.poses.h5").complete


def test_finished_ones_are_skipped(
    cli: Cli, videos: Path, constant_models: Models, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("infer", videos / "A.MKV", videos, *constant_models.options, "--output-dir", out)
    assert "2 done" in cli(*arguments).out
    before = {name: (out / name).stat().st_mtime_ns for name in names(out)}
    again = cli(*arguments)
    assert (again.code, again.err) == (0, "")
    assert "2 skipped" in again.out
    assert {name: (out / name).stat().st_mtime_ns for name in names(out)} == before
    other = cli(*arguments, "--det-interval", 2)
    assert (other.code, other.err.count("already there from an earlier run")) == (1, 2)
    assert {name: (out / name).stat().st_mtime_ns for name in names(out)} == before
    assert "2 done" in cli(*arguments, "--overwrite").out
    quiet = cli(*arguments, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_job_of_one_video_can_be_begun_again(
    cli: Cli, videos: Path, constant_models: Models, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = ("infer", videos / "A.MKV", *constant_models.options, "--output-dir", out, "--resume")
    assert cli(*job).code == 0
    before = {name: (out / name).stat().st_mtime_ns for name in names(out)}
    again = cli(*job)
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith(
        "A.MKV: skipped, its results are there, made with the same settings\n"
    )
    assert {name: (out / name).stat().st_mtime_ns for name in names(out)} == before
    other = cli(*job, "--det-interval", 2)
    assert (other.code, "already there from an earlier run" in other.err) == (1, True)
    assert cli(*job[:-1]).code == 1, "without --resume nothing is skipped"


def test_ctrl_c_stops_all(
    cli: Cli, videos: Path, constant_models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpe_volleyball.console.progress import Progress

    monkeypatch.setattr(Progress, "advance", lambda *_: signal.raise_signal(signal.SIGINT))
    outcome = cli(
        "infer", videos, *constant_models.options, "--output-dir", tmp_path / "out", "--overwrite"
    )
    assert outcome.code == 130
    assert "1 stopped, 1 not begun" in outcome.out
    assert names(tmp_path / "out") == [
        *("A.overlay.partial.mp4", "A.poses.partial.h5", "A.run.partial.json")
    ]


def test_an_output_directory_that_cannot_be_made_is_a_failure(
    videos: Path, options: InferOptions
) -> None:
    options.output_dir.write_text("a file")
    outcomes = list(Batch(options).run_all(recordings_in(videos), silent))
    assert [type(outcome.error) for outcome in outcomes] == [OutputError, OutputError]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_no_result_can_have_stop_none_of_the_others(
    cli: Cli, constant_models: Models, tmp_path: Path
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    clip = fixed_rate(folder / "a.mp4", 5).read_bytes()
    for name in ("x" * 251, "y" * 230, "z"):
        (folder / f"{name}.mp4").write_bytes(clip)
    (folder / os.fsdecode(b"bad\xff.mp4")).write_bytes(clip)
    outcome = cli("infer", folder, *constant_models.options, "--output-dir", out)
    assert outcome.code == 1
    assert "2 done, 3 failed" in outcome.out
    errors = outcome.err.splitlines()
    assert len(errors) == 3
    assert "a name that is not UTF-8, expected one that is; rename the file" in errors[0]
    assert all("File name too long" in error for error in errors[1:])
    assert {name.split(".")[0] for name in names(out)} == {"a", "z"}


def test_a_name_that_the_terminal_cannot_show_stops_nothing(
    constant_models: Models, tmp_path: Path
) -> None:
    """As with a western Windows that writes what is printed to a file."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b日本"):
        fixed_rate(folder / f"{name}.mp4", 5)
    done = subprocess.run(  # noqa: S603 - this Python
        [
            *(sys.executable, "-c", "from hpe_volleyball.cli import main; main()"),
            *("infer", str(folder), *constant_models.options),
            *("--output-dir", str(tmp_path / "out")),
        ],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"b\\u65e5\\u672c.mp4: done" in done.stdout
    assert b"2 done" in done.stdout
