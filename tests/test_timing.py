"""Stage clocks, with a clock whose every tick is known."""

from __future__ import annotations

import threading

import pytest

from hpe_volleyball import timing
from hpe_volleyball.timing import STAGES, StageClocks, StageTime


class Clock:
    """Stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "perf_counter", clock)
    return clock


def timed(clocks: StageClocks, clock: Clock, stage: str, seconds: float) -> None:
    with clocks.time(stage):
        clock.now += seconds


def stage_of(clocks: StageClocks, name: str) -> StageTime:
    return next(stage for stage in clocks.summary() if stage.stage == name)


def test_mean_median_percentile_total_and_share(clock: Clock) -> None:
    clocks = StageClocks()
    for milliseconds in (10, 20, 30, 40, 900):
        timed(clocks, clock, "detect", milliseconds / 1000)
    clock.now += 1.0
    detect = stage_of(clocks, "detect")
    assert (detect.calls, detect.overlaps) == (5, False)
    assert detect.total_s == pytest.approx(1.0)
    assert detect.mean_ms == pytest.approx(200)
    assert detect.median_ms == pytest.approx(30)
    assert detect.p95_ms == pytest.approx(40 + 0.8 * 860)
    assert detect.share == pytest.approx(0.5)
    assert clocks.wall_s == pytest.approx(2.0)


def test_an_inner_stage_is_taken_out_of_the_outer_one(clock: Clock) -> None:
    clocks = StageClocks()
    with clocks.time("track"):
        clock.now += 0.001
        timed(clocks, clock, "detect", 0.1)
        clock.now += 0.002
        timed(clocks, clock, "detect", 0.2)
    timed(clocks, clock, "track", 0.003)
    assert stage_of(clocks, "track").total_s == pytest.approx(0.006)
    assert stage_of(clocks, "detect").total_s == pytest.approx(0.3)


def test_time_of_no_stage_is_taken_out_of_the_one_around_it(clock: Clock) -> None:
    clocks = StageClocks()
    with clocks.time("track"):
        clock.now += 0.001
        with clocks.time(None):
            clock.now += 0.1
    assert [stage.stage for stage in clocks.summary()] == ["track"]
    assert stage_of(clocks, "track").total_s == pytest.approx(0.001)


def test_the_time_of_a_failed_call_counts(clock: Clock) -> None:
    clocks = StageClocks()

    def fail() -> None:
        with clocks.time("write"):
            clock.now += 0.5
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()
    timed(clocks, clock, "write", 0.5)
    assert stage_of(clocks, "write").total_s == pytest.approx(1.0)


def test_stages_in_order_and_only_those_that_ran(clock: Clock) -> None:
    clocks = StageClocks()
    clocks.mark_overlapping("capture")
    clocks.mark_overlapping("write")
    for stage in ("write", "pose", "capture"):
        timed(clocks, clock, stage, 0.1)
    assert [(s.stage, s.overlaps) for s in clocks.summary()] == [
        ("capture", True),
        ("pose", False),
        ("write", True),
    ]
    assert StageClocks().summary() == []


def test_threads_do_not_nest_into_each_other() -> None:
    clocks = StageClocks()
    inside, done = threading.Event(), threading.Event()

    def capture() -> None:
        inside.wait(10)
        with clocks.time("capture"):
            pass
        done.set()

    thread = threading.Thread(target=capture)
    thread.start()
    with clocks.time("pose"):
        inside.set()
        assert done.wait(10)
    thread.join()
    capture_s, pose_s = (stage_of(clocks, name).total_s for name in ("capture", "pose"))
    assert 0 <= capture_s < pose_s


def test_an_unknown_stage_is_a_mistake() -> None:
    with pytest.raises(KeyError), StageClocks().time("lunch"):
        pass
    assert "lunch" not in STAGES
