"""What the rows run on: a clip, its truth if it is a rally, and the models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hpe_volleyball.demo import truth_of
from hpe_volleyball.evaluation.people import People
from hpe_volleyball.loaded import Models, load_models
from hpe_volleyball.media.video import probe
from hpe_volleyball.options import InferOptions
from hpe_volleyball.pipeline import Detector, PendingPoses, PoseEstimator, begin
from hpe_volleyball.records import Detections, Floats, Frame, Poses
from hpe_volleyball.skeleton import Skeleton
from hpe_volleyball.synthetic import NoisyDetector, NoisyPose, Rally, RallyConfig, render_video

_SEED = 3


class Scene(Protocol):
    """A clip, and the models that look at it."""

    @property
    def clip(self) -> Path:
        """The video."""

    @property
    def truth(self) -> People | None:
        """Of a rally."""

    def describe(self) -> tuple[str, str]:
        """The clip and the nets, in words."""

    def load(self, options: InferOptions) -> Models:
        """The models as `options` has them."""


@dataclass(frozen=True, slots=True)
class VideoScene:
    """A video of the user's, seen by real models."""

    clip: Path
    truth: People | None = None

    def describe(self) -> tuple[str, str]:
        """The clip and the nets, in words."""
        info = probe(self.clip)
        size = f"{info.width}x{info.height}, {float(info.rate):.4g} fps"
        return f"{self.clip.name}, {size}", "as seen by the models"

    def load(self, options: InferOptions) -> Models:
        """The models as `options` has them."""
        return load_models(options)


class RallyScene:
    """A synthetic rally at 50 fps, at 1080p with twelve players if not told otherwise.

    Args:
        folder: Gets the clip.
        frames: Length of the clip.
        stand_ins: The nets have random weights: they run on every picture, for the time that
            takes, and what they should have seen comes from the rally's truth, with errors.
        size: Width and height of the picture.
        team_size: Players of each team, 6 or 2.
    """

    def __init__(
        self,
        folder: Path,
        frames: int,
        *,
        stand_ins: bool,
        size: tuple[int, int] = (1920, 1080),
        team_size: int = 6,
    ) -> None:
        self._rally = rally_of(frames, size=size, team_size=team_size)
        self.clip = render_video(self._rally, folder / "rally.mp4")
        self.truth: People | None = truth_of(self._rally)
        self._stand_ins = StandIns(self._rally) if stand_ins else None

    def describe(self) -> tuple[str, str]:
        """The clip and the nets, in words."""
        config = self._rally.config
        size = f"{config.width}x{config.height}, {float(config.fps):g} fps"
        nets = "as seen by the models"
        if self._stand_ins is not None:
            nets = (
                "random weights: times are real, the nets see nothing; boxes and joints are the "
                "rally's truth with errors"
            )
        return f"synthetic rally, {size}, {self._rally.n_people} players", nets

    def load(self, options: InferOptions) -> Models:
        """The models as `options` has them."""
        models = load_models(options)
        return models if self._stand_ins is None else self._stand_ins.blind(models)


def rally_of(frames: int, *, size: tuple[int, int] = (1920, 1080), team_size: int = 6) -> Rally:
    """The rally of a `RallyScene`; see there."""
    config = RallyConfig(width=size[0], height=size[1], seed=_SEED, team_size=team_size)
    return Rally(replace(config, seconds=float(frames / config.fps)))


class StandIns:
    """What nets would see in a rally, worked out before the clock starts.

    Attributes:
        detections: By frame.
        poser: Knows the poses of every frame.
    """

    def __init__(self, rally: Rally) -> None:
        config = rally.config
        blank = np.broadcast_to(np.uint8(0), (config.height, config.width, 3))
        frames = [Frame(i, rally.time_s(i), blank) for i in range(rally.n_frames)]
        detector = NoisyDetector(rally)
        self.detections = [detector.detect(frame) for frame in frames]
        self.poser: PoseEstimator = NoisyPose(rally, remembered=None)
        nobody = np.zeros((0, 4), np.float32)
        self.poser.estimate(frames, [nobody] * len(frames))

    def blind(self, models: Models) -> Models:
        """Models that run for the time that takes, and answer what they should have seen."""
        return replace(
            models,
            detector=_BlindDetector(models.detector, self.detections),
            poser=_BlindPoser(models.poser, self.poser),
        )


class _BlindDetector:
    """Runs a net and answers something else."""

    def __init__(self, net: Detector, answers: Sequence[Detections]) -> None:
        self._net = net
        self._answers = answers

    def detect(self, frame: Frame) -> Detections:
        self._net.detect(frame)
        return self._answers[frame.index]


class _BlindPoser:
    """Runs a net and answers something else."""

    def __init__(self, net: PoseEstimator, answers: PoseEstimator) -> None:
        self._net = net
        self._answers = answers

    @property
    def skeleton(self) -> Skeleton:
        return self._answers.skeleton

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        return [poses.result() for poses in self.begin(frames, boxes)]

    def begin(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[PendingPoses]:
        net = begin(self._net, frames, boxes)
        return [*map(_BlindPoses, net, self._answers.estimate(frames, boxes))]


@dataclass(frozen=True, slots=True)
class _BlindPoses:
    """Known already, but given when those of a net would be."""

    net: PendingPoses
    answer: Poses

    def result(self) -> Poses:
        self.net.result()
        return self.answer

    def add_done_callback(self, call: Callable[[Any], None], /) -> None:
        self.net.add_done_callback(call)
