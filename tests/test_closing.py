"""How files are closed behind what happens to the work on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpe_volleyball.closing import CompletedFile
from hpe_volleyball.errors import OutputError
from hpe_volleyball.interrupt import StoppedAtOnce


class File(CompletedFile):
    """Remembers how it was closed; that does not work where the disk is full."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.closed: list[bool] = []

    def close(self, *, complete: bool) -> Path:
        self.closed.append(complete)
        if self.full:
            raise OutputError("no room")
        return Path("file")


def test_work_that_ends_well_completes_the_file() -> None:
    with File() as file:
        pass
    assert file.closed == [True]
    with pytest.raises(OutputError, match="no room"), File(full=True):
        pass


@pytest.mark.parametrize("full", [False, True])
def test_the_error_under_way_is_the_one_to_show(full: bool) -> None:
    file = File(full=full)
    with pytest.raises(ValueError, match="of the work"), file:
        raise ValueError("of the work")
    assert file.closed == [False]


def test_a_stop_at_once_closes_nothing() -> None:
    file = File()
    with pytest.raises(StoppedAtOnce), file:
        raise StoppedAtOnce
    assert file.closed == []
