"""Numbers of a result, and its way into JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hpe_volleyball.bench.result import Agreement, BenchResult
from hpe_volleyball.errors import OutputError, ResultError
from tests.bench.sample import BASELINE, BATCH, RESULT
from tests.runs import names


def test_medians_and_half_of_the_range() -> None:
    assert BASELINE.total == (110.0, 100.0)
    assert str(BASELINE.total) == "110.0 ±100.0"
    assert BASELINE.fps == pytest.approx((1000 / 110, (10 - 1000 / 300) / 2))
    assert BASELINE.stage("pose") == 80
    assert BASELINE.stage("write") == 0


def test_speed_up_is_taken_round_by_round() -> None:
    assert BATCH.speed_up(BASELINE) == pytest.approx((2.5, 0.5))
    assert BASELINE.speed_up(BASELINE) == (1.0, 0.0)


def test_the_rest_is_what_the_main_thread_does_not_account_for() -> None:
    assert BASELINE.rest == 30
    assert BATCH.rest == 20


def test_json_and_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.json"
    RESULT.write_json(path)
    assert BenchResult.from_json(path) == RESULT
    assert [p.name for p in path.parent.iterdir()] == ["bench.json"]


def test_nan_becomes_null(tmp_path: Path) -> None:
    nobody = replace(BASELINE, agreement=Agreement(0.0, 0, float("nan"), float("nan")))
    replace(RESULT, rows=[nobody]).write_json(tmp_path / "a.json")
    read = BenchResult.from_json(tmp_path / "a.json")
    assert read.rows[0].agreement == Agreement(0.0, 0, None, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("{", "is no JSON"),
        ("[]", "is another JSON file"),
        ('{"kind": "run"}', "is another JSON file"),
        ('{"kind": "hpe-volleyball bench", "format": 9}', "has format 9, expected 1"),
        ('{"kind": "hpe-volleyball bench", "format": 1}', "is damaged"),
        ('{"kind": "hpe-volleyball bench", "format": 1, "rows": [{}]}', "is damaged"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "old.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ResultError, match=message) as error:
        BenchResult.from_json(path)
    assert str(path) in str(error.value)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        RESULT.write_json(tmp_path / "file" / "bench.json")
    (tmp_path / "taken.json").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        RESULT.write_json(tmp_path / "taken.json")
    assert names(tmp_path) == ["file", "taken.json"]


def test_the_json_is_for_others_too(tmp_path: Path) -> None:
    RESULT.write_json(tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert content["kind"] == "hpe-volleyball bench"
    assert [row["key"] for row in content["rows"]] == ["baseline", "batch", "few", "fastest"]
