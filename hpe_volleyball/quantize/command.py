"""What `hpe-volleyball quantize` does: find the models, take pictures, convert each model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hpe_volleyball.choices import Target
from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.devices import Granted
from hpe_volleyball.models.finding import ModelFiles, resolve_models
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.providers import choose_device
from hpe_volleyball.models.waiting import OnProgress
from hpe_volleyball.options import InferOptions
from hpe_volleyball.quantize.convert import convert_model
from hpe_volleyball.quantize.graph import read_source
from hpe_volleyball.quantize.report import Report, Request
from hpe_volleyball.quantize.samples import Samples, rally_samples, video_samples
from hpe_volleyball.quantize.subject import DetectorSubject, PoseSubject, boxes_by


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeOptions:
    """What the user asks of a conversion."""

    models: InferOptions
    """Which models, where from, for which device."""
    precision: Target = "fp16"
    output_dir: Path = Path("models")
    calibrate: Path | None = None
    """Video whose pictures calibrate and validate; None: the synthetic rally."""
    frames: int = 16
    """Pictures to validate on; as many others calibrate."""
    budget_s: float = 120.0
    """Seconds for each model to find the nodes that stay in float32."""
    keep_anyway: bool = False


def quantize(
    options: QuantizeOptions,
    *,
    on_step: Callable[[str], None] = lambda _: None,
    on_progress: OnProgress | None = None,
) -> Iterator[Report]:
    """Convert the models that are asked for: those that are named, else both of the mode.

    When it returns their files are here; each is converted when its report is asked for.

    Args:
        options: What to convert and how.
        on_step: Called with what is about to be done.
        on_progress: Called while a model is downloaded.

    Raises:
        HpeError: a model cannot be found or converted, or the video cannot be read.
    """
    asked = options.models
    choice = choose_device(asked.device)
    with_det, with_pose = _wanted(asked)
    if with_pose and not with_det and options.calibrate is not None:
        raise ModelError(
            f"--calibrate {options.calibrate}: a pose model needs to know where people are in its "
            "pictures; name a detector with --det too"
        )
    # The one that is not converted need not exist: the other's file stands in for it.
    files = resolve_models(_complete(asked), choice.device, on_progress=on_progress)
    for path, wanted, kind in ((files.det, with_det, "det"), (files.pose, with_pose, "pose")):
        if wanted:
            _check_kind(path, kind)  # before time goes into pictures
    return _convert(options, files, choice.device, on_step)


def _wanted(asked: InferOptions) -> tuple[bool, bool]:
    """Whether to convert the detector, and the pose model."""
    named = asked.det is not None or asked.pose is not None
    return asked.det is not None or not named, asked.pose is not None or not named


def _convert(
    options: QuantizeOptions, files: ModelFiles, device: Granted, on_step: Callable[[str], None]
) -> Iterator[Report]:
    with_det, with_pose = _wanted(options.models)
    on_step(f"taking pictures from {options.calibrate or 'the synthetic rally'}")
    samples = _samples(options)
    request = Request(
        precision=options.precision,
        output_dir=options.output_dir,
        device=device,
        keep_anyway=options.keep_anyway,
        budget_s=options.budget_s,
    )
    if with_det:
        on_step(f"converting {files.det.name}")
        yield convert_model(files.det, DetectorSubject(samples), request)
    if with_pose:
        on_step(f"converting {files.pose.name}")
        yield convert_model(files.pose, _pose_subject(samples, files.det), request)


def _check_kind(path: Path, kind: str) -> None:
    """Raise ModelError for a file that cannot be converted, or is a model of the other kind."""
    outputs = {output.name for output in read_source(path).graph.output}
    if ("simcc_x" in outputs) != (kind == "pose"):
        expected = "RTMPose, with an output simcc_x" if kind == "pose" else "RTMDet"
        raise ModelError(
            f"{path}: expected {expected}, found outputs {', '.join(sorted(outputs))}; are --det "
            "and --pose swapped?"
        )


def _complete(asked: InferOptions) -> InferOptions:
    """The same with a path for what is not asked for, so that nothing is looked for in vain."""
    named = asked.det if asked.det is not None else asked.pose
    if named is None or (asked.det is not None and asked.pose is not None):
        return asked
    path = Path(str(named))
    return replace(asked, pose=path) if asked.pose is None else replace(asked, det=path)


def _samples(options: QuantizeOptions) -> Samples:
    if options.calibrate is None:
        return rally_samples(options.frames)
    return video_samples(options.calibrate, options.frames)


def _pose_subject(samples: Samples, detector: Path) -> PoseSubject:
    boxes = samples.boxes
    if boxes is None:
        boxes = boxes_by(open_session(detector, "cpu"), samples)
    return PoseSubject(samples, boxes)
