"""Tables and facts that commands print."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console, RenderableType

from hpe_volleyball.console.report import demo_files, run_facts, score_table, timing_table
from hpe_volleyball.media.live import LiveReport
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.summary import RunSummary, Seam
from hpe_volleyball.timing import StageTime

SUMMARY = RunSummary(
    source="match.mp4",
    outputs={"overlay": "out/match [1].overlay.mp4", "run": "out/match [1].run.json"},
    complete=True,
    frames=120_000,
    keyframes=30_001,
    detector_calls=31_200,
    extra_calls={"somebody back": 1_199},
    people=1_380_000,
    ids=14,
    wall_s=1200.0,
    fps=100.0,
    realtime_factor=2.0,
    provider="CUDAExecutionProvider",
    notes=(),
    encoder="libx264",
    warnings=("3 damaged pictures of the source were left out",),
    live=LiveReport(dropped=7, reconnects=2, lost_s=3.25),
    stop_asked=False,
    failed={},
    seam=None,
    stages=(
        StageTime("capture", 120_001, 2.5, 2.25, 4.125, 300.0, 0.25, overlaps=True),
        StageTime("detect", 31_200, 20.0, 19.0, 31.5, 624.0, 0.52, overlaps=False),
    ),
)


def printed(thing: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, soft_wrap=True)
    console.print(thing)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"│ {name}"))
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_a_row_for_each_stage_and_one_for_the_whole() -> None:
    text = printed(timing_table(SUMMARY))
    assert row(text, "capture") == ["capture *", "120001", "2.50", "2.25", "4.12", "2.50", "25"]
    assert row(text, "detect") == ["detect", "31200", "20.00", "19.00", "31.50", "5.20", "52"]
    assert row(text, "total") == ["total", "120000", "", "", "", "10.00", "100"]
    assert "* in a thread of its own" in text
    assert max(map(len, text.splitlines())) <= 80


def test_no_footnote_where_nothing_overlaps() -> None:
    alone = replace(SUMMARY, stages=SUMMARY.stages[1:])
    assert "*" not in printed(timing_table(alone))


def test_facts_of_a_run() -> None:
    extra = "of them beyond the interval: 1199 for somebody back"
    lines = printed(run_facts(SUMMARY)).splitlines()
    assert lines == [
        "120000 frames in 1200.0 s: 100.0 fps, 2.00 x real time, on CUDAExecutionProvider",
        "14 ids, 11.5 people a frame",
        f"31200 detector calls (26% of the frames), {extra}",
        "live: 7 pictures dropped to keep up, 2 reconnects, 3.2 s without a connection",
        "warning: 3 damaged pictures of the source were left out",
        "overlay out/match [1].overlay.mp4",
        "run     out/match [1].run.json",
    ]


def test_one_is_not_told_as_several() -> None:
    seam = Seam(frame=100_000, time_s=2000.0, run_up=200, across=1, broken=0)
    lines = printed(run_facts(replace(SUMMARY, ids=1, seam=seam))).splitlines()
    assert lines[1].startswith("1 id, ")
    assert any("(2000.00 s): 1 track goes on; 200 frames" in line for line in lines)


def test_without_extra_detections_nothing_is_said_of_them() -> None:
    lines = printed(run_facts(replace(SUMMARY, extra_calls={}))).splitlines()
    assert lines[2] == "31200 detector calls (26% of the frames)"


def test_a_stopped_run_is_said() -> None:
    text = printed(run_facts(replace(SUMMARY, complete=False)))
    assert text.startswith("stopped before the end; what was done until then is kept")


def test_scores_side_by_side() -> None:
    text = printed(score_table("Against the truth", [("IDF1", "0.991"), ("OKS", "0.950")]))
    assert text.startswith("Against the truth")
    assert row(text, "IDF1") == ["IDF1", "0.991"]


def test_paths_of_a_demo_are_printed_as_they_are() -> None:
    options = InferOptions(det=Path("[bold]/d.onnx"), pose=Path(":smile:/p.onnx"))
    text = printed(demo_files(Path("[red]/rally.mp4"), options))
    assert text == "clip    [red]/rally.mp4\nmodels  [bold]/d.onnx, :smile:/p.onnx\n"


def test_what_a_resumed_run_did_is_told_from_what_there_is() -> None:
    """100,000 frames were there, 200 of them were tracked again."""
    seam = Seam(frame=100_000, time_s=2000.0, run_up=200, across=12, broken=1)
    resumed = replace(SUMMARY, seam=seam, detector_calls=5_050, extra_calls={}, wall_s=202.0)
    lines = printed(run_facts(resumed)).splitlines()
    assert lines[0].startswith("120000 frames, 20000 of them new, in 202.0 s: 100.0 fps")
    assert lines[1] == "14 ids, 11.5 people a frame"
    assert lines[2] == "5050 detector calls now (25% of the frames)"
    assert "resumed at frame 100000 (2000.00 s): 12 tracks go on, 1 person got new ids; 200" in (
        "\n".join(lines)
    )
    assert row(printed(timing_table(resumed)), "total")[1:] == ["20200", "", "", "", "10.00", "100"]
