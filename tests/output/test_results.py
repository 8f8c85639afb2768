from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hpe_volleyball.errors import OptionError, ResultError
from hpe_volleyball.output.data_file import DataFile
from hpe_volleyball.output.results import load_results, read_results
from hpe_volleyball.skeleton import COCO17
from tests.rows import HEADER, assert_holds, result


def test_a_pandas_frame_has_a_row_per_person(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        for number in range(50):
            file.write(result(number))
    part = load_results(str(tmp_path / "m.h5"), 1.0, 1.2)
    assert part.frame_index.tolist() == [25, 26, 27, 28, 29]
    assert part.keypoint_names == COCO17.names
    frame = part.to_pandas()
    assert len(frame.columns) == 10 + 3 * 17
    assert frame["frame"].tolist() == [25, 26, 26, 27, 27, 27, 29]
    assert frame["time_s"].tolist() == [n / 25 for n in frame["frame"]]
    assert frame["track_id"].tolist() == [1, 1, 2, 1, 2, 3, 1]
    assert np.array_equal(frame[["x1", "y1", "x2", "y2"]], part.bbox)
    hip = COCO17.names.index("left_hip")
    assert np.array_equal(frame[["left_hip_x", "left_hip_y"]], part.keypoints[:, hip])
    assert np.array_equal(frame["left_hip_score"], part.keypoint_scores[:, hip])


def test_attributes_are_plain_values(tmp_path: Path) -> None:
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        file.write(result(1))
    attributes = read_results(tmp_path / "m.h5").attributes
    assert attributes["keypoint_names"] == COCO17.names
    assert attributes["complete"] is True
    assert json.dumps({k: v for k, v in attributes.items() if k != "skeleton_edges"})


@pytest.mark.parametrize(
    ("start_s", "end_s", "first", "last"),
    [
        (None, None, 0, 100),
        (1.0, 2.0, 25, 50),
        (1.01, 2.01, 26, 51),
        (None, 0.04, 0, 1),
        (3.96, None, 99, 100),
        (9.0, None, 100, 100),
        (2.0, 1.0, 50, 50),
    ],
)
def test_a_range_of_time(
    tmp_path: Path, start_s: float | None, end_s: float | None, first: int, last: int
) -> None:
    results = [result(number) for number in range(100)]
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        for one in results:
            file.write(one)
    read = read_results(tmp_path / "m.h5", start_s=start_s, end_s=end_s)
    if first == last:
        assert len(read.time_s) == len(read.track_id) == 0
    else:
        assert_holds(read, results[first:last])


def test_rows_of_a_frame_that_is_not_there_yet_are_left_out(tmp_path: Path) -> None:
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        for number in range(40):
            file.write(result(number))
    with h5py.File(tmp_path / "m.h5", "r+", libver="latest") as torn:
        torn["frames/keyframe"].resize(30, axis=0)  # a kill between two columns
    assert_holds(read_results(tmp_path / "m.h5"), [result(number) for number in range(30)])


def _hdf5(path: Path, **attributes: object) -> Path:
    with h5py.File(path, "w") as file:
        file["x"] = [1]
        file.attrs.update(attributes)
    return path


def _text(path: Path) -> Path:
    path.write_text("frame,id\n")
    return path


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda d: d / "none.h5", "no such file"),
        (lambda d: d, "is a directory"),
        (lambda d: _text(d / "a.h5"), "cannot be opened as HDF5"),
        (lambda d: _hdf5(d / "a.h5"), "not a data file of a run"),
        (lambda d: _hdf5(d / "a.h5", format=2), "has format 2, expected 1"),
        (lambda d: _hdf5(d / "a.h5", format=1), "lacks frames/index"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, make: object, told: str) -> None:
    assert callable(make)
    path = make(tmp_path)
    with pytest.raises(ResultError, match=told) as caught:
        read_results(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        *((name, None, f"lacks {name};") for name in ("complete", "fps", "width", "height")),
        ("fps", "fast", "fps is 'fast', expected a fraction such as 30000/1001"),
        ("fps", "1/0", "fps is '1/0', expected a fraction"),
    ],
)
def test_a_copy_without_its_attributes_is_refused(
    tmp_path: Path, name: str, value: str | None, told: str
) -> None:
    """As other programs may save it."""
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        file.write(result(0))
    with h5py.File(tmp_path / "m.h5", "r+") as changed:
        if value is None:
            del changed.attrs[name]
        else:
            changed.attrs[name] = value
    with pytest.raises(ResultError, match=told):
        read_results(tmp_path / "m.h5")


def _lose_times(file: h5py.File) -> None:
    del file["frames/time_s"]
    file.create_group("frames/time_s")


def _number_format_twice(file: h5py.File) -> None:
    file.attrs["format"] = [1, 1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_lose_times, "lacks frames/time_s"),
        (_number_format_twice, "has format"),
    ],
)
def test_a_data_file_that_something_else_changed_is_told(
    tmp_path: Path, change: Callable[[h5py.File], None], told: str
) -> None:
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        file.write(result(1))
    with h5py.File(tmp_path / "m.h5", "r+", libver="latest") as changed:
        change(changed)
    with pytest.raises(ResultError, match=told):
        read_results(tmp_path / "m.h5")


@pytest.mark.parametrize("wrong", ["10", float("nan")])
@pytest.mark.parametrize("name", ["start", "end"])
def test_times_are_numbers(tmp_path: Path, name: str, wrong: Any) -> None:
    with pytest.raises(OptionError, match=f"{name}: expected seconds or None, found"):
        load_results(tmp_path / "m.h5", **{name: wrong})


def test_damaged_bytes_are_told(tmp_path: Path) -> None:
    with DataFile(tmp_path / "m.h5", HEADER) as file:
        for number in range(2000):
            file.write(result(number))
    content = bytearray((tmp_path / "m.h5").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    (tmp_path / "m.h5").write_bytes(content)
    with pytest.raises(ResultError, match=r"damaged|cannot be opened"):
        read_results(tmp_path / "m.h5")
