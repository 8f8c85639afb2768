"""The two models of a run: found, and opened; on the CPU side by side, and ahead of need."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from hpe_volleyball.errors import DeviceError, ModelError
from hpe_volleyball.models.finding import resolve_models
from hpe_volleyball.models.opening import FREE_SIZE, open_session
from hpe_volleyball.models.precision import choose_file
from hpe_volleyball.models.providers import choose_device
from hpe_volleyball.models.session import Session
from hpe_volleyball.models.tuning import detector_threads, pose_threads
from hpe_volleyball.models.waiting import OnProgress
from hpe_volleyball.options import InferOptions


@dataclass(frozen=True, slots=True)
class Pair:
    """Both models of a run, open."""

    det: Session
    pose: Session
    pose_workers: int
    """Calls of the pose model side by side."""
    notes: tuple[str, ...]
    """What the program chose and why: the device, the mode; and files that are not validated."""


def open_pair(options: InferOptions, *, on_progress: OnProgress | None = None) -> Pair:
    """Find or download both models and open them.

    Args:
        options: Which models, where from, on which device.
        on_progress: Called while a model is downloaded, or an engine is built.

    Raises:
        ModelError: a file is missing or ONNX Runtime cannot load it.
        DeviceError: the device is not granted.
    """
    choice = choose_device(options.device)
    files = resolve_models(options, choice.device, on_progress=on_progress)
    wanted = options.precision, choice.device, options.models_dir
    chosen = [choose_file(path, *wanted) for path in (files.det, files.pose)]

    def on_wait(what: str) -> None:
        if on_progress is not None:
            on_progress(what, 0, None)

    tuning = options.tuning
    on_cpu = choice.device == "cpu"
    shared = tuning.overlap and on_cpu
    workers, threads = pose_threads() if shared else (1, 0)
    opened = partial(
        open_session,
        device=choice.device,
        optimised=tuning.graph_optimisation,
        spinning=not tuning.overlap,
        on_wait=on_wait,
    )
    open_det = partial(
        opened,
        chosen[0].path,
        threads=detector_threads() if shared else 0,
        free_size=options.det_size or FREE_SIZE,
    )
    open_pose = partial(opened, chosen[1].path, max_batch=options.pose_batch, threads=threads)
    said = (choice.note, files.note, *(file.note for file in chosen))
    notes = tuple(note for note in said if note)
    if not on_cpu:  # one GPU prepares one model at a time
        return Pair(open_det(), open_pose(), workers, notes)
    with ThreadPoolExecutor(1, "open") as beside:
        pose = beside.submit(open_pose)
        return Pair(open_det(), pose.result(), workers, notes)


def open_ahead(options: InferOptions) -> Future[Pair] | None:
    """Begin to open the models of a run on the CPU, in a thread of its own.

    Most of it happens in ONNX Runtime, so that the caller has a core for what else there is to
    do. What `open_pair` raises comes with the result.

    Returns:
        None where that shall wait until the caller has seen that the video can be read: for a
        download, or another device, which can take minutes. `open_pair` then does all of it.
    """
    try:
        if choose_device(options.device).device != "cpu":
            return None
        resolve_models(replace(options, offline=True), "cpu")
    except (DeviceError, ModelError):
        return None
    ahead = ThreadPoolExecutor(1, "open-ahead")
    pair = ahead.submit(open_pair, options)
    ahead.shutdown(wait=False)
    return pair
