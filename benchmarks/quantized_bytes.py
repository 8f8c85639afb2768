"""What it changes and costs that FP16 models take pictures as bytes and normalise them inside."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.image_batch import ImageBatch
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.preprocess import OF_DETECTORS, OF_POSES, crop, crop_regions, letterbox
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.models.session import Session
from hpe_volleyball.quantize.byte_input import with_byte_input
from hpe_volleyball.quantize.graph import read_source
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.quantize.samples import Samples
from hpe_volleyball.quantize.subject import DetectorSubject, PoseSubject, Subject
from hpe_volleyball.quantize.validation import detect_all, pose_all
from hpe_volleyball.records import Floats

_ROUNDS = 30
_PEOPLE = 12
"""In one batch, as on a court."""


def byte_rows(det: Path, pose: Path, samples: Samples, boxes: dict[int, Floats]) -> list[Any]:
    """One row for each model: how far its results move, and what a call takes on the CPU."""
    return [
        _row("detector at 640", det, DetectorSubject(samples), boxes),
        _row(f"pose model, {_PEOPLE} people", pose, PoseSubject(samples, boxes), boxes),
    ]


def byte_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The rows as a table."""
    lines = ["## Bytes in place of normalised planes, in FP32", ""]
    lines += ["The same models and weights; times of the CPU, the least of 30, in turns.", ""]
    lines += ["| | max px | max score | MB of input | ms to prepare it | ms of the model |"]
    lines += ["|---|---|---|---|---|---|"]
    for row in rows:
        pairs = (
            f"{row[name]['planes']:.2f}, as bytes {row[name]['bytes']:.2f}"
            for name in ("input_mb", "prepare_ms", "model_ms")
        )
        lines.append(
            f"| {row['model']} | {row['max_px']:.1e} | {row['max_score']:.1e} | "
            f"{' | '.join(pairs)} |"
        )
    return lines


def _row(name: str, path: Path, subject: Subject, boxes: dict[int, Floats]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        folded = with_byte_input(read_source(path), subject.normalisation)
        sessions = {
            "planes": open_session(path, "cpu"),
            "bytes": open_model(folded, Path(folder) / "bytes.onnx"),
        }
    frames = subject.samples.validation
    if subject.role == "det":
        found = [detect_all(RTMDet(s), frames) for s in sessions.values()]
        values = [
            [np.concatenate([getattr(d, field) for d in part]) for field in ("boxes", "scores")]
            for part in found
        ]
    else:
        here = [boxes[frame.index] for frame in frames]
        poses = [pose_all(RTMPose(s), frames, here) for s in sessions.values()]
        values = [
            [np.concatenate([getattr(p, field) for p in part]) for field in ("keypoints", "scores")]
            for part in poses
        ]
    (px, score), (other_px, other_score) = values
    calls = {kind: _call(session, subject, boxes) for kind, session in sessions.items()}
    prepare = _least({kind: prepared for kind, (prepared, _, _) in calls.items()})
    run = _least({kind: ran for kind, (_, ran, _) in calls.items()})
    return {
        "model": name,
        "max_px": float(np.abs(px - other_px).max()),
        "max_score": float(np.abs(score - other_score).max()),
        "input_mb": {kind: size / 1e6 for kind, (_, _, size) in calls.items()},
        "prepare_ms": prepare,
        "model_ms": run,
    }


def _call(
    session: Session, subject: Subject, boxes: dict[int, Floats]
) -> tuple[Callable[[], object], Callable[[], object], int]:
    """Preparing one input, running the model on it, and its bytes."""
    frame = subject.samples.validation[0]
    images = session.images
    if images is None:
        raise ModelError(f"{session.path}: expected a model for pictures")
    if subject.role == "det":
        batch = ImageBatch(images, (1, 640, 640), OF_DETECTORS)

        def prepare() -> None:
            letterbox(frame.image, batch.pictures[0])
            batch.ready(0)

    else:
        batch = ImageBatch(images, (_PEOPLE, 256, 192), OF_POSES)
        people = np.resize(boxes[frame.index], (_PEOPLE, 4))
        regions = crop_regions(people, 192, 256)

        def prepare() -> None:
            for number, region in enumerate(regions):
                crop(frame.image, region, batch.pictures[number])
                batch.ready(number)

    return prepare, lambda: session.run({images.name: batch.fed}), batch.fed.nbytes


def _least(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Least milliseconds of each call, made in turns."""
    times: dict[str, list[float]] = {kind: [] for kind in calls}
    for _ in range(_ROUNDS):
        for kind, call in calls.items():
            begin = time.perf_counter()
            call()
            times[kind].append(1e3 * (time.perf_counter() - begin))
    return {kind: min(taken) for kind, taken in times.items()}
