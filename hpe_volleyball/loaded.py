"""The two models of a run, opened and ready: who finds people, who finds their poses."""

from __future__ import annotations

import os
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NoReturn

from hpe_volleyball.errors import ModelError
from hpe_volleyball.models.pair import Pair, open_pair
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.models.session import Session
from hpe_volleyball.models.waiting import OnProgress
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output import provenance
from hpe_volleyball.pipeline import Detector, PoseEstimator

_LOAD_THERE = "call load_models in the process that uses them, such as in the initializer of a pool"


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a run, loaded; several runs and threads of one process can share them."""

    detector: Detector
    poser: PoseEstimator
    sessions: dict[str, Session]
    """By role: "det" and "pose"."""
    notes: tuple[str, ...] = ()
    """What the program chose and why: the device, the mode."""
    process: int = field(default_factory=os.getpid, repr=False)
    """Number of the process that loaded them."""

    def __reduce__(self) -> NoReturn:
        raise ModelError(f"loaded models cannot be copied or sent; {_LOAD_THERE}")

    def check_process(self) -> None:
        """Refuse models that came with a fork: their threads did not, so it would wait for ever.

        Raises:
            ModelError: another process loaded them.
        """
        if self.process != os.getpid():
            raise ModelError(
                f"the models were loaded by process {self.process}, of which this one "
                f"({os.getpid()}) is a fork; {_LOAD_THERE}"
            )

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of each model's file by role."""
        return {role: session.sha256 for role, session in self.sessions.items()}

    @property
    def lines(self) -> tuple[str, ...]:
        """What runs where, and why; for the user to see before a long run."""
        names = " and ".join(provenance.model_name(s) for s in self.sessions.values())
        return (f"{names}, on {self.provider}", *self.notes)

    @property
    def provider(self) -> str:
        """The execution provider that the models run on."""
        return " + ".join(dict.fromkeys(s.provider for s in self.sessions.values()))


def load_models(
    options: InferOptions,
    *,
    on_progress: OnProgress | None = None,
    ahead: Future[Pair] | None = None,
) -> Models:
    """Find or download both models and open them.

    Args:
        options: Which models, where from, on which device.
        on_progress: Called while a model is downloaded, or an engine is built.
        ahead: Made by `open_ahead` from the same options: the models are being opened.

    Raises:
        ModelError: a file is missing or is not the model it should be.
        DeviceError: the device is not granted.
    """
    pair = open_pair(options, on_progress=on_progress) if ahead is None else ahead.result()
    fitted = options.tuning.fitted_input
    detector = RTMDet(pair.det, size=options.det_size, fitted=fitted)
    poser = RTMPose(pair.pose, batch=options.pose_batch, workers=pair.pose_workers)
    return Models(detector, poser, {"det": pair.det, "pose": pair.pose}, pair.notes)


def loaded(models: Models | None, options: InferOptions) -> Models:
    """The models that a caller of a run gave, or those of the options.

    Raises:
        ModelError: as `load_models`, or the given ones are another process's.
        DeviceError: the device is not granted.
    """
    if models is None:
        return load_models(options)
    models.check_process()
    return models
