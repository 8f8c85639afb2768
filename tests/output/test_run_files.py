"""Names of a run's files, and what may stand in their way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpe_volleyball.errors import InUseError, OutputError
from hpe_volleyball.files import partial_path
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.run_files import DATA, OVERLAY, RUN, RunFiles
from tests.runs import names


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "match.one.mp4"
    path.write_bytes(b"film")
    return path


def options(output_dir: Path, **changes: Any) -> InferOptions:
    return InferOptions(det=Path("d"), pose=Path("p"), output_dir=output_dir, **changes)


def test_names_come_from_the_source(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "deep"
    with RunFiles(source, options(folder)) as files:
        assert names(folder) == [".match.one.lock"]
    assert files[OVERLAY] == folder / "match.one.overlay.mp4"
    assert files[DATA] == folder / "match.one.poses.h5"
    assert files[RUN] == folder / "match.one.run.json"
    assert names(folder) == []


def test_only_what_is_asked_for(source: Path, tmp_path: Path) -> None:
    with RunFiles(source, options(tmp_path, video=False, data=False)) as files:
        pass
    assert list(files.written(complete=True)) == [RUN]


@pytest.mark.parametrize(
    "name", ["match.one.overlay.mp4", "match.one.poses.partial.h5", "match.one.run.json"]
)
def test_earlier_results_stay_unless_overwrite(source: Path, tmp_path: Path, name: str) -> None:
    earlier = tmp_path / name
    earlier.write_text("earlier")
    with (
        pytest.raises(OutputError, match=f"{name}; use .*--overwrite to replace") as refusal,
        RunFiles(source, options(tmp_path)),
    ):
        pass
    assert ("--resume to go on with them" in str(refusal.value)) == ("partial" in name)
    assert names(tmp_path) == sorted([name, source.name])
    assert earlier.read_text() == "earlier"
    with RunFiles(source, options(tmp_path, overwrite=True)):
        assert not earlier.exists()


def test_files_that_are_not_written_are_not_in_the_way(source: Path, tmp_path: Path) -> None:
    (tmp_path / "match.one.overlay.mp4").write_text("earlier")
    with RunFiles(source, options(tmp_path, video=False)):
        pass
    assert (tmp_path / "match.one.overlay.mp4").exists()


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_the_source_is_never_overwritten(source: Path, tmp_path: Path, link: str) -> None:
    folder = tmp_path / "output"
    folder.mkdir()
    getattr(folder / "match.one.overlay.mp4", link)(source)
    with (
        pytest.raises(OutputError, match="would be overwritten"),
        RunFiles(source, options(folder, overwrite=True)),
    ):
        pass
    assert source.read_bytes() == b"film"


def test_a_source_that_is_still_to_come(tmp_path: Path) -> None:
    (tmp_path / "rally.run.json").write_text("earlier")
    with (
        pytest.raises(OutputError, match="already there"),
        RunFiles(tmp_path / "rally.mp4", options(tmp_path)),
    ):
        pass


def test_a_file_in_place_of_the_directory(source: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"), RunFiles(source, options(source)):
        pass
    with (
        pytest.raises(OutputError, match="cannot be written"),
        RunFiles(source, options(source / "below")),
    ):
        pass


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="nobody can write there, root too")
def test_a_directory_that_cannot_be_written_to(source: Path) -> None:
    with (
        pytest.raises(OutputError, match="/proc/self cannot be written"),
        RunFiles(source, options(Path("/proc/self"), video=False, data=False)),
    ):
        pass


def test_where_files_are_in_the_end(source: Path, tmp_path: Path) -> None:
    with RunFiles(source, options(tmp_path)) as files:
        pass
    assert set(files.written(complete=False)) == {RUN}
    partial_path(files[DATA]).write_text("stopped")
    partial_path(files[OVERLAY]).write_text("stopped")
    assert files.written(complete=False)[DATA].name == "match.one.poses.partial.h5"
    assert files.written(complete=True)[RUN].name == "match.one.run.json"
    files[DATA].write_text("closed before the video failed")
    kept = files.written(complete=False)
    assert kept[DATA].name == "match.one.poses.h5"
    assert kept[OVERLAY].name == "match.one.overlay.partial.mp4"


def test_a_run_without_frames_leaves_nothing(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "output"
    with RunFiles(source, options(folder)) as files:
        pass
    (folder / "match.one.poses.partial.h5").write_text("no rows")
    (folder / "other.poses.partial.h5").write_text("of another run")
    files.discard()
    assert names(folder) == ["other.poses.partial.h5"]


@pytest.mark.parametrize("changes", [{"overwrite": True}, {"resume": True}])
def test_two_runs_never_write_the_same_files(
    source: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    """The second touches nothing, and can begin when the first has ended."""
    folder = tmp_path / "output"
    with RunFiles(source, options(folder)) as files:
        partial_path(files[DATA]).write_text("of the first run")
        with (
            pytest.raises(InUseError, match=r"match.one in .* another run; let it end"),
            RunFiles(source, options(folder, **changes)),
        ):
            pass
        assert names(folder) == [".match.one.lock", "match.one.poses.partial.h5"]
    with RunFiles(source, options(folder, **changes)) as files:
        assert files.resumes == ("resume" in changes)
    assert ".match.one.lock" not in names(folder)


def test_runs_of_other_videos_share_a_directory(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "output"
    with RunFiles(source, options(folder)), RunFiles(Path("other.mp4"), options(folder)):
        assert names(folder) == [".match.one.lock", ".other.lock"]
    assert names(folder) == []
