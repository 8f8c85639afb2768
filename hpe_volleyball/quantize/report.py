"""What is asked of a conversion, what became of it, and what its file says about itself."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnxruntime as ort

from hpe_volleyball.choices import Target
from hpe_volleyball.models.catalogue import Role
from hpe_volleyball.models.devices import Granted
from hpe_volleyball.models.hashing import sha256_of
from hpe_volleyball.models.precision import PREFIX
from hpe_volleyball.quantize.search import Found
from hpe_volleyball.quantize.validation import SAFE, ModelAgreement, Verdict, rounded

_SLOWER: Final = 0.97
"""Speed ratio below which a result counts as slower: timings scatter by some percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to make of a model."""

    precision: Target
    output_dir: Path
    device: Granted = "cpu"
    keep_anyway: bool = False
    """Keep a result that is slower or not recommended."""
    budget_s: float = 120.0
    """Seconds for finding the nodes that stay in float32."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a model."""

    role: Role
    source: Path
    result: Path | None
    """None: not kept."""
    precision: Target
    agreement: ModelAgreement
    speed: float
    """Time of the source over time of the result."""
    device: Granted
    bytes_before: int
    bytes_after: int
    kept: int
    """Nodes in float32."""
    nodes: int
    search: Found
    cut: str
    """Of a detector: "" if decode and NMS were cut off, else why not."""
    samples: str
    pictures: int

    @property
    def verdict(self) -> Verdict:
        """What may be said about the result, by its agreement."""
        return self.agreement.verdict

    @property
    def slower(self) -> bool:
        """The result is no gain on this machine."""
        return self.speed < _SLOWER

    @property
    def good(self) -> bool:
        """Worth using here."""
        return self.verdict in {"safe", "usable"} and not self.slower


def result_path(source: Path, request: Request) -> Path:
    """Where the result of a model goes."""
    return request.output_dir / f"{source.stem}.{request.precision}.onnx"


def metadata_for(report: Report) -> dict[str, str]:
    """What the file says about itself; nothing in it changes from run to run."""
    tools = {
        name: importlib.metadata.version(name) for name in ("hpe-volleyball", "onnx", "onnxsim")
    }
    tools["onnxruntime"] = ort.__version__
    proof = {
        "verdict": report.verdict,
        "limit_of_safe": SAFE,
        "pictures": report.pictures,
        "from": Path(report.samples).name,
        **rounded(report.agreement),
    }
    return {
        f"{PREFIX}source_sha256": sha256_of(report.source),
        f"{PREFIX}source_file": report.source.name,
        f"{PREFIX}precision": report.precision,
        f"{PREFIX}tools": json.dumps(tools, sort_keys=True),
        f"{PREFIX}verdict": report.verdict,
        f"{PREFIX}validation": json.dumps(proof, sort_keys=True),
    }
