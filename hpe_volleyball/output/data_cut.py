"""Cuts the data file of a stopped or killed run to its first frames, ready to be appended to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from hpe_volleyball.errors import OutputError
from hpe_volleyball.files import cannot_write, finishing_path, replacing
from hpe_volleyball.output.data_file import COLUMNS, HDF5_VERSION, check_room, create_columns
from hpe_volleyball.output.results import opened, people_rows, reading

_BLOCK_ROWS = 2**16


def cut_data(source: Path, partial: Path, frames: int) -> None:
    """Make `partial` the first `frames` frames of `source`, marked as resumed there.

    A killed file cannot be written to any more, so its rows go into a new one, which replaces
    `partial` only when it is whole; `source` and `partial` may be the same.

    Raises:
        ResultError: `source` cannot be read.
        OutputError: the new file cannot be written.
    """
    with _writing(partial):
        check_room(partial.parent, source.stat().st_size)
        with (
            replacing(partial, finishing_path(partial)) as fresh,
            opened(source) as old,
            _writing(partial),  # before `opened` takes them for damage of the source
            h5py.File(fresh, "w", libver=HDF5_VERSION) as new,
        ):
            _copy(old, new, frames, source)
        if source != partial:
            source.unlink()


def _copy(old: h5py.File, new: h5py.File, frames: int, source: Path) -> None:
    """Fill the new file; errors of the old one, which is `source`, are told as such."""
    with reading(source):
        attributes = dict(old.attrs)
        keypoints = old["people/keypoints"].shape[1]
        _, people = people_rows(old, old["frames/index"][:frames])
    for name, value in attributes.items():
        new.attrs[name] = value
    new.attrs["complete"] = False
    new.attrs["resumed_at"] = np.append(attributes["resumed_at"], np.int64(frames))
    create_columns(new, keypoints)
    for name in COLUMNS:
        rows = frames if name.startswith("frames/") else people
        new[name].resize(rows, axis=0)
        for start in range(0, rows, _BLOCK_ROWS):
            end = min(rows, start + _BLOCK_ROWS)
            with reading(source):
                block = old[name][start:end]
            new[name][start:end] = block


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn errors of the disk, which h5py raises as either of two types, into OutputError."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise OutputError(cannot_write(path, error)) from error
