"""Measures this program against rtmlib, same models and clips; writes compare_rtmlib.json and .md.

Whole programs, each in a process of its own, in turn over several rounds: on clips with the given
models, whose detector has to find the same boxes in both programs, and with --rally on a synthetic
rally with the nets of the lightweight mode, which have random weights there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from children import Cost, run_child
from compare_tables import tables
from writing import RESULTS, origin, write_results

from hpe_volleyball.bench.scene import RallyScene
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.models.catalogue import MODES
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.records import Floats
from hpe_volleyball.similarity import box_iou
from hpe_volleyball.synthetic.nets import build_graph

OURS = "hpe-volleyball"
_SCORE, _MARGIN = 0.3, 0.05
"""rtmlib keeps boxes above the score; those nearer to it than the margin may be on either side."""
_SAME_IOU, _SAME_SHARE = 0.8, 0.95
_CHECKED = 20
"""Frames of a clip that both detectors look at."""
_WARM_UP = 4
_TIMES = "times.json"


@dataclass(frozen=True, slots=True)
class Case:
    """What the programs do: a video, and the models that look at it."""

    name: str
    video: Path
    det: Path
    pose: Path
    rally: int | None = None
    """Frames of the rally whose truth answers for the models; None: they see for themselves."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A program with its settings."""

    name: str
    interval: int
    options: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """It is this program."""
        return self.name.startswith(OURS)


def contenders(interval: int, *, openvino: bool) -> list[Contender]:
    """Every program in its settings that could be its best, at this interval and at 1."""
    found = []
    for n in dict.fromkeys((interval, 1)):
        found.append(Contender(f"{OURS}, N = {n}", n))
        if n > 1:
            every = ("--pose-interval", "2")
            found.append(Contender(f"{OURS}, N = {n}, every 2nd pose", n, every))
        found.append(Contender(f"rtmlib, N = {n}, tracking on", n, ("--tracking",)))
        found.append(Contender(f"rtmlib, N = {n}, tracking off", n))
        if openvino:
            found.append(Contender(f"rtmlib, N = {n}, OpenVINO", n, ("--backend", "openvino")))
    return found


def command(
    contender: Contender, case: Case, options: argparse.Namespace, folder: Path, frames: int
) -> list[str]:
    """The command line of a run that leaves its files in `folder`."""
    shared = ["--det", str(case.det), "--pose", str(case.pose)]
    shared += ["--det-size", str(options.det_size), "--max-frames", str(frames)]
    here, times = Path(__file__).parent, str(folder / _TIMES)
    if contender.ours:
        start = ["-c", "from hpe_volleyball.cli import main; main()"]
        if case.rally is not None:
            start = [str(here / "rally_child.py"), times, str(case.rally)]
        own = ["--det-interval", str(contender.interval), "--output-dir", str(folder)]
        own += ["--device", options.device, "--overwrite", "--quiet", *contender.options]
        return [sys.executable, *start, "infer", str(case.video), *shared, *own]
    own = ["--interval", str(contender.interval), "--device", options.device, *contender.options]
    own += ["--output", str(folder / "overlay.mp4"), "--times", times]
    own += [] if case.rally is None else ["--rally", str(case.rally)]
    return [sys.executable, str(here / "rtmlib_loop.py"), str(case.video), *shared, *own]


def measure(
    contender: Contender, case: Case, options: argparse.Namespace, folder: Path, frames: int
) -> dict[str, Any]:
    """One run: cost of the process, and milliseconds per frame and stage that it tells itself."""
    folder.mkdir(parents=True, exist_ok=True)
    cost = run_child(command(contender, case, options, folder, frames), folder / "log.txt")
    return run_row(cost, _ours(folder, case) if contender.ours else _told(folder))


def run_row(cost: Cost, told: dict[str, Any]) -> dict[str, Any]:
    """A row of the results from what a run cost and what it told."""
    frames, stand_in_s = told["frames"], told.get("stand_in_s", 0.0)
    return {
        "wall_s": cost.wall_s - stand_in_s,
        "cpu_s": cost.cpu_s - stand_in_s,
        "peak_mb": cost.peak_mb,
        "frames": frames,
        "people": told["people"] / frames,
        "loop_ms": 1e3 * told["loop_s"] / frames,
        "stages": {name: 1e3 * s / frames for name, s in told["stages_s"].items()},
    }


def _ours(folder: Path, case: Case) -> dict[str, Any]:
    record = (folder / f"{case.video.stem}.run.json").read_text(encoding="utf-8")
    summary = json.loads(record)["summary"]
    stand_ins = _told(folder) if case.rally is not None else {}
    return {
        **stand_ins,
        "frames": summary["frames"],
        "people": summary["people"],
        "loop_s": summary["wall_s"],
        "stages_s": {stage["stage"]: stage["total_s"] for stage in summary["stages"]},
    }


def _told(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / _TIMES).read_text(encoding="utf-8"))
    return told


