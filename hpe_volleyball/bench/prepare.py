"""Puts a benchmark together: the clip, the model files, the rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hpe_volleyball.bench.measure import BUDGET_S, MOST, WARM_UP, Bench, fitting_frames
from hpe_volleyball.bench.rows import candidate_rows, coarser_rows, cumulative_rows
from hpe_volleyball.bench.scene import RallyScene, Scene, VideoScene
from hpe_volleyball.choices import Weights
from hpe_volleyball.errors import SourceError
from hpe_volleyball.media.video import probe
from hpe_volleyball.models.catalogue import MODES
from hpe_volleyball.models.devices import GPU, Granted, Precision
from hpe_volleyball.models.finding import resolve_models, settled_mode
from hpe_volleyball.models.precision import choose_file
from hpe_volleyball.models.providers import choose_device
from hpe_volleyball.models.waiting import OnProgress
from hpe_volleyball.options import InferOptions
from hpe_volleyball.source import expected_frames
from hpe_volleyball.synthetic.nets import build_graph


def prepare(
    video: Path | None,
    options: InferOptions,
    weights: Weights,
    folder: Path,
    *,
    frames: int | None = None,
    on_progress: OnProgress | None = None,
) -> Bench:
    """A benchmark that is ready to run.

    Args:
        video: The clip; None for a synthetic rally.
        options: The full program: models, interval, sizes.
        weights: "random" builds nets that cost what the real ones cost, and needs no files.
        folder: For everything that is written.
        frames: Length of the rally; None for as many as could be asked for.
        on_progress: Called while a model is downloaded.

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
        files = resolve_models(options, choice.device, on_progress=on_progress)
        options = replace(options, det=files.det, pose=files.pose)
    precision, remark = _precision(options, choice.device)
    options = replace(options, device=choice.device, precision=precision)
    scene: Scene
    if video is not None:
        scene = VideoScene(video)
    else:
        length = max(WARM_UP, frames or MOST)
        scene = RallyScene(folder, length, stand_ins=weights == "random")
    rows = cumulative_rows(options) + coarser_rows(options) + candidate_rows(options)
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
    names = MODES[settled_mode(options.mode, device)]
    det, pose = (str(a or b) for a, b in zip((options.det, options.pose), names, strict=True))
    return replace(
        options,
        det=build_graph(det, folder / f"{det}.random.onnx"),
        pose=build_graph(pose, folder / f"{pose}.random.onnx"),
    )


def _precision(options: InferOptions, device: Granted) -> tuple[Precision, str]:
    """What the full program runs, and why there is no row for FP16 if there is none."""
    if device not in GPU:
        return "fp32", "no FP16 row: the CPU computes FP16 models in FP32"
    files = [Path(str(path)) for path in (options.det, options.pose)]
    halves = [path for path in files if _half(path, device, options) != path]
    if not halves:
        names = " and ".join(f"{path.stem}.fp16.onnx" for path in files)
        return "fp32", f"no FP16 row: expected {names}, made by `hpe-volleyball quantize`"
    return "auto", f"FP16: {' and '.join(path.stem for path in halves)}"


def _half(path: Path, device: Granted, options: InferOptions) -> Path:
    return choose_file(path, "auto", device, options.models_dir).path
