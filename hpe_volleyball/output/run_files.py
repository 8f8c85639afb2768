"""The files of one run: their names, what stands in their way, the sinks that fill them."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Protocol, Self

from hpe_volleyball.errors import OutputError
from hpe_volleyball.files import cannot_write, exists, finishing_path, kept_path, partial_path
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.alone import alone
from hpe_volleyball.records import FrameResult

OVERLAY, DATA, RUN = "overlay", "data", "run"


class Sink(AbstractContextManager[Any], Protocol):
    """Takes the results of a run one by one; leaving it closes its file.

    The file is complete if the body did not raise, else it stays under its partial name.
    """

    def write(self, result: FrameResult) -> None:
        """Take one result."""


def result_paths(source: Path, options: InferOptions) -> dict[str, Path]:
    """Where the complete results of a source stand, by kind."""
    names = {RUN: "run.json"}
    if options.data:
        names = {DATA: "poses.h5", **names}
    if options.video:
        names = {OVERLAY: "overlay.mp4", **names}
    return {kind: options.output_dir / f"{source.stem}.{name}" for kind, name in names.items()}


class RunFiles:
    """Where the results of one run go; a context that no two runs are in at once.

    Entering it makes the directory and removes what is in the way.

    Args:
        source: The video.
        options: What to write and where.

    Raises:
        OutputError: a run without a data file shall be resumed; on entering it, the directory
            cannot be made or written to, another run is writing these files, or results of an
            earlier one are there.
    """

    def __init__(self, source: Path, options: InferOptions) -> None:
        if options.resume and not options.data:
            raise OutputError("--resume goes on from the data file; leave --no-data out")
        self._final = result_paths(source, options)
        self._source = source
        self._options = options
        self._held = ExitStack()
        self.resumes = False
        """An interrupted run is there, which the options ask to continue: nothing was removed."""

    def __enter__(self) -> Self:
        directory = self._options.output_dir
        with ExitStack() as held:
            lock = directory / f".{self._source.stem}.lock"
            held.enter_context(alone(lock, f"results of {self._source.stem} in {directory}"))
            self.resumes = self._options.resume and self._interrupted()
            if not self.resumes:
                self.clear(overwrite=self._options.overwrite)
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def clear(self, *, overwrite: bool) -> None:
        """Remove what earlier runs left.

        Raises:
            OutputError: there is something and it shall not be overwritten, or it is the source.
        """
        names = [p for path in self._final.values() for p in _all_names(path)]
        try:
            present = [path for path in names if path.exists()]
        except OSError as error:
            raise OutputError(
                f"{self._source.name}: its results cannot be named after it ({error.strerror}), "
                "expected a shorter name; rename the video"
            ) from error
        if self._source.exists() and any(path.samefile(self._source) for path in present):
            raise OutputError(f"{self._source} would be overwritten; choose another --output-dir")
        if present and not overwrite:
            go_on = "--resume to go on with them, " if DATA in self and self._interrupted() else ""
            raise OutputError(
                f"already there from an earlier run: {', '.join(map(str, present))}; use {go_on}"
                "--overwrite to replace them, or choose another --output-dir"
            )
        try:
            for path in present:
                path.unlink()
        except OSError as error:
            raise OutputError(cannot_write(path, error)) from error

    def __contains__(self, kind: str) -> bool:
        """Whether a kind of file is asked for."""
        return kind in self._final

    def __getitem__(self, kind: str) -> Path:
        """The final path of a kind of file."""
        return self._final[kind]

    def written(self, *, complete: bool) -> dict[str, Path]:
        """Where the files are in the end, by kind; the record of the run is still to be written.

        Of a run that is not complete, a file can be: the next one failed while it was closed.
        """
        found = {
            kind: next((p for p in (path, partial_path(path)) if p.exists()), None)
            for kind, path in self._final.items()
        }
        found[RUN] = self._final[RUN] if complete else partial_path(self._final[RUN])
        return {kind: path for kind, path in found.items() if path is not None}

    def discard(self) -> None:
        """Remove what a run without a single frame left."""
        for path in self._final.values():
            partial_path(path).unlink(missing_ok=True)

    def _interrupted(self) -> bool:
        """Whether a run began here and did not end; the record of a run is its last file."""
        data = self._final[DATA]
        begun = exists(data) or exists(partial_path(data))
        return begun and not exists(self._final[RUN])


def _all_names(path: Path) -> tuple[Path, ...]:
    """Names that a file can have on its way to this one."""
    partial = partial_path(path)
    return path, partial, kept_path(path), finishing_path(path), finishing_path(partial)
