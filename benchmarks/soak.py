"""Runs a long 50 fps stream through the program; writes soak.json and soak.md.

The stream is a synthetic rally repeated without re-encoding. Memory and time per frame are taken
all along, and the files are read when the run has ended.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import av
import numpy as np
from writing import RESULTS, origin, origin_line, table, write_results

from hpe_volleyball.bench.scene import RallyScene
from hpe_volleyball.infer import infer_video
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.results import read_results
from hpe_volleyball.output.summary import RunSummary
from hpe_volleyball.pipeline import Detector, PoseEstimator
from hpe_volleyball.records import Detections, Floats, Frame, FrameResult, Poses
from hpe_volleyball.skeleton import Skeleton
from hpe_volleyball.synthetic.nets import build_graph

RATE = 50
LOOP = 12 * RATE
"""Frames of the rally that is repeated."""
_SAMPLE = 10 * RATE
"""Frames from one look at memory and clock to the next."""
_EARLY_S = 600
"""Memory is compared with that after so many seconds of the stream, or after a tenth of it."""
_PART = 0.1
"""First and last part of the stream whose times are compared."""


class LoopedDetector:
    """Answers for a frame of the stream as for that of the rally."""

    def __init__(self, detector: Detector, loop: int) -> None:
        self._detector = detector
        self._loop = loop

    def detect(self, frame: Frame) -> Detections:
        """See `Detector`."""
        return self._detector.detect(replace(frame, index=frame.index % self._loop))


class LoopedPoser:
    """Answers for a frame of the stream as for that of the rally."""

    def __init__(self, poser: PoseEstimator, loop: int) -> None:
        self._poser = poser
        self._loop = loop

    @property
    def skeleton(self) -> Skeleton:
        """See `PoseEstimator`."""
        return self._poser.skeleton

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        """See `PoseEstimator`."""
        return self._poser.estimate([replace(f, index=f.index % self._loop) for f in frames], boxes)


class Samples:
    """Memory and clock, every few seconds of the stream."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def take(self, result: FrameResult) -> None:
        """Look at the clock where it is time."""
        if result.frame.index % _SAMPLE == 0:
            at = float(result.frame.index)
            self.rows.append({"frame": at, "clock_s": perf_counter(), "rss_mb": resident_mb()})


def resident_mb() -> float:
    """Resident memory of this process in 10^6 bytes, from Linux's /proc."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError("/proc/self/status: expected a line VmRSS, found none")


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


def verdict(samples: Sequence[dict[str, float]]) -> dict[str, float]:
    """Memory early and at the end, and milliseconds per frame in the first and the last part."""
    frames = np.array([row["frame"] for row in samples])
    clock = np.array([row["clock_s"] for row in samples])
    memory = np.array([row["rss_mb"] for row in samples])
    early = min(_EARLY_S * RATE, _PART * frames[-1])
    ms = 1e3 * np.diff(clock) / np.diff(frames)
    part = max(1, round(_PART * len(ms)))
    return {
        "early_s": float(early / RATE),
        "early_mb": float(memory[np.searchsorted(frames, early)]),
        "end_mb": float(memory[-1]),
        "most_mb": float(memory.max()),
        "start_ms": float(np.median(ms[:part])),
        "end_ms": float(np.median(ms[-part:])),
    }


def read_back(summary: RunSummary, frames: int) -> dict[str, Any]:
    """Frames in the data file and in the overlay, which is read at its end."""
    data = read_results(Path(summary.outputs["data"]))
    end_s = (frames - RATE) / RATE
    with read_frames(Path(summary.outputs["overlay"]), start_s=end_s) as tail:
        last = [frame.time_s for frame in tail]
    return {
        "frames": frames,
        "data_frames": len(data.frame_index),
        "data_complete": data.complete,
        "people": len(data.track_id),
        "overlay_frames_of_last_second": len(last),
        "overlay_mb": Path(summary.outputs["overlay"]).stat().st_size / 1e6,
        "data_mb": Path(summary.outputs["data"]).stat().st_size / 1e6,
    }


def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole soak."""
    size = (options.width, options.height)
    scene = RallyScene(folder, LOOP, stand_ins=True, size=size, team_size=options.team_size)
    times = max(1, round(options.minutes * 60 * RATE / LOOP))
    stream = write_loop(scene.clip, LOOP, times, folder / "stream.mp4")
    infer = InferOptions(
        det=build_graph("rtmdet-nano", folder / "det.onnx"),
        pose=build_graph("rtmpose-t", folder / "pose.onnx"),
        device=options.device,
        det_interval=options.det_interval,
        output_dir=folder / "out",
    )
    models = scene.load(infer)
    models = replace(
        models,
        detector=LoopedDetector(models.detector, LOOP),
        poser=LoopedPoser(models.poser, LOOP),
    )
    samples = Samples()
    summary = infer_video(stream, infer, models=models, on_frame=samples.take)
    started = samples.rows[0]["clock_s"]
    for row in samples.rows:
        row["clock_s"] -= started
    return {
        "stream": {
            "minutes": times * LOOP / RATE / 60,
            "size": f"{size[0]}x{size[1]}",
            "players": 2 * options.team_size,
            "det_interval": options.det_interval,
        },
        "wall_s": summary.wall_s,
        "fps": summary.fps,
        "ids": summary.ids,
        "result": verdict(samples.rows),
        "files": read_back(summary, times * LOOP),
        "samples": samples.rows,
    }


def markdown(content: dict[str, Any]) -> str:
    """The results in Markdown."""
    stream, found, files = content["stream"], content["result"], content["files"]
    rows = [
        ["stream", f"{stream['minutes']:.1f} min, {stream['size']}, {stream['players']} players"],
        ["speed", f"{content['fps']:.1f} fps"],
        [f"memory after {found['early_s'] / 60:.1f} min", f"{found['early_mb']:.0f} MB"],
        ["memory at the end", f"{found['end_mb']:.0f} MB"],
        ["time per frame, first tenth", f"{found['start_ms']:.2f} ms"],
        ["time per frame, last tenth", f"{found['end_ms']:.2f} ms"],
        ["frames, in the data file", f"{files['frames']}, {files['data_frames']}"],
        ["overlay, frames of the last second", str(files["overlay_frames_of_last_second"])],
    ]
    return (
        "# Soak\n\nWritten by `benchmarks/soak.py`; what it does: [README.md](../README.md).\n\n"
        f"{origin_line(content)}\n\n{table(['', ''], rows)}"
    )


def main() -> None:
    """Run the soak and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of the stream (default: 60)")
    parser.add_argument("--width", type=int, default=640, metavar="PIXELS")
    parser.add_argument("--height", type=int, default=360, metavar="PIXELS")
    parser.add_argument("--team-size", type=int, default=2, choices=(2, 6))
    parser.add_argument("--det-interval", type=int, default=8, metavar="N")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        content = {**origin(), **run(options, Path(folder))}
    text = markdown(content)
    write_results("soak", content, text, options.results)
    print(text)


if __name__ == "__main__":
    main()
