"""Runs a long 50 fps stream through the program; writes soak.json and soak.md.

The stream is a synthetic rally repeated without re-encoding, seen by the demo models. Memory and
time per frame are taken all along, and the files are read when the run has ended.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import av
import numpy as np
from writing import RESULTS, origin, origin_line, table, write_results

from hpe_volleyball.demo import truth_of
from hpe_volleyball.evaluation.compare import people_of
from hpe_volleyball.evaluation.metrics import compare
from hpe_volleyball.evaluation.people import People
from hpe_volleyball.infer import infer_video
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.results import load_results, read_results
from hpe_volleyball.output.run_files import DATA, OVERLAY
from hpe_volleyball.output.summary import RunSummary
from hpe_volleyball.records import FrameResult
from hpe_volleyball.synthetic import Rally, RallyConfig, render_video, write_demo_models
from hpe_volleyball.synthetic.demo_models import DETECTOR_FILE, POSE_FILE

RATE = 50
LOOP = 12 * RATE
"""Frames of the rally that is repeated: whole intervals of detection, so all turns are alike."""
SAMPLE = 60 * RATE
"""Frames from one look at memory and clocks to the next."""
_EARLY_S = (300, 600)
"""Memory at the end is compared with that after so many seconds of the stream."""
ALLOWED_MB = 50
"""So much more memory at the end than after the first of these is a leak."""
_PART = 0.1
"""First and last part of the stream whose times are compared."""
_STRIDE = 32
"""The detector's input is a multiple of this (RTMDet's coarsest grid)."""


class Samples:
    """Memory and clocks, every minute of the stream."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def take(self, result: FrameResult) -> None:
        """Look at the clocks where it is time."""
        if result.frame.index % SAMPLE == 0:
            self.rows.append(
                {
                    "frame": float(result.frame.index),
                    "clock_s": perf_counter(),
                    "cpu_s": process_time(),
                    "rss_mb": memory_mb("VmRSS"),
                }
            )


