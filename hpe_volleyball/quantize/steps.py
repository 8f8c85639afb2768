"""The steps of a conversion: cut and simplify, reduce the precision, measure the agreement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.devices import GPU
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmdet_decode import Decoder
from hpe_volleyball.models.session import Session
from hpe_volleyball.quantize.byte_input import with_byte_input
from hpe_volleyball.quantize.cut import NotCuttable, cut_detector
from hpe_volleyball.quantize.float16 import emulated, kept_by_rule, to_float16
from hpe_volleyball.quantize.report import Request
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.quantize.search import Budget, Found, Trial, keep_worst
from hpe_volleyball.quantize.simplify import simplified
from hpe_volleyball.quantize.subject import Subject
from hpe_volleyball.quantize.validation import ModelAgreement

_SAME_PX: Final = 1e-3
_SAME_SCORE: Final = 1e-5
"""A cut detector that differs more from its source is not used."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """One conversion, step by step.

    Attributes:
        source: FP32 model.
        subject: Its task.
        request: What to make of it.
        folder: A temporary one, for the models that are tried.
    """

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
            return self._half(base) if self.request.precision == "fp16" else self._int8(base)
        except onnx.checker.ValidationError as error:
            reason = next(iter(str(error).splitlines()), "it gives no reason")
            raise ModelError(
                f"{self.source}: expected a model that can be converted to "
                f"{self.request.precision}, found that the result is no valid one ({reason}); use "
                "the model as it is"
            ) from error

    def _half(self, base: onnx.ModelProto) -> tuple[Found, onnx.ModelProto]:
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

    def _int8(self, base: onnx.ModelProto) -> tuple[Found, onnx.ModelProto]:
        """INT8, with what it hurts most in float32.

        Raises:
            ModelError: the installed ONNX Runtime cannot make INT8 models.
        """
        try:
            # FP16 needs none of it, and before 1.28 ONNX Runtime wants SymPy for it.
            from hpe_volleyball.quantize import int8  # noqa: PLC0415
        except ImportError as error:
            raise ModelError(
                f"{self.source}: ONNX Runtime {ort.__version__} cannot make INT8 models here "
                f"({error}), expected one that can; install what is missing, or take --precision "
                "fp16"
            ) from error
        budget = Budget(self.request.budget_s)
        base = int8.with_new_opset(base)
        reference = open_model(base, self.folder / "base.onnx")
        ranges = int8.ranges_of(base, self.subject.inputs(reference), self.folder / "ranges.onnx")

        def trial(kept: frozenset[str]) -> Trial:
            session = open_model(int8.to_int8(base, ranges, kept), self.folder / "trial.onnx")
            return self._trial(reference, session)

        found = keep_worst(int8.quantisable(base), (), trial, budget)
        return found, int8.to_int8(base, ranges, found.kept)

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
