"""A second run into files that a first one is writing is refused, and does not harm the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpe_volleyball.output.results import read_results
from tests.clips import fixed_rate
from tests.e2e.test_interrupt import PATIENCE_S, start, wait_for
from tests.runs import Models, names, stamps


@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
def test_the_second_is_refused(tmp_path: Path, constant_models: Models, option: str) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 3000, size=(320, 240))
    out = tmp_path / "out"
    arguments = ("infer", clip, *constant_models.options, "--output-dir", out, "--quiet", option)
    first = start(*arguments)
    wait_for(out / "match.overlay.partial.mp4", 20_000)
    second = start(*arguments)
    _, errors = second.communicate(timeout=PATIENCE_S)
    assert first.poll() is None
    assert second.returncode == 1
    assert errors.startswith(f"error: results of match in {out} are being written by another run;")
    assert errors.count("\n") == 1
    assert first.communicate(timeout=PATIENCE_S) == ("", "")
    assert names(out) == ["match.overlay.mp4", "match.poses.h5", "match.run.json"]
    assert len(read_results(out / "match.poses.h5").frame_index) == 3000
    assert stamps(out / "match.overlay.mp4") == stamps(clip)