def memory_mb(kind: str) -> float:
    """Memory of this process in 10^6 bytes, from Linux's /proc: VmRSS now, VmHWM at most."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/self/status: expected a line {kind}, found none")


def write_loop(clip: Path, frames: int, times: int, path: Path) -> Path:
    """The packets of a clip of so many frames, again and again, with time stamps that go on."""
    with av.open(str(path), "w") as out:
        stream = None
        for number in range(times):
            with av.open(str(clip)) as source:
                video = source.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                if video.time_base is None:
                    raise ValueError(f"{clip}: expected a time base")
                ticks = round(Fraction(frames, RATE) / video.time_base)
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += number * ticks
                    packet.dts += number * ticks
                    packet.stream = stream
                    out.mux(packet)
    return path


def since_start(samples: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """The samples with clocks that begin at 0, in digits that mean something."""
    first = samples[0]
    return [
        {
            "frame": int(row["frame"]),
            "clock_s": round(row["clock_s"] - first["clock_s"], 2),
            "cpu_s": round(row["cpu_s"] - first["cpu_s"], 2),
            "rss_mb": round(row["rss_mb"], 1),
        }
        for row in samples
    ]


def verdict(samples: Sequence[dict[str, float]]) -> dict[str, float]:
    """Memory early and late, and milliseconds per frame in the first and the last part."""
    frames, clock, cpu, memory = (
        np.array([row[key] for row in samples]) for key in ("frame", "clock_s", "cpu_s", "rss_mb")
    )
    early = {
        f"mb_after_{second}_s": float(memory[np.searchsorted(frames, second * RATE)])
        for second in _EARLY_S
        if second * RATE <= frames[-1]
    }
    part = max(1, round(_PART * (len(samples) - 1)))
    times = {}
    for kind, seconds in (("wall", clock), ("cpu", cpu)):
        ms = 1e3 * np.diff(seconds) / np.diff(frames)
        times[f"{kind}_ms_start"] = float(np.median(ms[:part]))
        times[f"{kind}_ms_end"] = float(np.median(ms[-part:]))
    return {**early, "mb_end": float(memory[-1]), "mb_most": float(memory.max()), **times}


def growth_mb(result: dict[str, float]) -> float | None:
    """Memory at the end beyond that after the first minutes; None of a shorter stream."""
    early = result.get(f"mb_after_{_EARLY_S[0]}_s")
    return None if early is None else result["mb_end"] - early


def read_back(summary: RunSummary, frames: int, truth: People) -> dict[str, Any]:
    """What the files hold: all of the frames, and people as well seen at the end as early on."""
    path, overlay = (Path(summary.outputs[kind]) for kind in (DATA, OVERLAY))
    whole = read_results(path)
    with read_frames(overlay, start_s=(frames - RATE) / RATE) as tail:
        last_second = sum(1 for _ in tail)
    return {
        "data_frames": len(whole.frame_index),
        "data_complete": whole.complete,
        "data_mb": path.stat().st_size / 1e6,
        "rows": len(whole.track_id),
        "second_turn": turn_scores(path, 1, truth),
        "last_turn": turn_scores(path, frames // LOOP - 1, truth),
        "overlay_frames_of_last_second": last_second,
        "overlay_mb": overlay.stat().st_size / 1e6,
    }


def turn_scores(data: Path, turn: int, truth: People) -> dict[str, float]:
    """One turn of the rally in a data file against the truth: boxes and poses on a person."""
    first = turn * LOOP
    found = load_results(data, (first - 0.5) / RATE, (first + LOOP - 0.5) / RATE)
    people = people_of(found)
    scores = compare(truth, replace(people, frame=people.frame - first))
    return {
        "rows": len(people.frame),
        "box_precision": scores.tracks.precision,
        "oks": scores.poses.oks if scores.poses and scores.poses.people else 0.0,
    }


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole soak."""
    size = (options.width, options.height)
    config = RallyConfig(width=size[0], height=size[1], fps=Fraction(RATE), team_size=2)
    rally = Rally(replace(config, seconds=LOOP / RATE))
    clip = render_video(rally, folder / "rally.mp4")
    times = max(2, round(options.minutes * 60 * RATE / LOOP))
    stream = write_loop(clip, LOOP, times, folder / "stream.mp4")
    write_demo_models(folder)
    infer = InferOptions(
        det=folder / DETECTOR_FILE,
        pose=folder / POSE_FILE,
        device=options.device,
        det_size=-(-max(size) // _STRIDE) * _STRIDE,
        det_interval=options.det_interval,
        pose_interval=options.pose_interval,
        max_people=options.max_people,
        output_dir=folder / "out",
    )
    samples = Samples()
    summary = infer_video(stream, infer, on_frame=samples.take)
    most = memory_mb("VmHWM")
    frames = times * LOOP
    return {
        "stream": {
            "frames": frames,
            "minutes": frames / RATE / 60,
            "size": f"{size[0]}x{size[1]}",
        },
        "settings": {
            "models": "demo",
            "det_size": infer.det_size,
            "det_interval": infer.det_interval,
            "pose_interval": infer.pose_interval,
            "max_people": infer.max_people,
        },
        "wall_s": summary.wall_s,
        "fps": summary.fps,
        "detector_calls": summary.detector_calls,
        "ids": summary.ids,
        "result": {**verdict(samples.rows), "mb_most_with_finishing": most},
        "files": read_back(summary, frames, truth_of(rally)),
        "samples": since_start(samples.rows),
    }


def markdown(content: dict[str, Any]) -> str:
    """The results in Markdown."""
    stream, settings, found, files = (
        content[name] for name in ("stream", "settings", "result", "files")
    )
    rows = [
        ["stream", f"{stream['frames']} frames, {stream['minutes']:.0f} min, {stream['size']}"],
        [
            "detector, poses",
            f"every {settings['det_interval']}, {settings['pose_interval']} frames",
        ],
        ["people, at most", f"{settings['max_people']}"],
        ["speed", f"{content['fps']:.1f} fps"],
        *(
            [f"memory after {second // 60} min", f"{found[key]:.0f} MB"]
            for second in _EARLY_S
            if (key := f"mb_after_{second}_s") in found
        ),
        ["memory at the end", f"{found['mb_end']:.0f} MB"],
        ["most memory until then", f"{found['mb_most']:.0f} MB"],
        ["and while the video is finished", f"{found['mb_most_with_finishing']:.0f} MB"],
        *(
            [f"{kind} time a frame, first and last tenth", _both(found, f"{kind}_ms")]
            for kind in ("wall", "cpu")
        ),
        ["frames in the data file", f"{files['data_frames']}"],
        ["boxes on a person, second and last turn", _turns(files, "box_precision")],
        ["mean OKS, second and last turn", _turns(files, "oks")],
        ["overlay, frames of the last second", f"{files['overlay_frames_of_last_second']}"],
    ]
    return (
        "# Soak\n\nWritten by `benchmarks/soak.py`; what it does: [README.md](../README.md).\n\n"
        f"{origin_line(content)}\n\n{table(['', ''], rows)}"
    )


def _both(found: dict[str, float], name: str) -> str:
    return f"{found[f'{name}_start']:.2f} ms, {found[f'{name}_end']:.2f} ms"


def _turns(files: dict[str, Any], name: str) -> str:
    return f"{files['second_turn'][name]:.3f}, {files['last_turn'][name]:.3f}"


def main() -> None:
    """Run the soak and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0, help="of the stream (default: 120)")
    parser.add_argument("--width", type=int, default=480, metavar="PIXELS")
    parser.add_argument("--height", type=int, default=270, metavar="PIXELS")
    parser.add_argument("--max-people", type=int, default=2, metavar="N")
    parser.add_argument("--det-interval", type=int, default=8, metavar="N")
    parser.add_argument("--pose-interval", type=int, default=8, metavar="M")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        content = {**origin(), **run(options, Path(folder))}
    text = markdown(content)
    write_results("soak", content, text, options.results)
    print(text)
    grown = growth_mb(content["result"])
    if grown is not None and grown > ALLOWED_MB:
        sys.exit(f"memory has grown by {grown:.0f} MB, expected at most {ALLOWED_MB} MB")


if __name__ == "__main__":
    main()
