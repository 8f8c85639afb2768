"""Real faults in the middle of a run: one clear message, and everything so far is kept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpe_volleyball import FrameResult, InferOptions, infer_video
from hpe_volleyball.errors import OutputError, SourceDamaged
from hpe_volleyball.media.kept_pictures import count_pictures
from hpe_volleyball.output.results import read_results
from tests.clips import FRONT_INDEX, fixed_rate
from tests.runs import Models, names, stamps

START = "import sys; from hpe_volleyball.cli import main; sys.argv[0] = 'hpe-volleyball'; main()"
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); " + START
FRAMES = 600


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    return fixed_rate(folder / "match.mp4", FRAMES, size=(320, 240), container=FRONT_INDEX)


@pytest.fixture
def options(constant_models: Models, tmp_path: Path) -> InferOptions:
    return InferOptions(
        det=constant_models.det, pose=constant_models.pose, output_dir=tmp_path / "out"
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 34 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=34m", "none", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607


def infer(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-c", code, "infer", *map(str, arguments)]
    return subprocess.run(  # noqa: S603 - this Python, and the lines above
        command, capture_output=True, text=True, timeout=120, check=False
    )


def assert_one_line(errors: str, *words: str) -> None:
    assert re.fullmatch(r"error: [^\n]+\n", errors), errors
    for word in words:
        assert word in errors


def test_a_full_disk(clip: Path, constant_models: Models, small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "other.bin").write_bytes(bytes(1_500_000))
    arguments = (clip, *constant_models.options, "--output-dir", small_disk)
    done = infer(START, *arguments)
    assert done.returncode == 1
    assert_one_line(done.stderr, "match.poses.h5 cannot be written", "32 MiB of disk space left")
    assert "go on from there with --resume" in done.stderr
    overlay, *kept = names(small_disk)
    # A fast run meets the full disk when its last rows are written, behind the video's end.
    assert overlay in {"match.overlay.mp4", "match.overlay.partial.mp4"}
    assert kept == ["match.poses.partial.h5", "match.run.partial.json", "other.bin"]
    assert not read_results(small_disk / kept[0]).complete
    larger = shutil.copytree(small_disk, tmp_path / "larger")
    arguments = (clip, *constant_models.options, "--output-dir", larger)
    done = infer(START, *arguments, "--resume", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(read_results(larger / "match.poses.h5").frame_index) == FRAMES


def test_only_the_overlay_fails_and_the_data_goes_on(
    clip: Path, constant_models: Models, tmp_path: Path
) -> None:
    pytest.importorskip("resource")
    done = infer(
        LIMITED.format(150_000), clip, *constant_models.options, "--output-dir", tmp_path / "out"
    )
    assert done.returncode == 1
    assert_one_line(done.stderr, "overlay", "File too large", "The other results are complete")
    assert "Stage times" in done.stdout
    assert names(tmp_path / "out") == [
        "match.overlay.partial.mp4",
        "match.poses.h5",
        "match.run.json",
    ]
    data = read_results(tmp_path / "out" / "match.poses.h5")
    assert data.complete
    assert len(data.frame_index) == FRAMES
    assert 20 < count_pictures(tmp_path / "out" / "match.overlay.partial.mp4") < FRAMES


@pytest.mark.parametrize("option", ["--strict", "--no-data"])
def test_the_overlay_fails_and_the_run_stops(
    clip: Path, constant_models: Models, tmp_path: Path, option: str
) -> None:
    pytest.importorskip("resource")
    out = tmp_path / "out"
    arguments = (clip, *constant_models.options, "--output-dir", out, option)
    done = infer(LIMITED.format(150_000), *arguments)
    assert done.returncode == 1
    assert_one_line(done.stderr, "match.overlay.mp4 cannot be written (File too large)", "kept in")
    assert not [name for name in names(out) if ".partial." not in name]
    assert 20 < count_pictures(out / "match.overlay.partial.mp4") < FRAMES
    if option == "--strict":
        assert len(read_results(out / "match.poses.partial.h5").frame_index) < FRAMES


def test_the_output_directory_goes_away(clip: Path, options: InferOptions, tmp_path: Path) -> None:
    """As when a disk is unplugged: what was written is on it."""

    def unplug(result: FrameResult) -> None:
        if result.frame.index == 99:
            options.output_dir.rename(tmp_path / "unplugged")

    with pytest.raises(OutputError, match=r"match\.poses\.h5 cannot be written \(No such file"):
        infer_video(clip, options, on_frame=unplug)
    assert not options.output_dir.exists()
    unplugged = tmp_path / "unplugged"
    kept = [".match.lock", "match.overlay.partial.mp4", "match.poses.partial.h5"]
    assert names(unplugged) == kept  # the lock as behind a kill, in nobody's way
    assert len(stamps(unplugged / "match.overlay.partial.mp4")) > 90
    assert not read_results(unplugged / "match.poses.partial.h5").complete


def test_the_source_is_cut_off(clip: Path, options: InferOptions, tmp_path: Path) -> None:
    source = tmp_path / "match.mp4"
    source.write_bytes(clip.read_bytes())

    def cut(result: FrameResult) -> None:
        if result.frame.index == 19:
            os.truncate(source, source.stat().st_size // 2)

    with pytest.raises(SourceDamaged, match=r"breaks off at .* The \d+ frames before are kept"):
        infer_video(source, options, on_frame=cut)
    data = read_results(options.output_dir / "match.poses.partial.h5")
    assert 100 < len(data.frame_index) < 500
    overlay = stamps(options.output_dir / "match.overlay.partial.mp4")
    assert overlay == stamps(clip)[: len(data.frame_index)]


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be removed")
def test_the_source_is_removed(clip: Path, options: InferOptions, tmp_path: Path) -> None:
    source = tmp_path / "match.mp4"
    source.write_bytes(clip.read_bytes())

    def remove(result: FrameResult) -> None:
        if result.frame.index == 19:
            source.unlink()

    summary = infer_video(source, options, on_frame=remove)
    assert summary.complete
    assert summary.frames == FRAMES
    assert len(names(options.output_dir)) == 3


@pytest.mark.skipif(os.name == "nt", reason="pipes close in another way")
def test_nobody_reads_what_is_printed(clip: Path, constant_models: Models, tmp_path: Path) -> None:
    arguments = (clip, *constant_models.options, "--output-dir", tmp_path / "out")
    with subprocess.Popen(  # noqa: S603 - this Python, and the lines above
        [sys.executable, "-c", START, "infer", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert errors == b""
    assert names(tmp_path / "out") == ["match.overlay.mp4", "match.poses.h5", "match.run.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file on a full disk")
@pytest.mark.parametrize("what", [("info",), ("info", "--json"), ("models", "list")])
def test_what_cannot_be_printed_is_an_error_in_one_line(what: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(  # noqa: S603 - this Python
            [sys.executable, "-c", START, *what],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output cannot be written (No space left on")
    assert done.stderr.count("\n") == 1
