"""`watch`, as processes of its own: waits for the end of a copy, survives a kill, never twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpe_volleyball.output.results import read_results
from tests.clips import fixed_rate
from tests.e2e.test_interrupt import PATIENCE_S, start, wait_for
from tests.runs import Cli, Models, names

SETTLE_S = 0.6

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way")
Starter = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def arrivals(tmp_path: Path) -> Path:
    folder = tmp_path / "arrivals"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def watching(arrivals: Path, out: Path, constant_models: Models) -> Iterator[Starter]:
    """Starts a watch; all are ended with the test."""
    started = []

    def begin() -> subprocess.Popen[str]:
        options = (*constant_models.options, "--output-dir", out, "--settle", SETTLE_S)
        started.append(start("watch", arrivals, *options))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_until(what: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.05)


def stop(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Ctrl-C while nothing runs; what was done last is printed just behind its files."""
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, printed, errors


def test_a_recording_is_taken_when_it_has_stopped_growing(
    arrivals: Path, out: Path, tmp_path: Path, watching: Starter
) -> None:
    content = fixed_rate(tmp_path / "match.mp4", 40).read_bytes()
    process = watching()
    wait_until((out / ".watch.lock").exists, "the watch does not start")
    with (arrivals / "match.mp4").open("wb") as file:
        for part in range(6):
            file.write(content[part * len(content) // 6 : (part + 1) * len(content) // 6])
            file.flush()
            time.sleep(SETTLE_S / 2)
            assert names(out) == [".watch.lock"]
    wait_until((out / "match.run.json").exists, "the recording is not processed")
    (arrivals / "text.mp4").write_text("no video")
    wait_until((out / "watch.failed.json").exists, "the failure is not recorded")
    code, printed, errors = stop(process)
    assert (code, printed.count(str(arrivals))) == (130, 1)
    assert "match.mp4: done, 40 frames" in printed
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert "text.mp4" in errors
    assert len(read_results(out / "match.poses.h5").frame_index) == 40


def test_nothing_is_done_twice(
    arrivals: Path, out: Path, tmp_path: Path, watching: Starter, cli: Cli, constant_models: Models
) -> None:
    """Killed in the middle of the second recording, started again, then once more."""
    fixed_rate(arrivals / "a.mp4", 20)
    text = arrivals / "b.mp4"
    text.write_text("no video")
    before = fixed_rate(tmp_path / "c.mp4", 20)
    cli("infer", before, *constant_models.options, "--output-dir", out)
    shutil.copy(before, arrivals)
    long = fixed_rate(arrivals / "d.mp4", 3000, size=(320, 240))
    process = watching()
    wait_for(out / "d.overlay.partial.mp4", 20_000)
    process.kill()
    printed, errors = process.communicate()
    assert errors.count("error: ") == 1
    done = {name: (out / name).stat().st_mtime_ns for name in names(out) if name[0] in "ac"}
    assert len(done) == 6
    assert "d.run.json" not in names(out)

    long.unlink()  # a shorter one under the same name, to save time
    fixed_rate(long, 100, size=(320, 240))
    process = watching()
    wait_until((out / "d.run.json").exists, "the killed run is not done again")
    other = watching()
    refused, more = other.communicate(timeout=PATIENCE_S)
    assert (other.returncode, refused) == (1, "")
    assert "are being written by another run" in more
    fixed_rate(text, 10)
    wait_until((out / "b.run.json").exists, "a failed recording that changed is not tried again")
    code, printed, errors = stop(process)
    assert (code, errors) == (130, "")
    told = [line.split(": ")[0] for line in printed.splitlines() if str(arrivals) in line]
    assert told == [str(long), str(text)]
    assert {name: (out / name).stat().st_mtime_ns for name in done} == done
    assert not [name for name in names(out) if "partial" in name]
    assert json.loads((out / "d.run.json").read_text())["summary"]["frames"] == 100

    process = watching()
    time.sleep(3 * SETTLE_S)
    code, printed, errors = stop(process)
    assert (code, errors) == (130, "")
    assert str(arrivals) not in printed
    assert {name: (out / name).stat().st_mtime_ns for name in done} == done


def test_ctrl_c_in_the_middle_keeps_what_was_done(
    arrivals: Path, out: Path, watching: Starter
) -> None:
    fixed_rate(arrivals / "d.mp4", 3000, size=(320, 240))
    process = watching()
    wait_for(out / "d.overlay.partial.mp4", 20_000)
    code, printed, errors = stop(process)
    assert (code, errors) == (130, "")
    assert "d.mp4: stopped" in printed
    assert 0 < len(read_results(out / "d.poses.partial.h5").frame_index) < 3000
