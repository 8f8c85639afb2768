"""What is said of a conversion at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hpe_volleyball.console.conversion import last_line, rows
from hpe_volleyball.quantize.report import Report
from hpe_volleyball.quantize.search import Found
from hpe_volleyball.quantize.validation import PoseAgreement


def agreement(people: int = 100, oks: float = 0.99) -> PoseAgreement:
    return PoseAgreement(people, oks, 1.0, 3.0, 0.01, 0.02)


REPORT = Report(
    role="pose",
    source=Path("rtmpose-m.onnx"),
    result=Path("models/rtmpose-m.int8.onnx"),
    precision="int8",
    agreement=agreement(),
    speed=1.5,
    device="cpu",
    bytes_before=100,
    bytes_after=25,
    kept=3,
    nodes=100,
    search=Found(frozenset(), 0.99, True, 2, 10.0, False),
    cut="",
    samples="rally",
    pictures=40,
)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (REPORT, "safe, 1.50 x as fast; written to models/rtmpose-m.int8.onnx"),
        (
            replace(REPORT, agreement=agreement(people=3), result=None),
            (
                "not proven (too few people in the pictures; try --calibrate VIDEO); not kept "
                "(--keep-anyway keeps it)"
            ),
        ),
        (
            replace(REPORT, speed=0.8, result=None),
            "safe, slower: 0.80 x as fast on cpu; not kept (--keep-anyway keeps it)",
        ),
        (
            replace(REPORT, agreement=agreement(oks=0.9), speed=0.8),
            "not recommended, slower: 0.80 x as fast on cpu; written to models/rtmpose-m.int8.onnx",
        ),
    ],
)
def test_the_last_line_says_each_thing_once(report: Report, line: str) -> None:
    assert last_line(report) == f"rtmpose-m.onnx in INT8: {line}"


def test_each_number_stands_at_its_name() -> None:
    table = dict(rows(REPORT))
    assert table["people"] == "100"
    assert table["mean OKS"] == "0.9900"
    assert table["joint distance, median"] == "1.00 px (1.00% of the height)"
    assert table["joint distance, p95"] == "3.00 px (2.00% of the height)"
    assert table["operators left in FP32"] == "3 of 100"
    assert table["pictures"] == "40 of the rally"
