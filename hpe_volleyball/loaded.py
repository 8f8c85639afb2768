"""The two models of a run, opened and ready: who finds people, who finds their poses."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from hpe_volleyball.models.pair import Pair, open_pair
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.models.session import Session
from hpe_volleyball.models.waiting import OnProgress
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output import provenance
from hpe_volleyball.pipeline import Detector, PoseEstimator


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a run, loaded; several runs can share them."""

    detector: Detector
    poser: PoseEstimator
    sessions: dict[str, Session]
    """By role: "det" and "pose"."""
    notes: tuple[str, ...] = ()
    """What the program chose and why: the device, the mode."""

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
