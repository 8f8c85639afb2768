"""Processes the recordings of a directory as they arrive, each one once."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from hpe_volleyball.batch import Batch, Outcome, Show, recordings_in
from hpe_volleyball.errors import InUseError, OutputError, SourceError
from hpe_volleyball.files import exists, write_run_json
from hpe_volleyball.finished import has_changed_since, unfinished_files
from hpe_volleyball.loaded import Models, load_models
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.alone import alone
from hpe_volleyball.output.run_files import RUN, result_paths

FAILED = "watch.failed.json"
"""In the output directory: what failed, so that a restart does not try it again."""
_LOCK = ".watch.lock"
_LOOKS_PER_SETTLE = 4
_LONGEST_PAUSE_S = 2.0

_State = tuple[tuple[str, int, int], ...]
"""Name, size and time of change (ns) of a recording and of its partial results."""


@dataclass(slots=True)
class _Seen:
    state: _State
    since: float
    handled: bool = False


class Watch:
    """Looks at a directory again and again.

    A recording is run when neither it nor partial results of it have changed for `settle_s`: a
    camera may still write the one, another run the other. Partial results without such a run were
    left by one that was killed; they are gone on with. A recording that has grown since it was run,
    or was replaced, is run anew. Recordings with complete results, made with
    these settings, are never run. One that cannot be read to its end is tried again only when it
    has changed since; one that failed for another reason, as a full disk, with the next start.

    Args:
        directory: Where recordings arrive.
        options: For all of them.
        settle_s: Seconds without a change.
        load: Loads the models.
    """

    def __init__(
        self,
        directory: Path,
        options: InferOptions,
        *,
        settle_s: float,
        load: Callable[[InferOptions], Models] = load_models,
    ) -> None:
        self._directory = directory
        self._options = options
        self._settle_s = settle_s
        self._batch = Batch(options, load=load)
        self._seen: dict[Path, _Seen] = {}

    def run(self, show: Show) -> Generator[Outcome]:
        """What becomes of each recording; ends after one at which a stop was asked for.

        Of the directory itself, where it cannot be listed any more: that is waited for.

        Raises:
            SourceError: the directory cannot be listed at first.
            OutputError: the output directory cannot be written, or another watch uses it.
            ModelError: a model cannot be loaded.
            DeviceError: likewise.
        """
        pause_s = min(_LONGEST_PAUSE_S, self._settle_s / _LOOKS_PER_SETTLE)
        output_dir = self._options.output_dir
        with alone(output_dir / _LOCK, f"results of a watched directory in {output_dir}"):
            failed = _Failures(output_dir / FAILED)
            recordings_in(self._directory)
            away = False
            while True:
                try:
                    video = self._next(failed)
                except SourceError as error:  # as a network drive that is away for a while
                    if not away:
                        yield Outcome(self._directory, "failed", error=error)
                    away, video = True, None
                else:
                    away = False
                if video is None:
                    sleep(pause_s)
                    continue
                outcome = self._run_one(video, show)
                if isinstance(outcome.error, InUseError):  # another run has begun with it
                    self._seen[video].since = monotonic()
                    continue
                self._seen[video].handled = True
                if isinstance(outcome.error, SourceError):
                    failed.add(video, str(outcome.error))
                else:
                    failed.forget(video)
                yield outcome
                if outcome.ends_all:
                    return

    def _next(self, failed: _Failures) -> Path | None:
        """The first recording that is ready and not done."""
        now = monotonic()
        for video in recordings_in(self._directory):
            state = _state([video, *unfinished_files(video, self._options)])
            if state is None:
                continue
            seen = self._seen.get(video)
            if seen is None or (not seen.handled and seen.state != state):
                self._seen[video] = _Seen(state, now)
            elif seen.handled:
                if seen.state[0] != state[0]:  # a new recording under an old name
                    self._seen[video] = _Seen(state, now)
            elif now - seen.since >= self._settle_s:
                if not failed.has(video) and not self._batch.is_finished(video):
                    return video
                seen.handled = True
        return None

    def _run_one(self, video: Path, show: Show) -> Outcome:
        record = result_paths(video, self._options)[RUN]
        if exists(record):  # and yet the results are not what is asked for
            if not has_changed_since(video, record):
                error = OutputError(
                    f"{video}: results made otherwise are in {record.parent}; remove them, or run "
                    "`hpe-volleyball infer --overwrite` on it"
                )
                return Outcome(video, "failed", error=error)
            options = replace(self._options, overwrite=True)
        else:
            left_over = bool(unfinished_files(video, self._options))
            resume = left_over and self._options.data
            options = replace(self._options, resume=resume, overwrite=left_over)
        return self._batch.run(video, show, options)


class _Failures:
    """The recordings that failed, kept in a file; a changed one counts as a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = {}
        self._entries: dict[str, Any] = content if isinstance(content, dict) else {}

    def has(self, video: Path) -> bool:
        entry = self._entries.get(video.name)
        state = _state([video])
        return (
            isinstance(entry, dict)
            and state is not None
            and ((entry.get("bytes"), entry.get("changed_ns")) == state[0][1:])
        )

    def add(self, video: Path, error: str) -> None:
        state = _state([video])
        if state is not None:
            _, size, changed_ns = state[0]
            self._entries[video.name] = {"bytes": size, "changed_ns": changed_ns, "error": error}
            write_run_json(self._path, self._entries)

    def forget(self, video: Path) -> None:
        """Another recording has this name now, and did not fail."""
        if self._entries.pop(video.name, None) is not None:
            write_run_json(self._path, self._entries)


def _state(paths: list[Path]) -> _State | None:
    """None where a file has just gone."""
    try:
        stats = [(path.name, path.stat()) for path in paths]
    except OSError:
        return None
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
