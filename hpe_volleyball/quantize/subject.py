"""What a model is asked to do while it is converted: find people, or find their joints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hpe_volleyball.models.catalogue import Role
from hpe_volleyball.models.preprocess import OF_DETECTORS, OF_POSES, Normalisation
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.models.session import Session
from hpe_volleyball.options import InferOptions
from hpe_volleyball.quantize.samples import Samples
from hpe_volleyball.quantize.validation import (
    SURE,
    ModelAgreement,
    compare_boxes,
    compare_poses,
    detect_all,
    pose_all,
)
from hpe_volleyball.records import Floats, Frame

_TIMED_PEOPLE = 8
"""People in one call when a pose model is timed."""


class Subject(Protocol):
    """A task with pictures on which a source and its result are compared."""

    @property
    def role(self) -> Role:
        """Detector or pose model."""

    @property
    def samples(self) -> Samples:
        """The pictures."""

    @property
    def normalisation(self) -> Normalisation:
        """What its models expect."""

    @property
    def max_batch(self) -> int:
        """Most images in one call; what a GPU is to be prepared for."""

    def inputs(self, session: Session) -> list[Floats]:
        """What the model is fed for the calibration pictures."""

    def agreement(self, source: Session, result: Session, *, proof: bool) -> ModelAgreement:
        """Compare two models, on the validation pictures if `proof`, else on the calibration's."""

    def timed(self, session: Session) -> Callable[[], object]:
        """One call as a run makes it."""


class _Recorder:
    """Stands in for a session: keeps what it is fed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.fed: list[Floats] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def run(self, feeds: dict[str, Floats]) -> list[Floats]:
        """Run the model, keeping a copy of its input."""
        self.fed += [value.copy() for value in feeds.values()]
        return self._session.run(feeds)


@dataclass(frozen=True, slots=True)
class DetectorSubject:
    """Finds people in whole pictures."""

    samples: Samples
    size: int | None = None
    """Side of the detector's input; None: as in a run that does not set it."""
    role: Role = "det"
    normalisation: Normalisation = OF_DETECTORS
    max_batch: int = 1

    def inputs(self, session: Session) -> list[Floats]:
        """What the detector is fed for the calibration pictures, all of one shape."""
        recorder = _Recorder(session)
        detector = RTMDet(recorder, size=self.size, fitted=False)  # type: ignore[arg-type]
        detect_all(detector, self.samples.calibration)
        return recorder.fed

    def agreement(self, source: Session, result: Session, *, proof: bool) -> ModelAgreement:
        """Compare the boxes of two detectors."""
        frames = self.samples.validation if proof else self.samples.calibration
        return compare_boxes(
            detect_all(RTMDet(source, size=self.size), frames),
            detect_all(RTMDet(result, size=self.size), frames),
        )

    def timed(self, session: Session) -> Callable[[], object]:
        """Detection in one picture."""
        detector, frame = RTMDet(session, size=self.size), self.samples.validation[0]
        return lambda: detector.detect(frame)


@dataclass(frozen=True, slots=True)
class PoseSubject:
    """Finds the joints of people whose boxes are given."""

    samples: Samples
    boxes: dict[int, Floats]
    """Of each picture, by its number."""
    role: Role = "pose"
    normalisation: Normalisation = OF_POSES
    max_batch: int = InferOptions().pose_batch

    def inputs(self, session: Session) -> list[Floats]:
        """What the pose model is fed for the calibration pictures."""
        recorder = _Recorder(session)
        frames = self.samples.calibration
        poser = self._poser(recorder)  # type: ignore[arg-type]
        pose_all(poser, frames, self._boxes(frames))
        return recorder.fed

    def agreement(self, source: Session, result: Session, *, proof: bool) -> ModelAgreement:
        """Compare the poses of two models."""
        frames = self.samples.validation if proof else self.samples.calibration
        boxes = self._boxes(frames)
        return compare_poses(
            boxes,
            pose_all(self._poser(source), frames, boxes),
            pose_all(self._poser(result), frames, boxes),
        )

    def timed(self, session: Session) -> Callable[[], object]:
        """The poses of a few people in one picture."""
        frame = self.samples.validation[0]
        height, width = frame.image.shape[:2]
        whole = np.array([[0, 0, width, height]], np.float32)
        boxes = np.concatenate([self.boxes[frame.index], whole]).repeat(_TIMED_PEOPLE, axis=0)
        poser, people = self._poser(session), [boxes[:_TIMED_PEOPLE]]
        return lambda: poser.estimate([frame], people)

    def _poser(self, session: Session) -> RTMPose:
        return RTMPose(session, batch=self.max_batch)

    def _boxes(self, frames: Sequence[Frame]) -> list[Floats]:
        return [self.boxes[frame.index] for frame in frames]


def boxes_by(detector: Session, samples: Samples) -> dict[int, Floats]:
    """Boxes of the people whom a detector is sure of, for each picture."""
    frames = [*samples.calibration, *samples.validation]
    found = detect_all(RTMDet(detector), frames)
    return {
        frame.index: people.boxes[people.scores >= SURE]
        for frame, people in zip(frames, found, strict=True)
    }
