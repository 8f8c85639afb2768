"""Puts a benchmark together: the clip, the model files, the rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from hpe_volleyball.bench.measure import BUDGET_S, MOST, WARM_UP, Bench, fitting_frames
from hpe_volleyball.bench.rows import Precisions, candidate_rows, cumulative_rows
from hpe_volleyball.bench.scene import RallyScene, Scene, VideoScene
from hpe_volleyball.errors import SourceError
from hpe_volleyball.media.video import probe
from hpe_volleyball.models.catalogue import MODES
from hpe_volleyball.models.devices import GPU, Granted
from hpe_volleyball.models.finding import resolve_models, variants
from hpe_volleyball.models.providers import choose_device
from hpe_volleyball.options import InferOptions
from hpe_volleyball.source import expected_frames
from hpe_volleyball.synthetic.nets import build_graph

Weights = Literal["real", "random"]


def prepare(
    video: Path | None,
    options: InferOptions,
    weights: Weights,
    folder: Path,
    *,
    frames: int | None = None,
) -> Bench:
    """A benchmark that is ready to run.

    Args:
        video: The clip; None for a synthetic rally.
        options: The full program: models, interval, sizes.
        weights: "random" builds nets that cost what the real ones cost, and needs no files.
        folder: For everything that is written.
        frames: Length of the rally; None for as many as could be asked for.

    Raises:
        SourceError: the video cannot be read, or was given for nets with random weights, which
            would find nobody in it.
        ModelError: a model cannot be had.
    """
    if weights == "random" and video is not None:
        raise SourceError(
            f"{video}: nets with random weights find nobody in a video, expected none; leave it "
            "out for the synthetic rally, or take --weights real"
        )
    if video is not None:
        probe(video)  # told before models are fetched
    choice = choose_device(options.device)
    if weights == "random":
        options = _with_random_nets(options, choice.device, folder)
    else:
        files = resolve_models(options, choice.device)
        options = replace(options, det=files.det, pose=files.pose)
    options = replace(options, device=choice.device)
    precisions, remark = _precisions(options, choice.device)
    scene: Scene
    if video is not None:
        scene = VideoScene(video)
    else:
        length = max(WARM_UP, frames or MOST)
        scene = RallyScene(folder, length, stand_ins=weights == "random")
    rows = cumulative_rows(options, precisions) + candidate_rows(options, precisions)
    remarks = [remark, *([choice.note] if choice.note else [])]
    return Bench(rows, scene, folder, remarks=remarks)


def frames_to_run(
    bench: Bench,
    video: Path | None,
    options: InferOptions,
    *,
    frames: int | None,
    rounds: int,
    budget_s: float = BUDGET_S,
) -> int:
    """Warm up, and choose the number of frames where it is not given."""
    seconds = bench.warm_up()
    available = MOST if video is None else expected_frames(video, options)
    return frames or fitting_frames(seconds, rounds, available, budget_s)


def _with_random_nets(options: InferOptions, device: Granted, folder: Path) -> InferOptions:
    mode = options.mode
    if mode == "auto":
        mode = "balanced" if device in GPU else "lightweight"
    det, pose = (str(a or b) for a, b in zip((options.det, options.pose), MODES[mode], strict=True))
    return replace(
        options,
        det=build_graph(det, folder / f"{det}.random.onnx"),
        pose=build_graph(pose, folder / f"{pose}.random.onnx"),
    )


def _precisions(options: InferOptions, device: Granted) -> tuple[Precisions | None, str]:
    """The models in FP16 where that gains anything, and why there are none."""
    if device not in GPU:
        return None, "no FP16 row: the CPU computes FP16 models in FP32"
    det, pose = Path(str(options.det)), Path(str(options.pose))
    half = [variants(path).get("fp16") for path in (det, pose)]
    if half[0] is None or half[1] is None:
        return None, f"no FP16 row: {det.stem}.fp16.onnx or {pose.stem}.fp16.onnx is not there"
    return Precisions(full=(det, pose), half=(half[0], half[1])), "FP16 models beside the others"
