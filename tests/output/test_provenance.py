"""What a run says about how it was made."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shlex
import sys
from importlib.metadata import version

import pytest

from hpe_volleyball.models.libraries import installed_flavours
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.output import provenance
from tests.installed import version_in
from tests.runs import Models


def test_the_command_can_be_typed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["infer", "Halle 3 'ä'.mp4", "--det", "$HOME/x.onnx"]
    monkeypatch.setattr(sys, "argv", ["/opt/bin/hpe-volleyball", *arguments])
    assert shlex.split(provenance.command_line()) == ["hpe-volleyball", *arguments]


def test_versions_are_those_installed() -> None:
    found = provenance.versions()
    assert found["numpy"] == version("numpy")
    assert found["hpe-volleyball"] == version("hpe-volleyball")
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert installed_flavours().items() <= found.items()


def test_any_distribution_of_the_runtime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    only = {"onnxruntime-openvino": "1.24.1"}
    monkeypatch.setattr(importlib.metadata, "version", version_in(only))
    assert provenance.versions().items() >= only.items()


def test_the_machine_is_described() -> None:
    machine = provenance.machine()
    assert set(machine) == {"system", "processor", "cores", "gpus"}
    assert machine["processor"]
    assert isinstance(machine["cores"], int)
    assert machine["cores"] >= 1


def test_models_are_described_with_their_hash(constant_models: Models) -> None:
    session = open_session(constant_models.det, "cpu")
    [entry] = provenance.describe_models({"det": session})
    assert entry == {
        "role": "det",
        "name": "det",
        "file": str(constant_models.det),
        "sha256": hashlib.sha256(constant_models.det.read_bytes()).hexdigest(),
        "precision": "fp32",
        "provider": "CPUExecutionProvider",
        "nodes": "",  # of this model everything is folded into constants
    }
