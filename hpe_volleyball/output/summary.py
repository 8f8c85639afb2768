"""What a run did, counted while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hpe_volleyball.media.live import LiveReport
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.output.earlier import Earlier
from hpe_volleyball.records import FrameResult
from hpe_volleyball.timing import StageClocks, StageTime
from hpe_volleyball.tracking.reasons import KEYFRAME


@dataclass(frozen=True, slots=True)
class Seam:
    """Where a run continued an earlier one."""

    frame: int
    """First frame of the continuation."""
    time_s: float
    """Its time in the source."""
    run_up: int
    """Frames before it that were tracked once more, to know the people again."""
    across: int
    """Tracks with rows on both sides."""
    broken: int
    """People in the last frame before it who were not known again."""


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
    """What the program chose and why: the device, the mode; and files that are not validated."""
    encoder: str | None
    """FFmpeg's name of what encoded the overlay video; None without one."""
    warnings: tuple[str, ...]
    live: LiveReport | None
    """What was lost of a live source; None: the source is a file."""
    stages: tuple[StageTime, ...]
    stop_asked: bool
    """Ctrl-C or SIGTERM came; `complete` all the same where that is the regular end, as of a live
    source, or where it came too late."""
    failed: dict[str, str]
    """What went wrong with files that the run went on without, by kind; they stay partial."""
    seam: Seam | None
    """Where this run went on from an earlier one. Frames, keyframes, people and ids are then those
    of both together, times and detector calls of this one."""

    @property
    def frames_handled(self) -> int:
        """Frames that went through the stages: in a resumed run those behind, and the run-up."""
        return self.frames - (self.seam.frame - self.seam.run_up if self.seam else 0)


class RunTally:
    """Counts what passes through a run.

    Args:
        earlier: The run that this one continues; its frames are counted too.
    """

    def __init__(self, earlier: Earlier | None = None) -> None:
        self.frames = earlier.frames if earlier else 0
        self._keyframes = int(earlier.keyframe.sum()) if earlier else 0
        self._people = earlier.people if earlier else 0
        self._ids = set(earlier.ids) if earlier else set()
        self._handled = 0
        self._first_s = self._last_s = 0.0

    def add(self, result: FrameResult) -> None:
        """Count one more result."""
        if not self._handled:
            self._first_s = result.frame.time_s
        self._handled += 1
        self._last_s = result.frame.time_s
        self.frames += 1
        self._keyframes += result.keyframe
        self._people += len(result.tracks.ids)
        self._ids.update(result.tracks.ids.tolist())

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
        stop_asked: bool,
        failed: dict[str, str],
        seam: Seam | None,
    ) -> RunSummary:
        """What the run did; call it when all files are closed, for then the clock stops."""
        wall_s = clocks.wall_s
        stages = tuple(clocks.summary())
        length_s = self._last_s - self._first_s + 1 / float(source.rate) if self._handled else 0.0
        return RunSummary(
            source=source.name,
            outputs=outputs,
            complete=complete,
            frames=self.frames,
            keyframes=self._keyframes,
            detector_calls=sum(detector_calls.values()),
            extra_calls={why: n for why, n in detector_calls.items() if why != KEYFRAME},
            people=self._people,
            ids=len(self._ids),
            wall_s=wall_s,
            fps=self._handled / wall_s,
            realtime_factor=length_s / wall_s,
            provider=provider,
            notes=notes,
            encoder=encoder,
            warnings=warnings,
            live=live,
            stages=stages,
            stop_asked=stop_asked,
            failed=failed,
            seam=seam,
        )
