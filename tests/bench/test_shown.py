"""What is shown of a result: tables, notes, Markdown, change, chart."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from hpe_volleyball.bench.cells import fastest_name, markdown, notes, tables
from hpe_volleyball.bench.change import change_notes, change_table
from hpe_volleyball.bench.plot import check_plot, plot
from hpe_volleyball.bench.result import Agreement
from hpe_volleyball.console.bench_tables import bench_report
from hpe_volleyball.errors import OutputError
from tests.bench.sample import BASELINE, BATCH, RESULT


def test_times_by_stage_and_rest_and_total() -> None:
    times = tables(RESULT)[0]
    assert times.headings == ["", "capture", "pose", "rest", "total"]
    assert times.rows[0] == ["baseline", "20.0", "80.0", "30.0", "110.0 ±100.0"]
    assert times.rows[1] == ["+ batched pose", "20.0*", "30.0", "20.0", "50.0 ±28.0"]
    assert [row[0] for row in times.rows] == ["baseline", "+ batched pose", BATCH_FEW]


BATCH_FEW = RESULT.rows[-1].name


def test_gains_and_agreement() -> None:
    gains = tables(RESULT)[1]
    assert gains.headings[-1] == "true IDF1"
    assert gains.rows[0][2:] == ["1.00 ±0.00", "100", "1.000", "0", "1.000", "0.0", "0.900"]
    assert gains.rows[1][2:] == ["2.50 ±0.50", "100", "0.980", "1", "-", "-", "0.900"]
    unknown = [replace(row, truth=None) for row in RESULT.rows]
    assert tables(replace(RESULT, rows=unknown))[1].headings[-1] == "p95 px"


def test_notes_name_machine_models_and_remarks() -> None:
    text = "\n".join(notes(RESULT))
    for part in ("Abacus, 2 cores", "d (fp32, sha256 01234567)", "3 rounds of 100 frames"):
        assert part in text
    assert text.endswith("no FP16 row")
    assert "fastest found: all, pose in batches of 4" in text
    assert fastest_name(replace(RESULT, fastest="batch")) == "the row above it"


def test_the_terminal_shows_what_markdown_shows() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(bench_report(tables(RESULT), notes(RESULT)))
    assert isinstance(console.file, io.StringIO)
    printed, text = console.file.getvalue(), markdown(tables(RESULT), notes(RESULT))
    for table in tables(RESULT):
        assert f"**{table.title}**" in text
        for row in table.rows:
            assert "| " + " | ".join(row) + " |" in text
            assert all(cell in printed for cell in row[1:])
    assert text.endswith("- no FP16 row\n")


def test_a_change_counts_where_the_rounds_lie_apart() -> None:
    faster = replace(BASELINE, total_ms=[90.0, 80.0, 99.0], agreement=Agreement(0.9, 0, 1, 0))
    slower = replace(BATCH, total_ms=[101.0, 102.0, 103.0])
    third = replace(BASELINE, key="overlap", name="+ overlap")
    now = replace(RESULT, rows=[faster, slower, third])
    rows = change_table(RESULT, now).rows
    assert rows[0][3:] == ["-18.2%", "-0.100"]
    assert rows[1][3:] == ["+104.0%", "+0.000"]
    assert rows[2][3] == "new row"
    assert rows[3][3] == "row gone"
    assert change_table(RESULT, RESULT).rows[0][3] == "~ +0.0%"


def test_a_video_without_people_has_no_agreement() -> None:
    nobody = replace(BASELINE, agreement=Agreement(None, 0, None, None))
    empty = replace(RESULT, rows=[nobody])
    assert change_table(RESULT, empty).rows[0][4] == "-"
    assert change_table(empty, RESULT).rows[0][4] == "-"
    agreement = tables(empty)[-1]
    column = agreement.headings.index("IDF1")
    assert agreement.rows[0][column] == "-"


def test_what_else_changed_is_said() -> None:
    assert len(change_notes(RESULT, RESULT)) == 1
    other = replace(
        RESULT,
        machine={**RESULT.machine, "cores": 16},
        versions={"onnxruntime": "1.33", "av": "18"},
        models=[{**RESULT.models[0], "sha256": "f"}],
        frames=50,
    )
    text = "\n".join(change_notes(RESULT, other))
    assert "frames differs: 100 before, 50 now" in text
    assert "the machine differs: cores" in text
    assert "onnxruntime 1.32 before, 1.33 now" in text
    assert "av absent before, 18 now" in text
    assert "the model files differ" in text


def test_the_chart_has_every_stage_in_its_colour(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.png"
    plot(RESULT, path)
    image = cv2.imread(str(path))
    assert image is not None
    assert path.stat().st_size < 100_000
    for red, green, blue in ((0x56, 0xB4, 0xE9), (0x00, 0x72, 0xB2), (0xBB, 0xBB, 0xBB)):
        assert (np.abs(image.astype(int) - (blue, green, red)).max(axis=2) < 4).sum() > 500


def test_a_chart_needs_the_name_of_a_picture() -> None:
    with pytest.raises(OutputError, match=r"a\.txt: expected a name that ends in \.png"):
        check_plot(Path("a.txt"))


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("hpe_volleyball.bench.plot.find_spec", lambda _name: None)
    with pytest.raises(OutputError, match=r"pip install 'hpe-volleyball\[plot\]'"):
        check_plot(Path("a.png"))
