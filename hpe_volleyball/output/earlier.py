"""What an interrupted run left: found, checked against what is asked now, and cut."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import OutputError, ResultError
from hpe_volleyball.files import cannot_write, kept_path, partial_path
from hpe_volleyball.media.kept_pictures import KeptPictures, count_pictures
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.output.data_cut import cut_data
from hpe_volleyball.output.data_file import DataHeader
from hpe_volleyball.output.results import Results, opened, people_rows, read_results
from hpe_volleyball.output.run_files import DATA, OVERLAY, RunFiles
from hpe_volleyball.records import Bools

_EXPLAINED_S = 60.0
"""Of the video: a kill or a power cut costs the last few seconds of either file. On a fast GPU
these are many of the video."""
_ABOUT_THE_VIDEO = ("video", "video_height", "video_quality")
_NOTHING_BYTES = 65536
"""A data file that cannot be read and is smaller was killed before its first rows."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The frames that an interrupted run has finished."""

    frames: int
    """How many; at least 1."""
    time_s: NDArray[np.float64]
    """float64 [frames], seconds from the source's first frame."""
    keyframe: Bools
    """bool [frames]: the detector ran here."""
    people: int
    """Rows of people."""
    ids: frozenset[int]
    """All track ids in use."""
    data: Path
    overlay: Path | None
    """The video that holds most of the pictures; None without one."""

    def cut(self, files: RunFiles, info: VideoInfo) -> KeptPictures | None:
        """Cut the data file to `frames`, and say what to begin the overlay video with.

        A kill in here leaves what the next `find_earlier` finds.

        Raises:
            OutputError: the files cannot be written.
            ResultError: the data file cannot be read.
        """
        cut_data(self.data, partial_path(files[DATA]), self.frames)
        if self.overlay is None:
            return None
        kept = kept_path(files[OVERLAY])
        try:
            self.overlay.replace(kept)
            for path in (files[OVERLAY], partial_path(files[OVERLAY])):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(cannot_write(kept, error)) from error
        first_pts = info.start_pts + round(self.time_s[0] / float(info.time_base))
        return KeptPictures(kept, self.frames, first_pts)

    def last_rows(self, files: RunFiles, first: int) -> Results:
        """The rows from frame `first` on, once the data file is cut."""
        return read_results(partial_path(files[DATA]), start_s=float(self.time_s[first]))


def find_earlier(files: RunFiles, header: DataHeader) -> Earlier | None:
    """The interrupted run that a new one can continue; None if it finished no frame.

    Args:
        files: Of the new run.
        header: Of the new run.

    Raises:
        OutputError: the earlier run had other settings, models or another source.
        ResultError: its data file is damaged.
    """
    data = next((p for p in (partial_path(files[DATA]), files[DATA]) if p.is_file()), None)
    if data is None:
        return None
    try:
        with opened(data) as file:
            _check_same(data, file.attrs, header)
            time_s = file["frames/time_s"][: len(file["frames/keyframe"])]
            frames = len(time_s)
            overlay = _longest_overlay(files) if OVERLAY in files else None
            if overlay is not None:
                frames = min(frames, overlay[1])
                _check_overlay(*overlay, data, time_s)
            if not frames:
                return None
            _, people = people_rows(file, file["frames/index"][:frames])
            return Earlier(
                frames=frames,
                time_s=time_s[:frames],
                keyframe=file["frames/keyframe"][:frames],
                people=people,
                ids=frozenset(np.unique(file["people/track_id"][:people]).tolist()),
                data=data,
                overlay=overlay[0] if overlay else None,
            )
    except ResultError:
        if data.stat().st_size < _NOTHING_BYTES:
            return None
        raise


def _longest_overlay(files: RunFiles) -> tuple[Path, int]:
    """The overlay video with the most pictures, and their number.

    There can be more than one: an earlier resumption was killed, or the run while it finished.
    """
    final = files[OVERLAY]
    counts = {path: count_pictures(path) for path in (kept_path(final), partial_path(final), final)}
    longest = max(counts, key=counts.__getitem__)
    return longest, counts[longest]


def _check_overlay(overlay: Path, pictures: int, data: Path, time_s: NDArray[np.float64]) -> None:
    """Raise OutputError where more rows would go for want of pictures than a kill explains."""
    if pictures >= len(time_s):
        return
    lost_s = time_s[-1] - time_s[max(0, pictures - 1)]
    if lost_s > _EXPLAINED_S or not overlay.exists():
        raise OutputError(
            f"{data} holds {len(time_s)} frames, {overlay} {pictures} pictures: found too few to "
            "go on with both; go on with the data alone (--no-video), or anew with --overwrite"
        )


def _check_same(path: Path, attributes: Mapping[str, Any], header: DataHeader) -> None:
    """Raise OutputError where the earlier run was not asked for the same."""
    try:
        then = _identity(
            json.loads(attributes["settings"]),
            json.loads(attributes["models"]),
            source=attributes["source_fingerprint"],
            provider=attributes["provider"],
            version=attributes["package_version"],
        )
    except KeyError as error:
        raise OutputError(
            f"{path} does not say how it was made ({error.args[0]}); it cannot be resumed; start "
            "anew with --overwrite"
        ) from error
    now = _identity(
        json.loads(json.dumps(header.settings)),
        header.models,
        source=header.source_fingerprint,
        provider=header.provider,
        version=header.package_version,
    )
    if not header.settings["video"]:  # rows are the same with and without one
        for settings in (then, now):
            for name in _ABOUT_THE_VIDEO:
                settings.pop(name, None)
    differences = [
        f"{name} was {then.get(name, 'not there')}, is {now.get(name, 'not there')}"
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]
    if differences:
        raise OutputError(
            f"{path} was made otherwise: {'; '.join(differences)}; resume with the same as then, "
            "or start anew with --overwrite"
        )


def _identity(
    settings: Mapping[str, object], models: Any, *, source: str, provider: str, version: str
) -> dict[str, object]:
    """All that must be the same, by a name for the user."""
    return {
        **settings,
        **{f"{model['role']} model (sha256)": model["sha256"][:12] for model in models},
        "source": source,
        "provider": provider,
        "hpe-volleyball": version,
    }