def same_boxes(video: Path, options: argparse.Namespace) -> dict[str, float]:
    """How far the boxes of both detectors are the same, over frames all along the clip."""
    from rtmlib import RTMDet as Reference  # noqa: PLC0415 - it prints when it is loaded

    ours = RTMDet(open_session(options.det, "cpu"), size=options.det_size)
    size = (options.det_size, options.det_size)
    theirs = Reference(str(options.det), size, backend="onnxruntime", device="cpu")
    left: list[Floats] = []
    right: list[Floats] = []
    scores: list[Floats] = []
    with read_frames(video, max_frames=options.frames) as frames:
        step = max(1, options.frames // _CHECKED)
        for frame in frames:
            if frame.index % step == 0:
                found = ours.detect(frame)
                left.append(found.boxes)
                scores.append(found.scores)
                right.append(np.asarray(theirs(frame.image), np.float32).reshape(-1, 4))
    return box_agreement(left, scores, right)


def box_agreement(
    ours: Sequence[Floats], scores: Sequence[Floats], theirs: Sequence[Floats]
) -> dict[str, float]:
    """Share of boxes that the other side has too, and the mean overlap of those.

    Args:
        ours: Boxes [n, 4] of each frame, of any score.
        scores: Their scores [n].
        theirs: Boxes [m, 4] of each frame with a score of 0.3 or more.
    """
    matched = total = 0
    overlaps: list[float] = []
    for mine, score, other in zip(ours, scores, theirs, strict=True):
        overlap = box_iou(mine, other)
        best = overlap.max(axis=1, initial=0.0)[score >= _SCORE + _MARGIN]
        back = overlap[score >= _SCORE - _MARGIN].max(axis=0, initial=0.0)
        for side in (best, back):
            matched += int((side >= _SAME_IOU).sum())
            total += len(side)
            overlaps += side[side >= _SAME_IOU].tolist()
    return {
        "boxes": float(total),
        "same": matched / total if total else 1.0,
        "iou": float(np.mean(overlaps)) if overlaps else 1.0,
    }


def main() -> None:
    """Run everything and write the results."""
    options = _options()
    field = contenders(options.interval, openvino=find_spec("openvino") is not None)
    content: dict[str, Any] = origin()
    content["rtmlib"] = version("rtmlib")
    content["settings"] = {"rounds": options.rounds}
    content["settings"] |= {"det_size": options.det_size, "device": options.device}
    content["clips"] = [_on_clip(video, field, options) for video in options.clips]
    if options.rally is not None:
        content["clips"].append(_on_rally(field, options))
    markdown = tables(content)
    write_results("compare_rtmlib", content, markdown, options.results)
    print(markdown)


def _on_clip(
    video: Path, field: Sequence[Contender], options: argparse.Namespace
) -> dict[str, Any]:
    boxes = same_boxes(video, options)
    if boxes["same"] < _SAME_SHARE:
        raise SystemExit(
            f"{video}: only {boxes['same']:.1%} of the boxes are the same, expected "
            f"{_SAME_SHARE:.0%}: the programs would not do the same work"
        )
    case = Case(video.stem, video, options.det, options.pose)
    return {**_described(case), "boxes": boxes, "runs": _rounds(case, field, options)}


def _on_rally(field: Sequence[Contender], options: argparse.Namespace) -> dict[str, Any]:
    """Nets of random weights find nothing, so that the truth answers: the same in both programs."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        names = MODES["lightweight"]
        det, pose = (build_graph(name, place / f"{name}.random.onnx") for name in names)
        scene = RallyScene(place, options.rally, stand_ins=False)
        case = Case("rally, 12 players", scene.clip, det, pose, options.rally)
        field = [contender for contender in field if contender.interval == options.interval]
        return {**_described(case), "runs": _rounds(case, field, options)}


def _described(case: Case) -> dict[str, Any]:
    return {"clip": case.name, "det": case.det.stem, "pose": case.pose.stem}


def _rounds(
    case: Case, field: Sequence[Contender], options: argparse.Namespace
) -> dict[str, list[dict[str, Any]]]:
    """The rows of every contender, one for each round."""
    rows: dict[str, list[dict[str, Any]]] = {contender.name: [] for contender in field}
    with TemporaryDirectory() as folder:
        places = {contender: Path(folder) / str(i) for i, contender in enumerate(field)}
        for contender, place in places.items():
            measure(contender, case, options, place, _WARM_UP)
        frames = options.frames if case.rally is None else case.rally
        for number in range(options.rounds):
            for contender in field[:: -1 if number % 2 else 1]:
                row = measure(contender, case, options, places[contender], frames)
                rows[contender.name].append(row)
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP")
    parser.add_argument("--det", type=Path, metavar="FILE", help="RTMDet model, for clips")
    parser.add_argument("--pose", type=Path, metavar="FILE", help="RTMPose model, for clips")
    parser.add_argument("--rally", type=int, metavar="N", help="frames of the rally, at 1080p")
    parser.add_argument("--det-size", type=int, default=640, metavar="PIXELS")
    parser.add_argument("--interval", type=int, default=4, metavar="N")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--frames", type=int, default=100, metavar="N", help="most of a clip")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    if options.clips and None in {options.det, options.pose}:
        parser.error("clips need --det and --pose")
    return options


if __name__ == "__main__":
    main()
