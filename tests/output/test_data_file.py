from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import pytest

from hpe_volleyball.errors import OutputError
from hpe_volleyball.output.data_cut import cut_data
from hpe_volleyball.output.data_file import COLUMNS, DataFile
from hpe_volleyball.output.results import read_results
from hpe_volleyball.records import FrameResult, Poses
from hpe_volleyball.skeleton import COCO17
from tests.child import run_python
from tests.rows import HEADER, MODELS, assert_holds, result


@pytest.mark.parametrize("flush_s", [0.0, 1000.0])
def test_everything_comes_back_exactly(tmp_path: Path, flush_s: float) -> None:
    results = [result(number) for number in range(700)]
    with DataFile(tmp_path / "m.poses.h5", HEADER, flush_s) as file:
        for one in results:
            file.write(one)
    assert file.close(complete=True) == tmp_path / "m.poses.h5"
    assert [p.name for p in tmp_path.iterdir()] == ["m.poses.h5"]
    read = read_results(tmp_path / "m.poses.h5")
    assert_holds(read, results)
    assert read.complete
    assert read.fps == Fraction(30000, 1001)


DATATYPE, LAYOUT = 0x03, 0x08


def message_versions(path: Path) -> dict[int, set[int]]:
    """Versions of the header messages in an HDF5 file by their type.

    By the HDF5 File Format Specification 3.0, IV.A.1.b (object header version 2).
    """
    data, versions = path.read_bytes(), defaultdict[int, set[int]](set)
    for start in (found.start() for found in re.finditer(rb"OHDR\x02", data)):
        flags = data[start + 5]
        at = start + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
        width = 1 << (flags & 3)
        at, end = at + width, at + width + int.from_bytes(data[at : at + width], "little")
        while at + 4 <= end:
            kind, size = data[at], int.from_bytes(data[at + 1 : at + 3], "little")
            at += 4 + 2 * bool(flags & 0x04)
            if size:
                # A datatype has its class in the same byte.
                versions[kind].add(data[at] >> 4 if kind == DATATYPE else data[at])
            at += size
    return versions


def test_hdf5_1_10_can_read_the_file(tmp_path: Path) -> None:
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        for number in range(600):
            file.write(result(number))
    versions = message_versions(tmp_path / "m.h5")
    # What 1.10 writes at most; later ones raised them to 4 (1.12) and 5 (2.0).
    assert max(versions[DATATYPE]) <= 3
    assert max(versions[LAYOUT]) == 4
    cut_data(tmp_path / "m.h5", tmp_path / "cut.h5", 300)
    assert message_versions(tmp_path / "cut.h5")[LAYOUT] == {4}


def test_the_file_is_format_1_for_any_reader(tmp_path: Path) -> None:
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        for number in range(6):
            file.write(result(number))
    with h5py.File(tmp_path / "m.h5", "r") as plain:
        shapes = {name: (str(plain[name].dtype), plain[name].shape) for name in COLUMNS}
        attributes = dict(plain.attrs)
    assert shapes == {
        "frames/index": ("int64", (6,)),
        "frames/time_s": ("float64", (6,)),
        "frames/keyframe": ("bool", (6,)),
        "people/frame": ("int64", (7,)),
        "people/track_id": ("int32", (7,)),
        "people/bbox": ("float32", (7, 4)),
        "people/bbox_score": ("float32", (7,)),
        "people/detected": ("bool", (7,)),
        "people/keypoints": ("float32", (7, 17, 2)),
        "people/keypoint_scores": ("float32", (7, 17)),
        "people/pose_estimated": ("bool", (7,)),
    }
    assert json.loads(attributes.pop("models")) == list(MODELS)
    assert tuple(attributes.pop("keypoint_names")) == COCO17.names
    assert np.array_equal(attributes.pop("skeleton_edges"), COCO17.edges)
    assert json.loads(attributes.pop("settings")) == {"det_interval": 4}
    assert attributes.pop("resumed_at").tolist() == []
    assert attributes == {
        "format": 1,
        "source": "Halle 3 ä Spiel.mp4",
        "width": 1920,
        "height": 1080,
        "fps": "30000/1001",
        "pixel_aspect": "4/3",
        "provider": "CPUExecutionProvider",
        "det_interval": 4,
        "command": "hpe-volleyball infer match.mp4",
        "package_version": "0.1.0",
        "source_fingerprint": "4 bytes, ab",
        "complete": True,
    }


