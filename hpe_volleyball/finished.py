"""Which recordings need no run any more: their results are there, made as asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hpe_volleyball.errors import SourceError
from hpe_volleyball.files import exists, partial_path
from hpe_volleyball.options import NOT_SETTINGS, InferOptions
from hpe_volleyball.output.provenance import fingerprint
from hpe_volleyball.output.run_files import result_paths


def is_finished(video: Path, options: InferOptions, models: Mapping[str, str]) -> bool:
    """Whether the complete results of this recording, made with these settings, are there.

    The recording is known by name and fingerprint, models by their content.

    Args:
        video: The recording.
        options: What is asked for.
        models: SHA-256 of each model by role, "det" and "pose".
    """
    paths = result_paths(video, options)
    try:
        if not all(path.is_file() for path in paths.values()):
            return False
        run = json.loads(paths["run"].read_text(encoding="utf-8"))
        return (
            run["summary"]["complete"] is True
            and Path(run["source"]["path"]).name == video.name
            and run["source"]["fingerprint"] == fingerprint(video)
            and _same_settings(run["options"], options)
            and {model["role"]: model["sha256"] for model in run["models"]} == models
        )
    except (SourceError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # no file of a run of ours, or no such name is possible


def has_changed_since(video: Path, record: Path) -> bool:
    """Whether a record is of this recording, by its path, when that held something else."""
    try:
        source = json.loads(record.read_text(encoding="utf-8"))["source"]
        same = Path(source["path"]).resolve() == video.resolve()
        return same and source["fingerprint"] != fingerprint(video)
    except (SourceError, OSError, ValueError, KeyError, TypeError):
        return False  # no file of a run of ours


def unfinished_files(video: Path, options: InferOptions) -> list[Path]:
    """Partial results that an earlier run left, or that another one is writing now."""
    return [
        partial
        for path in result_paths(video, options).values()
        if exists(partial := partial_path(path))
    ]


def _same_settings(recorded: dict[str, Any], options: InferOptions) -> bool:
    # An option that the earlier version did not know was as it is by default.
    usual, wanted = (
        json.loads(json.dumps(asdict(given), default=str)) for given in (InferOptions(), options)
    )
    return all(
        recorded.get(name, usual[name]) == value
        for name, value in wanted.items()
        if name not in NOT_SETTINGS
    )
