"""Somebody standing, detected and tracked."""

from __future__ import annotations

import numpy as np

from hpe_volleyball.tracking.carrying import Anchor, Place
from hpe_volleyball.tracking.tracks import Track
from tests.scene import frame, joints_in, shifted

START = np.array([100.0, 100.0, 140.0, 200.0])
SURE = np.full(17, 0.9)


def anchor(x: float = 0.0) -> Anchor:
    box = shifted(START, x)
    return Anchor(box, joints_in(box), SURE)


def place(x: float = 0.0, blind_s: float = 0.0) -> Place:
    box = shifted(START, x)
    return Place(box, np.zeros(2), joints_in(box), SURE, joints_in(box), blind_s)


def track(number: int = 1, score: float = 0.8) -> Track:
    """Somebody found in frame 0."""
    new = Track(place(), anchor(), score, 0.0, number)
    new.found(frame(0), anchor(), score)
    return new
