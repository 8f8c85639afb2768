"""Real clips and real models, the detector run once on every frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.video import probe
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.pipeline import Detector
from hpe_volleyball.records import Detections, Frame

CLIPS = ("balance-3people-60fps", "walk-2people-30fps", "one-by-one-10fps")


class Clip:
    """A video and the detections of its frames, which are kept once made."""

    def __init__(self, path: Path, detector: Detector) -> None:
        self._path = path
        self._detector = detector
        self.rate = float(probe(path).rate)
        self.detections: dict[int, Detections] = {}
        """By frame number."""

    def frames(self) -> Iterator[Frame]:
        """All frames."""
        with read_frames(self._path) as frames:
            yield from frames

    def detect(self, frame: Frame) -> Detections:
        """The detections of a frame of this clip."""
        if frame.index not in self.detections:
            self.detections[frame.index] = self._detector.detect(frame)
        return self.detections[frame.index]


def load_detector(path: Path) -> RTMDet:
    """The detector that looks at clips."""
    return RTMDet(open_session(path, "cpu"))
