"""Several recordings one after another with the same models; one that fails stops none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from hpe_volleyball.errors import HpeError, OutputError, SourceError
from hpe_volleyball.files import is_directory
from hpe_volleyball.finished import is_finished
from hpe_volleyball.infer import infer_video
from hpe_volleyball.loaded import Models, load_models
from hpe_volleyball.media.live_address import is_live, without_secrets
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.summary import RunSummary
from hpe_volleyball.records import FrameResult
from hpe_volleyball.source import expected_frames

SUFFIXES = frozenset(
    (
        *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
        *(".mts", ".mxf", ".ts", ".webm", ".wmv"),
    )
)
"""What is taken for a recording in a directory."""
_OWN = (".overlay.mp4", ".partial.mp4", ".finishing")

State = Literal["done", "skipped", "failed", "stopped"]
Show = Callable[[int | None], AbstractContextManager[Callable[[FrameResult], None]]]
"""Takes the frames to expect; inside the context, its value is called with every result."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording."""

    video: Path
    state: State
    """"skipped": its results were there, made with the same settings."""
    summary: RunSummary | None = None
    error: HpeError | None = None
    """Why it failed."""

    @property
    def ends_all(self) -> bool:
        """Nothing shall be run behind this one: a stop was asked for, if too late to stop it."""
        asked = self.summary is not None and self.summary.stop_asked
        return self.state == "stopped" or asked


def recordings_in(directory: Path) -> list[Path]:
    """The recordings of a directory by name; hidden files and results are none.

    Raises:
        SourceError: the directory cannot be listed.
    """
    try:
        return sorted(
            path
            for path in directory.iterdir()
            if path.suffix.lower() in SUFFIXES
            and not path.name.startswith(".")
            and not path.name.endswith(_OWN)
            and path.is_file()
        )
    except OSError as error:
        raise SourceError(
            f"{directory} cannot be listed ({error.strerror}); expected a directory with videos"
        ) from error


def find_recordings(sources: Sequence[str | Path]) -> list[Path]:
    """The recordings that are named and those in the directories that are named, once each.

    Raises:
        SourceError: a directory has none, two would write the same results, or one is live.
    """
    found: dict[str, Path] = {}
    for source in sources:
        if is_live(str(source)):
            raise SourceError(
                f"{without_secrets(str(source))} is a live source, which has no end; expected it "
                "alone; run it by itself"
            )
        path = Path(source)
        inside = recordings_in(path) if is_directory(path) else [path]
        if not inside:
            raise SourceError(
                f"{path} is a directory without videos; expected files such as match.mp4"
            )
        for video in inside:
            other = found.setdefault(video.stem, video)
            if other.resolve() != video.resolve():
                raise SourceError(
                    f"{other} and {video} would write results of the same names; rename one, or "
                    "run them apart with another --output-dir"
                )
    return list(found.values())


class Batch:
    """Runs recordings with models that are loaded once, when the first run needs them.

    Args:
        options: For all recordings.
        load: Loads the models.
    """

    def __init__(
        self, options: InferOptions, *, load: Callable[[InferOptions], Models] = load_models
    ) -> None:
        self.options = options
        self._load = load

    def is_finished(self, video: Path) -> bool:
        """Whether the results of a recording are there, made with these options and models.

        Raises:
            ModelError: a model cannot be loaded.
            DeviceError: likewise.
        """
        return is_finished(video, self.options, self._models.hashes)

    def run(self, video: Path, show: Show, options: InferOptions | None = None) -> Outcome:
        """Run one recording, unless its results are there already.

        Args:
            video: The recording.
            show: Shows its progress.
            options: Instead of those of the batch; the models stay the same.

        Raises:
            ModelError: a model cannot be loaded; no recording can be run.
            DeviceError: likewise.
        """
        options = options or self.options
        if not options.overwrite and self.is_finished(video):
            return Outcome(video, "skipped")
        try:
            frames = expected_frames(video, options)
        except SourceError as error:
            return Outcome(video, "failed", error=error)
        try:
            with show(frames) as on_frame:
                summary = infer_video(video, options, models=self._models, on_frame=on_frame)
        except HpeError as error:
            return Outcome(video, "failed", error=error)
        except KeyboardInterrupt:
            return Outcome(video, "stopped")
        if summary.failed and summary.complete:
            reasons = "; ".join(summary.failed.values())
            return Outcome(video, "failed", summary, OutputError(reasons))
        return Outcome(video, "done" if summary.complete else "stopped", summary)

    def run_all(self, videos: Sequence[Path], show: Show) -> Iterator[Outcome]:
        """Run recordings in order, until a stop is asked for; see `run`."""
        for video in videos:
            outcome = self.run(video, show)
            yield outcome
            if outcome.ends_all:
                return

    @cached_property
    def _models(self) -> Models:
        return self._load(self.options)
