"""Reads the data file of a run, whole or a range of time, also while or after it was cut off."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import isnan
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import OptionError, ResultError
from hpe_volleyball.files import is_directory, is_file, why_missing
from hpe_volleyball.output.data_file import COLUMNS, FORMAT
from hpe_volleyball.records import Bools, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

_FIELDS = (
    *("frame_index", "time_s", "keyframe"),
    *("person_frame", "track_id", "bbox", "bbox_score", "detected"),
    *("keypoints", "keypoint_scores", "pose_estimated"),
)
"""Field of `Results` for each of `COLUMNS`."""
_NEEDED = ("complete", "fps", "width", "height", "keypoint_names")
"""Attributes without which a file cannot be used; programs that save a copy may lose them."""
_EXPECTED = "expected a *.poses.h5 file that hpe-volleyball wrote"


@dataclass(frozen=True, slots=True)
class Results:
    """Rows of a data file: F frames, R rows of people, K keypoints."""

    frame_index: NDArray[np.int64]
    """int64 [F], number of the frame in its run, ascending."""
    time_s: NDArray[np.float64]
    """float64 [F], seconds from the source's first frame."""
    keyframe: Bools
    """bool [F]: the detector ran here."""
    person_frame: NDArray[np.int64]
    """int64 [R], number of the frame that the row belongs to, ascending."""
    track_id: Ints
    """int32 [R], from 1, the same for a person over the whole run."""
    bbox: Floats
    """float32 [R, 4], x1 y1 x2 y2 in pixels of the source frame."""
    bbox_score: Floats
    """float32 [R]."""
    detected: Bools
    """bool [R]: False where the box was carried between detections."""
    keypoints: Floats
    """float32 [R, K, 2], x y in pixels of the source frame."""
    keypoint_scores: Floats
    """float32 [R, K], 0..1; 0 marks a keypoint that was not found."""
    pose_estimated: Bools
    """bool [R]: False where the pose lies between two that were estimated (--pose-interval)."""
    attributes: dict[str, Any]
    """As written, by name: `fps` and `pixel_aspect` as "num/den", `models` as JSON,
    `skeleton_edges` int32 [E, 2]."""

    @property
    def complete(self) -> bool:
        """The run came to its end."""
        return bool(self.attributes["complete"])

    @property
    def fps(self) -> Fraction:
        """Frames per second of the source, exact."""
        return Fraction(self.attributes["fps"])

    @property
    def keypoint_names(self) -> tuple[str, ...]:
        """K names, such as "left_hip"."""
        return tuple(self.attributes["keypoint_names"])

    @property
    def person_time_s(self) -> NDArray[np.float64]:
        """float64 [R], time of each row in seconds from the source's first frame."""
        times: NDArray[np.float64] = self.time_s[
            np.searchsorted(self.frame_index, self.person_frame)
        ]
        return times

    def to_pandas(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per person and frame; pandas must be installed.

        Columns: frame, time_s, track_id, x1, y1, x2, y2, bbox_score, detected, pose_estimated, and
        for each keypoint NAME_x, NAME_y, NAME_score.

        Raises:
            ResultError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - optional
        except ImportError as error:
            raise ResultError("to_pandas needs pandas, found none; pip install pandas") from error
        columns: dict[str, NDArray[Any]] = {
            "frame": self.person_frame,
            "time_s": self.person_time_s,
            "track_id": self.track_id,
            **dict(zip(("x1", "y1", "x2", "y2"), self.bbox.T, strict=True)),
            "bbox_score": self.bbox_score,
            "detected": self.detected,
            "pose_estimated": self.pose_estimated,
        }
        for k, name in enumerate(self.keypoint_names):
            columns[f"{name}_x"] = self.keypoints[:, k, 0]
            columns[f"{name}_y"] = self.keypoints[:, k, 1]
            columns[f"{name}_score"] = self.keypoint_scores[:, k]
        return pd.DataFrame(columns)


def load_results(path: str | Path, start: float | None = None, end: float | None = None) -> Results:
    """Read a data file, whole or from `start` up to `end`, both in seconds of the source.

    Only the rows asked for are loaded: a range of a two-hour match takes a fraction of a second.

    Args:
        path: a data file, complete or partial; a run may still be writing it.
        start: first time, inclusive; None for the first frame.
        end: last time, exclusive; None for the end.

    Raises:
        OptionError: a time is no number.
        ResultError: no such file, or not a data file of this format.
    """
    for name, time_s in (("start", start), ("end", end)):
        if time_s is not None and (not isinstance(time_s, Real) or isnan(time_s)):
            raise OptionError(f"{name}: expected seconds or None, found {time_s!r}")
    return read_results(Path(path), start_s=start, end_s=end)


def read_results(
    path: Path, *, start_s: float | None = None, end_s: float | None = None
) -> Results:
    """Read the frames with start_s <= time < end_s and their people; other rows are not loaded.

    Args:
        path: a data file, complete or partial; a run may still be writing it.
        start_s: first time in seconds, inclusive; None for the first frame.
        end_s: last time in seconds, exclusive; None for the end.

    Raises:
        ResultError: no such file, or not a data file of this format.
    """
    with opened(path) as file:
        _check_format(path, file)
        times = file["frames/time_s"][: _rows(file, "frames")]
        first = 0 if start_s is None else int(np.searchsorted(times, start_s))
        last = len(times) if end_s is None else int(np.searchsorted(times, end_s))
        last = max(first, last)
        frames = {name: file[name][first:last] for name in _names("frames")}
        begin, end = people_rows(file, frames["frames/index"])
        people = {name: file[name][begin:end] for name in _names("people")}
        columns = {**frames, **people}
        return Results(
            **{field: columns[name] for name, field in zip(COLUMNS, _FIELDS, strict=True)},
            attributes=_attributes(file),
        )


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """A data file to read from, also while or after it was cut off.

    Raises:
        ResultError: it cannot be opened, or turns out damaged.
    """
    if not is_file(path):
        found = "is a directory" if is_directory(path) else why_missing(path)
        raise ResultError(f"{path}: {found}; {_EXPECTED}")
    try:
        file = _open(path)
    except (OSError, RuntimeError) as error:
        raise ResultError(f"{path} cannot be opened as HDF5 ({error}); {_EXPECTED}") from error
    with file, reading(path):
        yield file


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what h5py raises for a damaged file into ResultError."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise ResultError(
            f"{path} is damaged, or was written with a newer HDF5 than is installed ({error}); "
            "update h5py, or run the video again"
        ) from error


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError):
        # A run that is going on, or was killed, left it marked as open for writing.
        return h5py.File(path, "r", libver="latest", swmr=True)


