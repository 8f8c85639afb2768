"""Converts one model: cut, simplify, reduce the precision, prove it, and only then keep it."""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort

from hpe_volleyball.choices import Target
from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.catalogue import Role
from hpe_volleyball.models.devices import GPU, Granted
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.precision import PREFIX
from hpe_volleyball.models.rtmdet_decode import Decoder
from hpe_volleyball.models.session import Session
from hpe_volleyball.quantize.byte_input import with_byte_input
from hpe_volleyball.quantize.cut import NotCuttable, cut_detector
from hpe_volleyball.quantize.float16 import emulated, kept_by_rule, to_float16
from hpe_volleyball.quantize.graph import read_source, set_metadata, write_model
from hpe_volleyball.quantize.int8 import quantisable, ranges_of, to_int8, with_new_opset
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.quantize.search import Budget, Found, Trial, keep_worst
from hpe_volleyball.quantize.simplify import simplified
from hpe_volleyball.quantize.subject import Subject
from hpe_volleyball.quantize.validation import SAFE, ModelAgreement, Verdict, rounded

_SAME_PX: Final = 1e-3
_SAME_SCORE: Final = 1e-5
"""A cut detector that differs more from its source is not used."""

_SLOWER: Final = 0.97
"""Speed ratio below which a result counts as slower: timings scatter by some percent."""

_ROUNDS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to make of a model."""

    precision: Target
    output_dir: Path
    device: Granted = "cpu"
    keep_anyway: bool = False
    """Keep a result that is slower or not recommended."""
    budget_s: float = 120.0
    """Seconds for finding the nodes that stay in float32."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a model."""

    role: Role
    source: Path
    result: Path | None
    """None: not kept."""
    precision: Target
    agreement: ModelAgreement
    verdict: Verdict
    speed: float
    """Time of the source over time of the result."""
    device: Granted
    bytes_before: int
    bytes_after: int
    kept: int
    """Nodes in float32."""
    nodes: int
    search: Found
    cut: str
    """Of a detector: "" if decode and NMS were cut off, else why not."""
    samples: str
    pictures: int

    @property
    def slower(self) -> bool:
        """The result is no gain on this machine."""
        return self.speed < _SLOWER

    @property
    def good(self) -> bool:
        """Worth using here."""
        return self.verdict in {"safe", "usable"} and not self.slower


