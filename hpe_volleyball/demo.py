"""The demo: a synthetic rally through the whole program, scored against its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from hpe_volleyball.errors import OutputError
from hpe_volleyball.evaluation.compare import people_of
from hpe_volleyball.evaluation.metrics import Comparison, compare
from hpe_volleyball.evaluation.people import People
from hpe_volleyball.files import cannot_write
from hpe_volleyball.infer import infer_video
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.results import read_results
from hpe_volleyball.output.run_files import DATA, RunFiles
from hpe_volleyball.output.summary import RunSummary
from hpe_volleyball.records import FrameResult
from hpe_volleyball.synthetic import Rally, RallyConfig, render_video, write_demo_models
from hpe_volleyball.synthetic.demo_models import DETECTOR_FILE, POSE_FILE

MOSTLY_HIDDEN = 1 / 3
"""People hidden more than this behind others are neither asked for nor punished."""


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What a demo made and how close to the truth it came."""

    clip: Path
    options: InferOptions
    run: RunSummary
    accuracy: Comparison


def run_demo(
    output_dir: Path,
    *,
    seconds: float = 6.0,
    det_interval: int = 4,
    seed: int = 0,
    overwrite: bool = False,
    size: tuple[int, int] = (1280, 720),
    fps: Fraction = Fraction(50),
    on_frame: Callable[[FrameResult], None] | None = None,
) -> DemoReport:
    """Render a rally, run the program on it with models that read its colours, score the result.

    Args:
        output_dir: Gets the clip, the demo models and the results.
        seconds: Length of the rally.
        det_interval: The detector runs on every n-th frame.
        seed: Another one gives another rally.
        overwrite: Replace an earlier demo.
        size: Width and height of the clip in pixels.
        fps: Frame rate of the clip.
        on_frame: Called with every result.

    Raises:
        OutputError: the results cannot be written, or are there already.
    """
    config = RallyConfig(width=size[0], height=size[1], fps=fps, seconds=seconds, seed=seed)
    rally = Rally(config)
    options = InferOptions(
        det=output_dir / DETECTOR_FILE,
        pose=output_dir / POSE_FILE,
        output_dir=output_dir,
        det_interval=det_interval,
        device="cpu",
        overwrite=overwrite,
    )
    clip = output_dir / "rally.mp4"
    with RunFiles(clip, options):  # before minutes go into the clip
        pass
    if clip.exists() and not overwrite:
        raise OutputError(
            f"{clip} is already there; use --overwrite to replace it, or choose another "
            "--output-dir"
        )
    try:
        write_demo_models(output_dir)
        render_video(rally, clip)
    except OSError as error:
        raise OutputError(cannot_write(output_dir, error)) from error
    run = infer_video(clip, options, on_frame=on_frame)
    result = people_of(read_results(Path(run.outputs[DATA])))
    return DemoReport(clip, options, run, compare(truth_of(rally), result))


def truth_of(rally: Rally) -> People:
    """The people of a rally as a reference."""
    truths = [rally.truth(i) for i in range(rally.n_frames)]
    return People(
        frame=np.repeat(np.arange(rally.n_frames), [len(t.ids) for t in truths]),
        ids=np.concatenate([t.ids for t in truths]),
        boxes=np.concatenate([t.boxes for t in truths]),
        keypoints=np.concatenate([t.keypoints for t in truths]),
        keypoint_scores=np.concatenate([t.visible for t in truths]).astype(np.float32),
        ignored=np.concatenate([t.occlusion for t in truths]) > MOSTLY_HIDDEN,
    )
