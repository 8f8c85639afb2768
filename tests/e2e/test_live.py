"""Live sources from real servers, cut and restored, and from a pipe and a camera's interface."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from hpe_volleyball import InferOptions, infer_video
from hpe_volleyball.output.results import read_results
from hpe_volleyball.records import FrameResult
from hpe_volleyball.source import quit_by
from tests.clips import fixed_rate
from tests.e2e.test_interrupt import PATIENCE_S, start
from tests.runs import Cli, Models, names, rate, stamps
from tests.streams import SERVERS, serving

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way")
FPS = Fraction(25)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of numbered pictures, which servers send at their own pace."""
    path = tmp_path_factory.mktemp("served") / "hall.mp4"
    return fixed_rate(path, 1500, FPS, options=(("preset", "ultrafast"), ("g", "10"), ("bf", "0")))


def written(out: Path) -> int:
    """Bytes of the unfinished overlay, which grows every two seconds."""
    return sum(path.stat().st_size for path in out.glob("live-*.overlay.partial.mp4"))


def wait_until(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)


@pytest.mark.parametrize("kind", SERVERS)
def test_a_stream_that_is_cut_and_restored(
    tmp_path: Path, constant_models: Models, clip: Path, kind: str
) -> None:
    out = tmp_path / "out"
    with serving(kind, clip) as server:
        options = (*constant_models.options, "--output-dir", out, "--device", "cpu")
        process = start("infer", server.url, *options)
        try:
            wait_until(lambda: written(out) > 1000, process)
            begun = written(out)
            wait_until(lambda: written(out) > begun, process)
            server.cut()
            time.sleep(1.0)
            before = written(out)
            server.start()
            wait_until(lambda: written(out) > before, process)
            again = written(out)
            wait_until(lambda: written(out) > again, process)
            process.send_signal(signal.SIGINT)
            printed, errors = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert "1 reconnect, " in printed
    [video, data, run] = sorted(out.iterdir())
    assert [path.name[4:5] + path.name[20:] for path in (video, data, run)] == [
        "-.overlay.mp4",
        "-.poses.h5",
        "-.run.json",
    ]
    results = read_results(data)
    assert results.complete
    assert results.fps == FPS
    assert results.time_s[0] < 5
    assert (np.diff(results.time_s) > 0).all()
    np.testing.assert_array_equal(results.frame_index, np.arange(len(results.time_s)))
    assert set(results.track_id.tolist()) == {1, 2}
    assert rate(video) > 0
    np.testing.assert_allclose(stamps(video), results.time_s - results.time_s[0], rtol=0, atol=1e-4)
    recorded = json.loads(run.read_text(encoding="utf-8"))
    live = recorded["summary"]["live"]
    assert live["reconnects"] == 1
    assert live["lost_s"] >= 1.0
    # Longer than the outage: the time of the recording went on.
    assert np.diff(results.time_s).max() >= 1.0
    assert recorded["options"]["lookahead"] is False
    assert recorded["source"]["bytes"] is None
    shown = server.url.replace("coach:secret@", "")
    assert recorded["source"]["path"] == results.attributes["source"] == shown
    assert b"secret" not in b"".join(path.read_bytes() for path in (data, run))


def test_a_run_ends_by_itself(
    cli: Cli, tmp_path: Path, constant_models: Models, clip: Path
) -> None:
    out = tmp_path / "out"
    with serving("http", clip) as server:
        outcome = cli(
            *("infer", server.url, *constant_models.options, "--output-dir", out),
            *("--max-seconds", 1, "--device", "cpu"),
        )
    assert (outcome.code, outcome.err) == (0, "")
    assert "live: " in outcome.out
    assert len(names(out)) == 3
    [data] = out.glob("*.h5")
    times = read_results(data).time_s
    assert 0 < len(times) <= 25
    assert times[-1] < 1


def test_a_server_that_is_not_there(cli: Cli, tmp_path: Path, constant_models: Models) -> None:
    url = "rtsp://coach:secret@127.0.0.1:9/hall"
    outcome = cli("infer", url, *constant_models.options, "--output-dir", tmp_path / "out")
    assert outcome.code == 1
    assert outcome.err.startswith("error: rtsp://127.0.0.1:9/hall cannot be opened (Connection")
    assert outcome.err.count("\n") == 1
    assert "secret" not in outcome.err
    assert names(tmp_path / "out") == []


def test_a_camera_that_is_not_there(cli: Cli, tmp_path: Path, constant_models: Models) -> None:
    outcome = cli("infer", "97", *constant_models.options, "--output-dir", tmp_path / "out")
    assert outcome.code == 1
    assert outcome.err.startswith("error: 97 cannot be opened (")
    assert outcome.err.count("\n") == 1


def test_a_part_of_a_live_source_and_one_among_files_are_refused(
    cli: Cli, tmp_path: Path, constant_models: Models, clip: Path
) -> None:
    options = (*constant_models.options, "--output-dir", tmp_path / "out")
    outcome = cli("infer", "rtsp://127.0.0.1:9/hall", *options, "--start", 5)
    assert outcome.code == 1
    assert "--start and --end are for files" in outcome.err
    outcome = cli("infer", clip, "rtsp://127.0.0.1:9/hall", *options)
    assert outcome.code == 1
    assert "is a live source" in outcome.err
    assert names(tmp_path / "out") == []


def test_max_seconds_of_a_file(
    cli: Cli, tmp_path: Path, constant_models: Models, clip: Path
) -> None:
    options = (*constant_models.options, "--output-dir", tmp_path / "out", "--no-video")
    assert cli("infer", clip, *options, "--start", 2, "--max-seconds", "0:01").code == 0
    times = read_results(tmp_path / "out" / "hall.poses.h5").time_s
    np.testing.assert_allclose(times, 2 + np.arange(25) / 25, atol=1e-3)


def test_closing_the_window_of_a_live_run_completes_it(
    tmp_path: Path, constant_models: Models, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No display here: what the window calls on q is called in its place."""
    quits = []
    monkeypatch.setattr("hpe_volleyball.run.quit_by", lambda source: quits.append(quit_by(source)))
    monkeypatch.setattr("hpe_volleyball.run.Preview", lambda *_: NoWindow())
    options = InferOptions(
        det=constant_models.det, pose=constant_models.pose, output_dir=tmp_path, show=True
    )
    with serving("http", clip) as server:

        def press_q(result: FrameResult) -> None:
            if result.frame.index == 3:
                quits[0]()

        summary = infer_video(server.url, options, on_frame=press_q)
    assert (summary.complete, summary.frames) == (True, 4)


class NoWindow:
    def write(self, result: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
