"""Converts one model: cut, simplify, reduce the precision, prove it, and only then keep it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.quantize.graph import read_source, set_metadata, write_model
from hpe_volleyball.quantize.report import Report, Request, metadata_for, result_path
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.quantize.steps import Conversion
from hpe_volleyball.quantize.subject import Subject

_ROUNDS: Final = 9
"""Timings of which the median counts."""


def convert_model(source: Path, subject: Subject, request: Request) -> Report:
    """Convert a model and prove the result; it is kept if it is good or if that is asked for.

    Args:
        source: FP32 model.
        subject: Its task.
        request: What to make of it.

    Raises:
        ModelError: the source cannot be converted.
        OutputError: the result cannot be written.
    """
    model = read_source(source)
    before = open_session(source, request.device, max_batch=subject.max_batch)
    with tempfile.TemporaryDirectory(prefix="hpe-volleyball-") as folder:
        work = Conversion(source, subject, request, Path(folder))
        base, cut = work.prepared(model)
        if cut and request.precision == "int8":
            raise ModelError(
                f"{source}: INT8 needs a detector whose decode and NMS can be cut off, this one is "
                f"{cut}; take --precision fp16"
            )
        found, result = work.converted(base)
        after = open_model(
            result, Path(folder) / "result.onnx", request.device, max_batch=subject.max_batch
        )
        report = Report(
            role=subject.role,
            source=source,
            result=result_path(source, request),
            precision=request.precision,
            agreement=work.agreement(before, after, found, base),
            speed=_speed(subject.timed(before), subject.timed(after)),
            device=request.device,
            bytes_before=source.stat().st_size,
            bytes_after=len(result.SerializeToString()),
            kept=sum(node.name in found.kept for node in base.graph.node),
            nodes=len(base.graph.node),
            search=found,
            cut=cut,
            samples=subject.samples.source,
            pictures=len(subject.samples.validation),
        )
        if not (report.good or request.keep_anyway):
            return replace(report, result=None)
        set_metadata(result, metadata_for(report))
        write_model(result, result_path(source, request))
    return report


def _speed(before: Callable[[], object], after: Callable[[], object]) -> float:
    """Time of one call over time of the other, measured in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(_ROUNDS + 1):
        for call, taken in zip((before, after), times, strict=True):
            begin = time.perf_counter()
            call()
            if number:  # the first round warms up
                taken.append(time.perf_counter() - begin)
    return median(times[0]) / median(times[1])
