"""The README's section of speed: what is written, and where."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from publish import BEGIN, END, README, bench_table, named_only, put, section

from tests.bench.sample import RESULT


def test_text_between_the_marks_is_replaced() -> None:
    before = f"a\n{BEGIN}\nold\n{END}\nb\n"
    after = put(before, r"new \1")
    assert after == f"a\n{BEGIN}\nnew \\1\n{END}\nb\n"
    assert put(after, "x") == put(before, "x")
    with pytest.raises(ValueError, match="expected"):
        put("a\n", "new")


def test_the_readme_has_the_marks() -> None:
    text = README.read_text(encoding="utf-8")
    assert put(text, "new") != text


def test_results_name_no_folders_of_the_machine() -> None:
    made = replace(RESULT, models=[{"role": "det", "file": str(Path("/home/me/models/det.onnx"))}])
    assert named_only(made).models == [{"role": "det", "file": "det.onnx"}]
    committed = README.parent / "benchmarks" / "results"
    for path in committed.glob("*.json"):
        assert not re.findall(r'"(?:/|[A-Z]:\\)[^"]+"', path.read_text(encoding="utf-8")), path


def test_a_row_for_each_row_and_a_chart_for_each_benchmark() -> None:
    text = section({"bench_cpu_rally": RESULT}, None)
    assert bench_table(RESULT) in text
    assert "| + batched pose | 50.0 ±28.0 |" in text
    assert "Abacus, 2 cores, 3 rounds of 100 frames" in text
    assert "](docs/bench_cpu_rally.png)" in text
    assert Path("benchmarks/results/bench_cpu_rally.json").name in text
    assert "rtmlib" not in text
