"""Writes the data file of a run (format 1): flat tables in HDF5, appended as the run goes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import ENOSPC
from fractions import Fraction
from pathlib import Path
from time import monotonic

import h5py
import numpy as np

from hpe_volleyball.closing import CompletedFile
from hpe_volleyball.errors import OutputError
from hpe_volleyball.files import cannot_write, partial_path, sync
from hpe_volleyball.records import FrameResult

FORMAT = 1
HDF5_VERSION = ("v110", "v110")
"""Oldest and newest HDF5 whose formats are used. 1.10 is the first with a single writer and many
readers, and MATLAB, R and older h5py read it; "latest" would be 2.0 with h5py 3.16."""
COLUMNS: dict[str, tuple[str, tuple[int | str, ...]]] = {
    "frames/index": ("i8", ()),
    "frames/time_s": ("f8", ()),
    "frames/keyframe": ("?", ()),
    "people/frame": ("i8", ()),
    "people/track_id": ("i4", ()),
    "people/bbox": ("f4", (4,)),
    "people/bbox_score": ("f4", ()),
    "people/detected": ("?", ()),
    "people/keypoints": ("f4", ("K", 2)),
    "people/keypoint_scores": ("f4", ("K",)),
    "people/pose_estimated": ("?", ()),
}
"""Type and row shape of each dataset, K keypoints; `frames` has one row per frame, `people` one
per person and frame, ascending by frame."""

_CHUNK_ROWS = 256
"""A flush rewrites the last, half-filled chunk of a column elsewhere in the file and leaves a hole:
small chunks keep the holes small (12 people at 30 frames/s: 2.3 KB per frame, 7.4 KB with 4096)."""
_CHUNK_CACHE = 2**20
"""Bytes of a column's chunks that HDF5 keeps: enough for the last chunk of each. Its own 8 MB for
each of ten columns fill up over an hour, which looks like a leak."""
_ROOM = 32 * 2**20
"""Bytes that must be free before a write. HDF5 does not survive a full disk: a file that it fails
to write cannot be closed and crashes the program at its end (h5py issue 914)."""
_GZIP_LEVEL = 1
"""With byte shuffle: 73 % of the raw size, 0.04 ms per frame of 12 people; level 4 gains 2 %."""


@dataclass(frozen=True, slots=True)
class DataHeader:
    """What the data file says about the run; written as attributes of the same names."""

    source: str
    width: int
    height: int
    fps: Fraction
    pixel_aspect: Fraction
    """Width to height of one pixel of the source; 1 for square pixels."""
    keypoint_names: tuple[str, ...]
    skeleton_edges: tuple[tuple[int, int], ...]
    models: Sequence[Mapping[str, str]]
    """Name, file, sha256 and precision of each model; written as JSON."""
    provider: str
    det_interval: int
    command: str
    package_version: str
    settings: Mapping[str, object]
    """All options that decide about the results, by name; written as JSON."""
    source_fingerprint: str
    """Tells the source from other files; see `hpe_volleyball.output.provenance`."""


class DataFile(CompletedFile):
    """The data file of a run.

    Rows are collected and written every few seconds, in a state that readers can open at any time
    (HDF5's single writer, multiple readers): after a kill, everything up to the last write is
    there. The file stands under its partial name until it is complete.

    Args:
        path: the file to make.
        header: what to say about the run.
        flush_s: seconds between writes.
        go_on: append to the partial file, which `hpe_volleyball.output.data_cut` has prepared.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(
        self, path: Path, header: DataHeader, flush_s: float = 5.0, *, go_on: bool = False
    ) -> None:
        self._path = path
        self._partial = partial_path(path)
        self._keypoints = len(header.keypoint_names)
        self._flush_s = flush_s
        self._flushed_at = monotonic()
        self._pending: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
        self._failed = False
        self._closed_at: Path | None = None
        with self._reported():
            self._file = h5py.File(
                self._partial,
                "r+" if go_on else "w",
                libver=HDF5_VERSION,
                rdcc_nbytes=_CHUNK_CACHE,
            )
            if not go_on:
                write_header(self._file, header)
                create_columns(self._file, self._keypoints)
            self._columns = {name: self._file[name] for name in reversed(COLUMNS)}
            self._file.swmr_mode = True

    def write(self, result: FrameResult) -> None:
        """Append a result.

        Raises:
            OutputError: the rows cannot be written.
            ValueError: the poses have another number of keypoints than the file.
        """
        found = result.poses.keypoints.shape[1]
        if found != self._keypoints:
            raise ValueError(f"keypoints: expected {self._keypoints} a person, found {found}")
        for name, rows in _rows(result).items():
            self._pending[name].append(rows)
        if monotonic() - self._flushed_at >= self._flush_s:
            self._flush()

    def close(self, *, complete: bool) -> Path:
        """Write what is pending, end the file and say where it is; later calls only say it again.

        Incomplete, or after a failed write, it stays under its partial name.

        Raises:
            OutputError: the file cannot be written.
        """
        if self._closed_at is None:
            self._closed_at = self._partial
            try:
                if not self._failed:
                    self._flush()
            finally:
                self._close_file()
            if complete and not self._failed:
                with self._reported():
                    with h5py.File(self._partial, "r+", libver=HDF5_VERSION) as file:
                        file.attrs["complete"] = True
                    sync(self._partial)
                    self._partial.replace(self._path)
                self._closed_at = self._path
        return self._closed_at

    def _flush(self) -> None:
        """Append the pending rows and bring them to disk.

        `frames` comes last: a frame that a reader finds there has all its people.
        """
        with self._reported():
            check_room(self._partial.parent)
            for name, column in self._columns.items():
                blocks = self._pending[name]
                if blocks:
                    size = len(column)
                    column.resize(size + sum(map(len, blocks)), axis=0)
                    column[size:] = np.concatenate(blocks)
                    column.flush()
                    blocks.clear()
            os.fsync(self._file.id.get_vfd_handle())
        self._flushed_at = monotonic()

    def _close_file(self) -> None:
        if self._failed:
            # The error was reported; what is on disk stays as it is.
            with suppress(OSError, RuntimeError):
                self._file.close()
        else:
            with self._reported():
                self._file.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn errors of the disk, which h5py raises as either of two types, into OutputError."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            self._failed = True
            raise OutputError(cannot_write(self._path, error)) from error


def check_room(folder: Path, size: int = 0) -> None:
    """Raise OSError where `size` bytes leave less room on the disk than HDF5 needs to be safe."""
    if shutil.disk_usage(folder).free < _ROOM + size:
        raise OSError(ENOSPC, f"less than {(_ROOM + size) >> 20} MiB of disk space left")


def write_header(file: h5py.File, header: DataHeader) -> None:
    """What the file says about its run, before readers can open it."""
    fps, aspect = header.fps, header.pixel_aspect
    file.attrs["format"] = FORMAT
    file.attrs["source"] = header.source
    file.attrs["width"] = header.width
    file.attrs["height"] = header.height
    file.attrs["fps"] = f"{fps.numerator}/{fps.denominator}"
    file.attrs["pixel_aspect"] = f"{aspect.numerator}/{aspect.denominator}"
    file.attrs["keypoint_names"] = list(header.keypoint_names)
    file.attrs["skeleton_edges"] = np.array(header.skeleton_edges, np.int32).reshape(-1, 2)
    file.attrs["models"] = json.dumps(header.models)
    file.attrs["provider"] = header.provider
    file.attrs["det_interval"] = header.det_interval
    file.attrs["command"] = header.command
    file.attrs["package_version"] = header.package_version
    file.attrs["settings"] = json.dumps(header.settings)
    file.attrs["source_fingerprint"] = header.source_fingerprint
    file.attrs["resumed_at"] = np.zeros(0, np.int64)
    # Only its value may change once readers can open the file.
    file.attrs["complete"] = False


def create_columns(file: h5py.File, keypoints: int) -> None:
    """Empty, growing datasets for all `COLUMNS`, K = `keypoints`."""
    for name, (dtype, row) in COLUMNS.items():
        shape = tuple(keypoints if size == "K" else int(size) for size in row)
        file.create_dataset(
            name,
            (0, *shape),
            np.dtype(dtype),
            maxshape=(None, *shape),
            chunks=(_CHUNK_ROWS, *shape),
            compression="gzip",
            compression_opts=_GZIP_LEVEL,
            shuffle=True,
        )


def _rows(result: FrameResult) -> dict[str, np.ndarray]:
    """The rows of a result for each column."""
    frame, tracks, poses = result.frame, result.tracks, result.poses
    return {
        "frames/index": np.array([frame.index], np.int64),
        "frames/time_s": np.array([frame.time_s], np.float64),
        "frames/keyframe": np.array([result.keyframe], np.bool_),
        "people/frame": np.full(len(tracks.ids), frame.index, np.int64),
        "people/track_id": tracks.ids,
        "people/bbox": tracks.boxes,
        "people/bbox_score": tracks.scores,
        "people/detected": tracks.detected,
        "people/keypoints": poses.keypoints,
        "people/keypoint_scores": poses.scores,
        "people/pose_estimated": (
            np.ones(len(tracks.ids), np.bool_) if poses.estimated is None else poses.estimated
        ),
    }
