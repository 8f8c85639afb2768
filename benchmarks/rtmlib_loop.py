"""rtmlib on a video as its README shows it: PoseTracker, draw_skeleton, OpenCV in and out.

One run in a process of its own; writes the time of each stage as JSON. With --rally the video is
bench's rally and the nets are blind: the rally's truth, with errors, answers.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from rtmlib import Custom, PoseTracker, draw_skeleton

KPT_THR = 0.43
"""Of rtmlib's example."""
DET_SCORE = 0.3
"""From which its RTMDet keeps boxes."""


class Stopwatch:
    """Seconds of each stage; a stage inside another is taken out of the outer one's time."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inner = 0.0

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Time one call."""
        outer, self._inner = self._inner, 0.0
        started = perf_counter()
        yield
        elapsed = perf_counter() - started
        self.seconds[stage] += elapsed - self._inner
        self._inner = outer + elapsed

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose calls are timed."""

        def run(*arguments: Any, **named: Any) -> Any:
            with self.time(stage):
                return call(*arguments, **named)

        return run


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Play the video through the loop; what it took."""
    watch = Stopwatch()
    solution = partial(
        Custom,
        det_class="RTMDet",
        det=str(options.det),
        det_input_size=(options.det_size, options.det_size),
        pose_class="RTMPose",
        pose=str(options.pose),
        pose_input_size=(192, 256),
    )
    tracker = PoseTracker(
        solution,
        det_frequency=options.interval,
        tracking=options.tracking,
        backend=options.backend,
        device=options.device,
    )
    watch.seconds["stand-ins"] = blind(tracker, options) if options.rally is not None else 0.0
    tracker.det_model = watch.timed("detect", tracker.det_model)
    tracker.pose_model = watch.timed("pose", tracker.pose_model)
    capture = cv2.VideoCapture(str(options.video))
    size = tuple(int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(
        str(options.output), fourcc, capture.get(cv2.CAP_PROP_FPS), (size[0], size[1])
    )
    frames = people = 0
    started = perf_counter()
    while options.max_frames is None or frames < options.max_frames:
        with watch.time("capture"):
            success, frame = capture.read()
        if not success:
            break
        with watch.time("track"):
            keypoints, scores = tracker(frame)
        with watch.time("draw"):
            shown = draw_skeleton(frame.copy(), keypoints, scores, kpt_thr=KPT_THR)
        with watch.time("write"):
            writer.write(shown)
        frames += 1
        people += len(keypoints)
    with watch.time("write"):
        writer.release()
    wall_s = perf_counter() - started
    return {
        "frames": frames,
        "people": people,
        "loop_s": wall_s,
        "stand_in_s": watch.seconds.pop("stand-ins"),
        "stages_s": dict(watch.seconds),
    }


def blind(tracker: PoseTracker, options: argparse.Namespace) -> float:
    """Let the nets run and the rally answer; the seconds that putting it together took."""
    started = perf_counter()
    from hpe_volleyball.bench.scene import StandIns, rally_of  # noqa: PLC0415 - timed
    from hpe_volleyball.records import Frame  # noqa: PLC0415

    stand_ins = StandIns(rally_of(options.rally))
    det_net, pose_net = tracker.det_model, tracker.pose_model

    def detect(image: Any) -> Any:
        det_net(image)
        found = stand_ins.detections[tracker.frame_cnt]
        return found.boxes[found.scores >= DET_SCORE]

    def pose(image: Any, bboxes: Any) -> Any:
        pose_net(image, bboxes=bboxes)
        boxes = np.array([box[:4] for box in bboxes], np.float32).reshape(-1, 4)
        [poses] = stand_ins.poser.estimate([Frame(tracker.frame_cnt, 0.0, image)], [boxes])
        return poses.keypoints, poses.scores

    tracker.det_model, tracker.pose_model = detect, pose
    return perf_counter() - started


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--det", type=Path, required=True)
    parser.add_argument("--pose", type=Path, required=True)
    parser.add_argument("--det-size", type=int, default=640)
    parser.add_argument("--interval", type=int, default=1)
    parser.add_argument("--tracking", action="store_true")
    parser.add_argument("--backend", default="onnxruntime")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--max-frames", type=int)
    parser.add_argument("--rally", type=int, metavar="FRAMES")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--times", type=Path, required=True)
    options = parser.parse_args()
    options.times.write_text(json.dumps(run(options)), encoding="utf-8")


if __name__ == "__main__":
    main()
