"""What a run did, counted while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hpe_volleyball.media.live import LiveReport
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.records import FrameResult
from hpe_volleyball.timing import StageClocks, StageTime
from hpe_volleyball.tracking.tracker import KEYFRAME


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did; the same facts are in its run.json."""

    source: str
    outputs: dict[str, str]
    """Files written, by kind: "overlay", "data", "run"."""
    complete: bool
    """False if the run was stopped: the files then say "partial" in their names."""
    frames: int
    keyframes: int
    detector_calls: int
    extra_calls: dict[str, int]
    """Detector calls beyond the interval, by reason."""
    people: int
    """Rows of the data file: people summed over the frames."""
    ids: int
    """Different track ids."""
    wall_s: float
    """From opening the source to the last file closed, models already loaded."""
    fps: float
    realtime_factor: float
    """Length of the video handled divided by the time that took."""
    provider: str
    """ONNX Runtime's name of what the models really ran on."""
    notes: tuple[str, ...]
    """Why the models did not run on a better device, where "auto" looked for one."""
    encoder: str | None
    """FFmpeg's name of what encoded the overlay video; None without one."""
    warnings: tuple[str, ...]
    live: LiveReport | None
    """What was lost of a live source; None: the source is a file."""
    stages: tuple[StageTime, ...]


@dataclass(slots=True)
class Tally:
    """Counts what passes through a run."""

    frames: int = 0
    keyframes: int = 0
    people: int = 0
    ids: set[int] = field(default_factory=set)
    first_s: float = 0.0
    last_s: float = 0.0

    def add(self, result: FrameResult) -> None:
        """Count one more result."""
        if not self.frames:
            self.first_s = result.frame.time_s
        self.last_s = result.frame.time_s
        self.frames += 1
        self.keyframes += result.keyframe
        self.people += len(result.tracks.ids)
        self.ids.update(result.tracks.ids.tolist())

    def summary(
        self,
        *,
        source: VideoInfo,
        outputs: dict[str, str],
        provider: str,
        notes: tuple[str, ...],
        encoder: str | None,
        warnings: tuple[str, ...],
        live: LiveReport | None,
        detector_calls: Mapping[str, int],
        clocks: StageClocks,
        complete: bool,
    ) -> RunSummary:
        """What the run did; call it when all files are closed, for then the clock stops."""
        wall_s = clocks.wall_s
        stages = tuple(clocks.summary())
        length_s = self.last_s - self.first_s + 1 / float(source.rate)
        return RunSummary(
            source=source.name,
            outputs=outputs,
            complete=complete,
            frames=self.frames,
            keyframes=self.keyframes,
            detector_calls=sum(detector_calls.values()),
            extra_calls={why: n for why, n in detector_calls.items() if why != KEYFRAME},
            people=self.people,
            ids=len(self.ids),
            wall_s=wall_s,
            fps=self.frames / wall_s,
            realtime_factor=length_s / wall_s,
            provider=provider,
            notes=notes,
            encoder=encoder,
            warnings=warnings,
            live=live,
            stages=stages,
        )
