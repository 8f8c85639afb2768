"""A process counts the processors that it may use, not those of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpe_volleyball.cores import usable_cores
from tests.child import run_python


@pytest.mark.parametrize(
    ("content", "most"),
    [
        ("10000 100000\n", 1),
        ("150000 100000\n", 1),
        ("99900000 100000", None),
        ("max 100000\n", None),
        ("", None),
        ("a b c", None),
    ],
)
def test_a_container_may_use_fewer_than_there_are(
    tmp_path: Path, content: str, most: int | None
) -> None:
    there = usable_cores(tmp_path / "none")
    assert 1 <= there <= (os.cpu_count() or 1)
    file = tmp_path / "cpu.max"
    file.write_text(content)
    assert usable_cores(file) == (there if most is None else most)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_so_does_a_process_that_is_bound_to_one_of_them() -> None:
    ended = run_python("""
        import os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        from hpe_volleyball.cores import usable_cores
        from hpe_volleyball.models.tuning import detector_threads, pose_threads, session_threads
        from hpe_volleyball.output.provenance import machine
        alone = 0 if os.cpu_count() == 1 else 1
        assert session_threads() == alone
        print(usable_cores(), pose_threads(), detector_threads(), machine()["cores"])
    """)
    assert (ended.stderr, ended.stdout) == ("", "1 (1, 1) 1 1\n")
