"""What share of a run is not spent in the models; writes outside_models.json and .md.

`infer` with the nets of the lightweight mode, with random weights, on bench's rally of 12 players
at 1080p, on the CPU. Beside it the floor: the same calls of the same sessions side by side, and
nothing else.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from writing import RESULTS, origin, origin_line, table, write_results

from hpe_volleyball.bench.scene import StandIns, rally_of
from hpe_volleyball.infer import infer_video
from hpe_volleyball.loaded import Models, load_models
from hpe_volleyball.models.catalogue import MODES
from hpe_volleyball.models.session import Session
from hpe_volleyball.models.tuning import pose_threads
from hpe_volleyball.options import InferOptions
from hpe_volleyball.pipeline import PoseEstimator
from hpe_volleyball.records import Floats, Frame, Poses
from hpe_volleyball.skeleton import Skeleton
from hpe_volleyball.synthetic import render_video
from hpe_volleyball.synthetic.nets import build_graph

Span = tuple[float, float]
_WARM_UP = 6
_ROWS = {
    "wall": "wall time",
    "inside": "of it, some model is being run",
    "floor": "floor: the same calls and nothing else",
    "cpu": "CPU time",
    "floor_cpu": "CPU time of the floor",
}


def covered(spans: Sequence[Span]) -> float:
    """Length of all that at least one of the spans covers."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


class Watched:
    """A session whose calls are noted: when they ran, with how many images, and of what shape."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.spans: list[Span] = []
        self.batches: list[int] = []
        self.shape: tuple[int, ...] = ()
        self._run = session.run
        session.run = self._timed  # type: ignore[method-assign]

    def clear(self) -> None:
        """Forget all calls."""
        self.spans.clear()
        self.batches.clear()

    def again(self, images: Floats) -> None:
        """Run the model on images, unnoted."""
        self._run({self.session.inputs[0].name: images})

    def _timed(self, feeds: Any) -> list[NDArray[Any]]:
        started = perf_counter()
        outputs = self._run(feeds)
        self.spans.append((started, perf_counter()))
        [images] = feeds.values()
        self.batches.append(len(images))
        self.shape = images.shape[1:]
        return outputs


class TimedPose:
    """The rally's poses; what they cost is no part of the program."""

    def __init__(self, poser: PoseEstimator) -> None:
        self._poser = poser
        self.skeleton: Skeleton = poser.skeleton
        self.wall_s = self.cpu_s = 0.0

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        """The poses of all boxes."""
        wall, cpu = perf_counter(), process_time()
        poses = self._poser.estimate(frames, boxes)
        self.wall_s += perf_counter() - wall
        self.cpu_s += process_time() - cpu
        return poses


def floor(det: Watched, pose: Watched) -> Callable[[], None]:
    """The calls of a run once more, as many side by side as there: of one detection, and poses."""
    rng = np.random.default_rng(0)
    images = {
        session: rng.standard_normal((max(session.batches), *session.shape)).astype(np.float32)
        for session in (det, pose)
    }
    batches = list(pose.batches), list(det.batches)

    def detect() -> None:
        for batch in batches[1]:
            det.again(images[det][:batch])

    def run() -> None:
        with ThreadPoolExecutor(1 + pose_threads()[0]) as pool:
            detections = pool.submit(detect)
            list(pool.map(lambda batch: pose.again(images[pose][:batch]), batches[0]))
            detections.result()

    return run


def measure(frames: int, rounds: int, folder: Path) -> dict[str, list[dict[str, float]]]:
    """Rounds with overlay and without, each with its floor: milliseconds and calls per frame."""
    det, pose = (build_graph(name, folder / f"{name}.onnx") for name in MODES["lightweight"])
    options = InferOptions(
        det=det, pose=pose, device="cpu", output_dir=folder / "out", overwrite=True
    )
    rally = rally_of(frames)
    clip = render_video(rally, folder / "rally.mp4")
    stand_ins = StandIns(rally)
    stand_ins.poser = poser = TimedPose(stand_ins.poser)
    nets = load_models(options)
    sessions = [Watched(nets.sessions[role]) for role in ("det", "pose")]
    models = stand_ins.blind(nets)
    infer_video(clip, replace(options, max_frames=_WARM_UP), models=models)
    found: dict[str, list[dict[str, float]]] = {"overlay": [], "no overlay": []}
    for _ in range(rounds):
        for name, rows in found.items():
            run = replace(options, video=name == "overlay")
            rows.append(_round(clip, run, models, sessions, poser))
    return found


def _round(
    clip: Path, options: InferOptions, models: Models, sessions: list[Watched], poser: TimedPose
) -> dict[str, float]:
    for session in sessions:
        session.clear()
    poser.wall_s = poser.cpu_s = 0.0
    cpu = process_time()
    summary = infer_video(clip, options, models=models)
    cpu = process_time() - cpu - poser.cpu_s
    again = floor(*sessions)
    started, cpu_started = perf_counter(), process_time()
    again()
    seconds = {
        "wall": summary.wall_s - poser.wall_s,
        "inside": covered([span for session in sessions for span in session.spans]),
        "floor": perf_counter() - started,
        "cpu": cpu,
        "floor_cpu": process_time() - cpu_started,
    }
    stages = {stage.stage: stage.total_s for stage in summary.stages}
    return {
        **{name: 1e3 * value / summary.frames for name, value in (seconds | stages).items()},
        "detections": len(sessions[0].batches) / summary.frames,
        "crops": sum(sessions[1].batches) / summary.frames,
    }


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=240, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        rounds = measure(options.frames, options.rounds, Path(folder))
    content = {**origin(), "models": list(MODES["lightweight"]), "rounds": rounds}
    text = report(content, options.frames)
    write_results("outside_models", content, text, options.results)
    print(text)


def report(content: dict[str, Any], frames: int) -> str:
    """The results in Markdown."""
    rounds = content["rounds"]
    rows = [
        [
            label,
            *(
                f"{median(r[name] for r in of_run):.1f} "
                f"({median(r[name] / r['wall'] for r in of_run):.0%})"
                for of_run in rounds.values()
            ),
        ]
        for name, label in _ROWS.items()
    ]
    first = rounds["overlay"][0]
    asked = f"{first['detections']:.2f} detections and {first['crops']:.1f} crops a frame"
    return (
        "# Time outside the models\n\n"
        "Written by `benchmarks/outside_models.py`; what it does: [README.md](../README.md).\n\n"
        f"{origin_line(content)} {' and '.join(content['models'])} with random weights on a rally "
        f"of 12 players at 1080p, N = 4; {asked}; median of {len(rounds['overlay'])} rounds of "
        f"{frames} frames; milliseconds per frame, and parts of the wall time. What stands in for "
        "the nets' answers is not counted.\n\n"
        f"{table(['', 'with overlay video', '--no-video'], rows)}"
    )


if __name__ == "__main__":
    main()
