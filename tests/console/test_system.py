"""What `info` says of a machine that is not as it should be."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from hpe_volleyball.console.system import system_report
from hpe_volleyball.info import collect


def lines(found: dict[str, Any]) -> list[str]:
    console = Console(file=io.StringIO(), width=160)
    console.print(system_report(found))
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.strip("│").split()) for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ({"onnxruntime": "1.27.0"}, "onnxruntime │ onnxruntime 1.27.0"),
        (
            {"onnxruntime": "1.27.0", "onnxruntime-gpu": "1.26.0"},
            (
                "onnxruntime │ onnxruntime 1.27.0 and onnxruntime-gpu 1.26.0: TOO MANY, they "
                "overwrite each other"
            ),
        ),
    ],
)
def test_two_onnx_runtimes_are_too_many(installed: dict[str, str], said: str) -> None:
    ort = {"installed": installed, "cuda": None, "tensorrt": None}
    assert said in lines({**collect(), "onnxruntime": ort})
