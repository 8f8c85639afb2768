"""The scenario set: synthetic rallies, and the imperfect models that look at them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np

from hpe_volleyball.records import Frame
from hpe_volleyball.synthetic import Rally, RallyConfig
from hpe_volleyball.synthetic.noisy_detector import NoisyDetector
from hpe_volleyball.synthetic.noisy_pose import NoisyPose
from hpe_volleyball.synthetic.play import Play

_SECONDS = 8.0
_SEEDS = 3
_FIRST_SEED = 100
_CONFIGURATIONS: tuple[tuple[Play, int, Literal["fixed", "panning"], int], ...] = (
    ("rally", 6, "fixed", 25),
    ("rally", 6, "fixed", 50),
    ("rally", 6, "panning", 60),
    ("net", 6, "fixed", 30),
    ("net", 6, "panning", 50),
    ("defence", 6, "panning", 25),
    ("defence", 6, "fixed", 50),
    ("rally", 2, "panning", 30),
    ("defence", 2, "fixed", 60),
    ("net", 2, "fixed", 25),
)
"""Play, players per team, camera, frames per second."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One rally with its own motion and its own errors of the models."""

    number: int
    play: Play
    team_size: int
    camera: Literal["fixed", "panning"]
    fps: int

    @property
    def name(self) -> str:
        """As shown in tables."""
        return (
            f"{self.play}, {self.team_size} a side, {self.camera}, {self.fps} fps, "
            f"seed {_FIRST_SEED + self.number}"
        )

    def config(self) -> RallyConfig:
        """What is played and filmed."""
        return RallyConfig(
            fps=Fraction(self.fps),
            seconds=_SECONDS,
            seed=_FIRST_SEED + self.number,
            team_size=self.team_size,
            camera=self.camera,
            play=self.play,
            kits="team",
        )


def scenario(number: int) -> Scenario:
    """Any of the endless row of scenarios."""
    return Scenario(number, *_CONFIGURATIONS[number % len(_CONFIGURATIONS)])


SCENARIOS = tuple(map(scenario, range(_SEEDS * len(_CONFIGURATIONS))))
"""Those that candidates are chosen on."""

UNSEEN = tuple(map(scenario, range(180, 270)))
"""Those that results are reported on: nothing was fitted to them or chosen by them. They are many
because the number of id switches is mostly chance: over 30 scenarios it says little."""


class Court:
    """A scenario, ready to be looked at; truth and poses are worked out once per frame."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.rally = _CachedRally(scenario.config())
        self.detector = NoisyDetector(self.rally, seed=scenario.number)
        self.poser = NoisyPose(self.rally, seed=scenario.number)

    def frames(self) -> list[Frame]:
        """All frames; the pictures are black, since these models know the truth."""
        config = self.rally.config
        image = np.broadcast_to(np.uint8(0), (config.height, config.width, 3))
        return [Frame(i, self.rally.time_s(i), image) for i in range(self.rally.n_frames)]


class _CachedRally(Rally):
    """A rally that keeps the truth of all frames."""

    def __init__(self, config: RallyConfig) -> None:
        super().__init__(config)
        self.truth = lru_cache(maxsize=None)(super().truth)  # type: ignore[method-assign]