def result_path(source: Path, request: Request) -> Path:
    """Where the result of a model goes."""
    return request.output_dir / f"{source.stem}.{request.precision}.onnx"


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
        work = _Work(source, subject, request, Path(folder))
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
        agreement = work.agreement(before, after, found, base)
        speed = _speed(subject.timed(before), subject.timed(after))
        report = Report(
            role=subject.role,
            source=source,
            result=result_path(source, request),
            precision=request.precision,
            agreement=agreement,
            verdict=agreement.verdict,
            speed=speed,
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
        set_metadata(result, _metadata(report))
        write_model(result, result_path(source, request))
    return report


@dataclass(frozen=True, slots=True)
class _Work:
    """The steps of one conversion."""

    source: Path
    subject: Subject
    request: Request
    folder: Path

    def prepared(self, model: onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
        """The model cut and simplified, and why it was not cut, if so."""
        why = ""
        if self.subject.role == "det":
            try:
                cut = simplified(cut_detector(model), self.source.name)
            except NotCuttable as reason:
                why = f"not cut: {reason}"
            else:
                if self._is_the_same(cut):
                    return cut, ""
                why = "not cut: the cut model gives other boxes"
        return simplified(model, self.source.name), why

    def _is_the_same(self, cut: onnx.ModelProto) -> bool:
        """Compare a cut detector with its source on the calibration pictures."""
        whole = open_session(self.source, "cpu")
        part = open_model(cut, self.folder / "cut.onnx")
        decoder = Decoder.of(part.metadata, [output.name for output in part.outputs])
        names = [output.name for output in whole.outputs]
        if decoder is None:
            return False
        for batch in self.subject.inputs(whole):
            feeds = {whole.inputs[0].name: batch}
            outputs = whole.run(feeds)
            expected, labels = (outputs[names.index(name)][0] for name in ("dets", "labels"))
            filled = expected[:, 4] > 0  # the graph adds empty rows
            found, found_labels = decoder.decode(part.run(feeds))
            if found.shape != expected[filled].shape or (found_labels != labels[filled]).any():
                return False
            difference = np.abs(found - expected[filled])
            if difference.size and (
                difference[:, :4].max() > _SAME_PX or difference[:, 4].max() > _SAME_SCORE
            ):
                return False
        return True

    def converted(self, base: onnx.ModelProto) -> tuple[Found, onnx.ModelProto]:
        """The model in what it is to be converted to, and what of it stays in float32.

        Raises:
            ModelError: the converters of ONNX Runtime make no valid model of it.
        """
        try:
            return self.half(base) if self.request.precision == "fp16" else self.int8(base)
        except onnx.checker.ValidationError as error:
            reason = next(iter(str(error).splitlines()), "it gives no reason")
            raise ModelError(
                f"{self.source}: expected a model that can be converted to "
                f"{self.request.precision}, found that the result is no valid one ({reason}); use "
                "the model as it is"
            ) from error

    def half(self, base: onnx.ModelProto) -> tuple[Found, onnx.ModelProto]:
        """Float16, with what rounding hurts most in float32; judged by emulated rounding.

        It is for GPUs, so it takes bytes: a quarter of what would have to be brought there. On the
        CPU the graph takes as long for the planes as OpenCV.
        """
        reference = open_model(base, self.folder / "base.onnx")

        def trial(kept: frozenset[str]) -> Trial:
            session = open_model(
                emulated(base, kept), self.folder / "emulated.onnx", optimised=False
            )
            return self._trial(reference, session)

        names = [node.name for node in base.graph.node]
        found = keep_worst(names, kept_by_rule(base), trial, Budget(self.request.budget_s))
        half = to_float16(base, found.kept)
        return found, with_byte_input(half, self.subject.normalisation)

    def int8(self, base: onnx.ModelProto) -> tuple[Found, onnx.ModelProto]:
        """INT8, with what it hurts most in float32."""
        budget = Budget(self.request.budget_s)
        base = with_new_opset(base)
        reference = open_model(base, self.folder / "base.onnx")
        ranges = ranges_of(base, self.subject.inputs(reference), self.folder / "ranges.onnx")

        def trial(kept: frozenset[str]) -> Trial:
            session = open_model(to_int8(base, ranges, kept), self.folder / "trial.onnx")
            return self._trial(reference, session)

        found = keep_worst(quantisable(base), (), trial, budget)
        return found, to_int8(base, ranges, found.kept)

    def _trial(self, reference: Session, candidate: Session) -> Trial:
        agreement = self.subject.agreement(reference, candidate, proof=False)
        # With too few people there is nothing to search by.
        return Trial(agreement.value, agreement.verdict in {"safe", "not proven"})

    def agreement(
        self, before: Session, after: Session, found: Found, base: onnx.ModelProto
    ) -> ModelAgreement:
        """Agreement on pictures that no decision was based on.

        Float16 on a CPU is computed in float32, so there the rounding of a GPU is emulated, and
        the worse of the two counts.
        """
        agreement = self.subject.agreement(before, after, proof=True)
        if self.request.precision == "fp16" and self.request.device not in GPU:
            model = emulated(base, found.kept)
            session = open_model(model, self.folder / "emulated.onnx", optimised=False)
            rough = self.subject.agreement(before, session, proof=True)
            agreement = min(agreement, rough, key=lambda each: each.value)
        return agreement


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


def _metadata(report: Report) -> dict[str, str]:
    """What the file says about itself; nothing in it changes from run to run."""
    tools = {
        name: importlib.metadata.version(name) for name in ("hpe-volleyball", "onnx", "onnxsim")
    }
    tools["onnxruntime"] = ort.__version__
    proof = {
        "verdict": report.verdict,
        "limit_of_safe": SAFE,
        "pictures": report.pictures,
        "from": Path(report.samples).name,
        **rounded(report.agreement),
    }
    return {
        f"{PREFIX}source_sha256": sha256_of(report.source),
        f"{PREFIX}source_file": report.source.name,
        f"{PREFIX}precision": report.precision,
        f"{PREFIX}tools": json.dumps(tools, sort_keys=True),
        f"{PREFIX}verdict": report.verdict,
        f"{PREFIX}validation": json.dumps(proof, sort_keys=True),
    }