def test_nobody_and_nothing(tmp_path: Path) -> None:
    with DataFile(tmp_path / "a.h5", HEADER) as file:
        for number in range(3):
            file.write(result(number, people=0))
    read = read_results(tmp_path / "a.h5", start_s=0.01)
    assert len(read.frame_index) == 2
    assert read.keypoints.shape == (0, 17, 2)
    DataFile(tmp_path / "b.h5", HEADER).close(complete=True)
    assert len(read_results(tmp_path / "b.h5").frame_index) == 0


def test_incomplete_file_stays_under_its_partial_name(tmp_path: Path) -> None:
    results = [result(number) for number in range(50)]

    def run() -> None:
        with DataFile(tmp_path / "m.poses.h5", HEADER) as file:
            for one in results:
                file.write(one)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert [p.name for p in tmp_path.iterdir()] == ["m.poses.partial.h5"]
    read = read_results(tmp_path / "m.poses.partial.h5")
    assert_holds(read, results)
    assert not read.complete


def test_a_running_file_can_be_read_beside_it(tmp_path: Path) -> None:
    file = DataFile(tmp_path / "m.h5", HEADER, flush_s=0.0)
    for number in range(300):
        file.write(result(number))
    code = (
        "import sys; from pathlib import Path\n"
        "from hpe_volleyball.output.results import read_results\n"
        "read = read_results(Path(sys.argv[1])); print(len(read.time_s), read.complete)"
    )
    done = run_python(code, tmp_path / "m.partial.h5")
    assert done.stdout.split() == ["300", "False"], done.stderr
    file.write(result(300))
    assert len(read_results(file.close(complete=True)).time_s) == 301


def test_a_kill_leaves_everything_up_to_the_last_flush(tmp_path: Path) -> None:
    done = run_python(
        """
        import os, sys
        from pathlib import Path
        from hpe_volleyball.output.data_file import DataFile
        from tests.rows import HEADER, result
        file = DataFile(Path(sys.argv[1]), HEADER, flush_s=0.0)
        for number in range(500):
            file.write(result(number))
        file._flush_s = 1000.0
        for number in range(500, 600):
            file.write(result(number))
        os._exit(9)
        """,
        tmp_path / "m.h5",
    )
    assert done.returncode == 9, done.stderr
    results = [result(number) for number in range(500)]
    read = read_results(tmp_path / "m.partial.h5")
    assert_holds(read, results)
    assert not read.complete
    part = read_results(tmp_path / "m.partial.h5", start_s=4.0, end_s=8.0)
    assert_holds(part, results[100:200])


def test_wrong_number_of_keypoints_is_refused(tmp_path: Path) -> None:
    one = result(1)
    poses = Poses(np.zeros((1, 26, 2), np.float32), np.zeros((1, 26), np.float32))
    with (
        DataFile(tmp_path / "m.h5", HEADER) as file,
        pytest.raises(ValueError, match="expected 17 a person, found 26"),
    ):
        file.write(FrameResult(one.frame, one.tracks, poses, keyframe=True))


def test_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"m\.h5 cannot be written"):
        DataFile(tmp_path / "none" / "m.h5", HEADER)


def test_no_room_is_told_before_hdf5_meets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = shutil.disk_usage(tmp_path)._replace(free=20_000_000)

    def run() -> None:
        with DataFile(tmp_path / "m.h5", HEADER, flush_s=0.0) as file:
            file.write(result(1))
            monkeypatch.setattr(shutil, "disk_usage", lambda _: room)
            file.write(result(2))

    with pytest.raises(OutputError, match="less than 32 MiB of disk space left"):
        run()
    assert_holds(read_results(tmp_path / "m.partial.h5"), [result(1)])
    assert not (tmp_path / "m.h5").exists()


def test_write_that_fails_is_told_in_one_line_and_keeps_the_rest(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    # HDF5 crashes at the exit of a program after a failed write: no return code is asked for.
    done = run_python(
        """
        import resource, signal, sys
        from pathlib import Path
        from hpe_volleyball.errors import OutputError
        from hpe_volleyball.output.data_file import DataFile
        from tests.rows import HEADER, result
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            with DataFile(Path(sys.argv[1]), HEADER, flush_s=0.0) as file:
                for number in range(3000):
                    file.write(result(number, people=12))
        except OutputError as error:
            print(error, flush=True)
        """,
        tmp_path / "m.h5",
    )
    assert done.stdout.count("\n") == 1
    assert "m.h5 cannot be written (File too large)" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["m.partial.h5"]
    read = read_results(tmp_path / "m.partial.h5")
    count = len(read.time_s)
    assert count > 20
    assert_holds(read, [result(number, people=12) for number in range(count)])