def _check_format(path: Path, file: h5py.File) -> None:
    found = file.attrs.get("format")
    if found is None:
        raise ResultError(f"{path} is HDF5 but not a data file of a run; {_EXPECTED}")
    if not np.array_equal(found, FORMAT):
        raise ResultError(
            f"{path} has format {found}, expected {FORMAT}; read it with the version of "
            f"hpe-volleyball that wrote it"
        )
    missing = [name for name in COLUMNS if not isinstance(file.get(name), h5py.Dataset)]
    missing += [name for name in _NEEDED if name not in file.attrs]
    if missing:
        raise ResultError(f"{path} lacks {', '.join(missing)}; {_EXPECTED}")
    try:
        Fraction(file.attrs["fps"])
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ResultError(
            f"{path}: fps is {file.attrs['fps']!r}, expected a fraction such as 30000/1001; "
            f"{_EXPECTED}"
        ) from error
    for name, (dtype, row) in COLUMNS.items():
        if file[name].dtype != np.dtype(dtype) or file[name].ndim != 1 + len(row):
            raise ResultError(
                f"{path}: {name} is {file[name].dtype} {file[name].shape}, expected {dtype} with "
                f"{1 + len(row)} dimensions; {_EXPECTED}"
            )


def _names(table: str) -> list[str]:
    return [name for name in COLUMNS if name.startswith(f"{table}/")]


def _rows(file: h5py.File, table: str) -> int:
    """Rows that all columns of a table have: a kill can leave the last block in some only."""
    return min(len(file[name]) for name in _names(table))


def people_rows(file: h5py.File, frames: NDArray[np.int64]) -> tuple[int, int]:
    """First row of people in these frames, and the one after the last; found by bisection."""
    if not len(frames):
        return 0, 0
    column, rows = file["people/frame"], _rows(file, "people")
    begin = bisect_left(column, frames[0], 0, rows)
    return begin, bisect_right(column, frames[-1], begin, rows)


def _attributes(file: h5py.File) -> dict[str, Any]:
    """Attributes as plain Python values; lists of names as tuples of str, of frames of int."""
    values = dict(file.attrs)
    names = np.atleast_1d(values.get("keypoint_names", ()))
    seams = np.asarray(values.get("resumed_at", ())).tolist()
    plain = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in values.items()
    }
    return {
        **plain,
        "keypoint_names": tuple(str(name) for name in names),
        "resumed_at": tuple(seams),
    }
