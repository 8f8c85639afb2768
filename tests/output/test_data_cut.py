"""The first frames of a data file, copied block by block."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

import h5py
import pytest

from hpe_volleyball.errors import OutputError, ResultError
from hpe_volleyball.output import data_cut
from hpe_volleyball.output.data_cut import cut_data
from hpe_volleyball.output.data_file import DataFile
from hpe_volleyball.output.results import read_results
from hpe_volleyball.records import FrameResult
from tests.rows import HEADER, assert_holds, result


def stopped(path: Path, results: Sequence[FrameResult]) -> Path:
    """The data file of a run that was stopped behind these results."""
    with DataFile(path, HEADER) as file:
        for one in results:
            file.write(one)
    return file.close(complete=False)


@pytest.mark.parametrize("frames", [6, 7, 8, 50])
def test_every_row_of_the_first_frames_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    """The frames end in the first block of 7, at its end, and in blocks behind it."""
    monkeypatch.setattr(data_cut, "_BLOCK_ROWS", 7)
    results = [result(number) for number in range(1, 61)]
    whole = stopped(tmp_path / "whole.h5", results)
    cut_data(whole, tmp_path / "cut.h5", frames)
    assert_holds(read_results(tmp_path / "cut.h5"), results[:frames])
    with h5py.File(tmp_path / "cut.h5") as plain:
        assert plain.attrs["resumed_at"].tolist() == [frames]
        assert not plain.attrs["complete"]
    assert not whole.exists()


def test_a_full_disk_is_no_damage_of_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stopped(tmp_path / "whole.h5", [result(1)])
    before = whole.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(data_cut, "create_columns", full)
    with pytest.raises(OutputError, match=r"cut.h5 cannot be written \(No space left on device\)"):
        cut_data(whole, tmp_path / "cut.h5", 1)
    assert [path.name for path in tmp_path.iterdir()] == [whole.name]
    assert whole.read_bytes() == before


def test_damage_of_the_source_is_no_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stopped(tmp_path / "whole.h5", [result(1)])

    def torn(*_: object) -> None:
        raise OSError("unable to read raw data chunk")

    monkeypatch.setattr(data_cut, "people_rows", torn)
    with pytest.raises(ResultError, match=r"whole.h5 is damaged, .*unable to read raw data chunk"):
        cut_data(whole, tmp_path / "cut.h5", 1)
