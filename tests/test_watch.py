"""What `watch` remembers; the command itself is tested in e2e."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer

import pytest

from hpe_volleyball import FrameResult, InferOptions, infer_video, load_results
from hpe_volleyball.errors import OutputError, SourceError
from hpe_volleyball.output.alone import alone
from hpe_volleyball.watch import FAILED, Watch
from tests.clips import fixed_rate
from tests.runs import Models, names

SETTLE_S = 0.05


class Clock:
    """Time passes in pauses alone; after each of them something may happen."""

    now = 0.0

    def __init__(self) -> None:
        self.on_sleep: Callable[[float], None] = lambda _now: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep(self.now)


@contextmanager
def silent(_frames: int | None) -> Iterator[Callable[[FrameResult], None]]:
    yield lambda _result: None


@pytest.fixture
def options(constant_models: Models, tmp_path: Path) -> InferOptions:
    return InferOptions(
        det=constant_models.det, pose=constant_models.pose, output_dir=tmp_path / "out"
    )


@pytest.fixture
def arrivals(tmp_path: Path) -> Path:
    folder = tmp_path / "arrivals"
    folder.mkdir()
    return folder


def test_an_unreadable_recording_is_remembered(arrivals: Path, options: InferOptions) -> None:
    (arrivals / "a.mp4").write_text("no video")
    run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
    first = next(run)
    assert isinstance(first.error, SourceError)
    written = json.loads((options.output_dir / FAILED).read_text(encoding="utf-8"))
    assert written["a.mp4"]["error"] == str(first.error)
    run.close()

    fixed_rate(arrivals / "b.mp4", 5)
    run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
    second = next(run)
    run.close()
    assert (second.video.name, second.state) == ("b.mp4", "done")


def test_a_failure_is_forgotten_once_a_new_recording_of_that_name_is_done(
    arrivals: Path, options: InferOptions
) -> None:
    (arrivals / "a.mp4").write_text("no video")
    (arrivals / "b.mp4").write_text("no video either")
    run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
    for _ in range(2):
        assert isinstance(next(run).error, SourceError)
    fixed_rate(arrivals / "a.mp4", 5)
    outcome = next(run)
    run.close()
    assert (outcome.video.name, outcome.state) == ("a.mp4", "done")
    written = json.loads((options.output_dir / FAILED).read_text(encoding="utf-8"))
    assert list(written) == ["b.mp4"]


def test_a_failure_that_is_not_the_recordings_is_tried_with_the_next_start(
    arrivals: Path, options: InferOptions
) -> None:
    """Complete results made otherwise are in the way, and left as they are."""
    clip = fixed_rate(arrivals / "a.mp4", 5)
    infer_video(clip, replace(options, det_interval=2))
    before = names(options.output_dir)
    for _ in range(2):
        run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
        outcome = next(run)
        run.close()
        assert isinstance(outcome.error, OutputError)
        assert "made otherwise" in str(outcome.error)
        assert names(options.output_dir) == before


def test_a_recording_that_grows_after_it_was_run_is_run_anew(
    arrivals: Path, options: InferOptions
) -> None:
    """A camera paused for longer than `settle_s`; before a restart and behind one."""
    run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
    counts = []
    for frames in (5, 9):
        fixed_rate(arrivals / "a.mp4", frames)
        counts.append(next(run).summary)
    run.close()
    fixed_rate(arrivals / "a.mp4", 12)
    run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
    counts.append(next(run).summary)
    run.close()
    assert [summary.frames for summary in counts if summary] == [5, 9, 12]
    assert len(load_results(options.output_dir / "a.poses.h5").frame_index) == 12


def test_results_of_another_recording_of_that_name_are_not_replaced(
    arrivals: Path, options: InferOptions, tmp_path: Path
) -> None:
    infer_video(fixed_rate(tmp_path / "a.mp4", 5), options)
    fixed_rate(arrivals / "a.mp4", 9)
    run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
    assert "made otherwise" in str(next(run).error)
    run.close()
    assert len(load_results(options.output_dir / "a.poses.h5").frame_index) == 5


def test_a_stop_that_comes_while_a_recording_is_completed_ends_the_watch(
    arrivals: Path, options: InferOptions
) -> None:
    for name in ("a", "b"):
        fixed_rate(arrivals / f"{name}.mp4", 5)

    @contextmanager
    def stopping(_frames: int | None) -> Iterator[Callable[[FrameResult], None]]:
        yield (
            lambda result: signal.raise_signal(signal.SIGTERM) if result.frame.index == 4 else None
        )

    [outcome] = Watch(arrivals, options, settle_s=SETTLE_S).run(stopping)
    assert (outcome.video.name, outcome.state) == ("a.mp4", "done")


def test_a_directory_that_is_away_for_a_while_is_waited_for(
    arrivals: Path, options: InferOptions
) -> None:
    """As a network drive; that is told once."""
    fixed_rate(arrivals / "a.mp4", 5)
    run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
    assert next(run).state == "done"
    away = arrivals.rename(arrivals.with_name("away"))
    outcome = next(run)
    assert (outcome.video, outcome.state) == (arrivals, "failed")
    assert "cannot be listed" in str(outcome.error)
    fixed_rate(away / "b.mp4", 5)
    timer = Timer(4 * SETTLE_S, away.rename, [arrivals])
    timer.start()
    outcome = next(run)
    assert (outcome.video.name, outcome.state) == ("b.mp4", "done")
    run.close()
    timer.join()


def test_two_watches_do_not_share_an_output_directory(
    arrivals: Path, options: InferOptions
) -> None:
    fixed_rate(arrivals / "a.mp4", 5)
    one, other = (Watch(arrivals, options, settle_s=SETTLE_S).run(silent) for _ in range(2))
    assert next(one).state == "done"
    with pytest.raises(OutputError, match="written by another run"):
        next(other)
    one.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("hpe_volleyball.watch.monotonic", lambda: clock.now)
    monkeypatch.setattr("hpe_volleyball.watch.sleep", clock.sleep)
    return clock


def test_another_run_is_left_alone_as_long_as_its_results_grow(
    arrivals: Path, options: InferOptions, clock: Clock
) -> None:
    """One of a computer that shares the folder, whose lock is not seen."""
    fixed_rate(arrivals / "a.mp4", 5)
    partial = options.output_dir / "a.overlay.partial.mp4"
    partial.parent.mkdir()

    def at_work(now: float) -> None:
        if now <= 40:
            with partial.open("ab") as file:
                file.write(b"more")

    clock.on_sleep = at_work
    run = Watch(arrivals, options, settle_s=10).run(silent)
    assert next(run).state == "done"
    run.close()
    assert clock.now == 50


def test_another_run_is_looked_after_once_in_the_time_to_settle(
    arrivals: Path, options: InferOptions, clock: Clock
) -> None:
    fixed_rate(arrivals / "a.mp4", 5)
    tries: list[float] = []

    @contextmanager
    def noted(_frames: int | None) -> Iterator[Callable[[FrameResult], None]]:
        assert len(tries) < 9, "it is tried without a pause"
        tries.append(clock.now)
        yield lambda _result: None

    with ExitStack() as another_run:
        another_run.enter_context(alone(options.output_dir / ".a.lock", "results"))
        clock.on_sleep = lambda now: another_run.close() if now > 35 else None
        run = Watch(arrivals, options, settle_s=10).run(noted)
        assert next(run).state == "done"
        run.close()
    assert tries == [10, 20, 30, 40]


def test_what_a_run_without_data_left_is_begun_anew(arrivals: Path, options: InferOptions) -> None:
    fixed_rate(arrivals / "a.mp4", 5)
    options.output_dir.mkdir()
    (options.output_dir / "a.overlay.partial.mp4").write_bytes(b"half a video")
    run = Watch(arrivals, replace(options, data=False), settle_s=SETTLE_S).run(silent)
    outcome = next(run)
    run.close()
    assert (outcome.state, outcome.error) == ("done", None)
    assert names(options.output_dir) == ["a.overlay.mp4", "a.run.json"]


def test_a_recording_that_another_run_has_begun_with_is_waited_for(
    arrivals: Path, options: InferOptions
) -> None:
    fixed_rate(arrivals / "a.mp4", 5)
    begun, ended = Event(), Event()

    def another_run() -> None:
        with alone(options.output_dir / ".a.lock", "results"):
            begun.set()
            time.sleep(4 * SETTLE_S)
            ended.set()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(another_run)
        assert begun.wait(10)
        run = Watch(arrivals, options, settle_s=SETTLE_S).run(silent)
        outcome = next(run)
        run.close()
    assert ended.is_set()
    assert (outcome.state, outcome.error) == ("done", None)
