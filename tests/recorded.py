"""Results of slow tests, committed with what made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hpe_volleyball.output import provenance

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def record(name: str, content: dict[str, Any]) -> None:
    """Write benchmarks/results/NAME.json."""
    versions = provenance.versions()
    kept = ("python", "onnxruntime", "onnxruntime-gpu", "av", "h5py", "numpy")
    made_by = {
        "machine": provenance.machine(),
        "versions": {package: versions[package] for package in kept if package in versions},
    }
    text = json.dumps({**content, **made_by}, indent=1) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
