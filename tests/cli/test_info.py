"""`info`: what a bug report needs, and it agrees with `auto`."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from hpe_volleyball.models.providers import choose_device, why_not
from tests.runs import Cli


def test_it_agrees_with_the_devices(cli: Cli) -> None:
    outcome = cli("info", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    assert found["versions"]["hpe-volleyball"] == version("hpe-volleyball")
    assert list(found["devices"]) == ["cpu", "cuda", "tensorrt", "openvino"]
    for name, device in found["devices"].items():
        assert device["works"] == (why_not(name) == "")
        assert device["works"] != bool(device["why_not"])
    auto = choose_device("auto")
    assert found["auto"] == {"device": auto.device, "note": auto.note}
    assert found["devices"][auto.device]["works"]
    assert found["encoders"]["libx264"]
    assert found["decoders"]["h264"]


def test_people_get_the_same_in_tables(cli: Cli) -> None:
    outcome = cli("info")
    assert (outcome.code, outcome.err) == (0, "")
    for words in ("Versions", "Machine", "Devices", "Video", "Models", "Folders"):
        assert f"\n{words}\n" in f"\n{outcome.out}"
    cells = [line.split("│") for line in outcome.out.splitlines() if "│" in line]
    values = {row[1].strip(): row[2].strip() for row in cells}
    assert values["auto"].startswith(choose_device("auto").device)
    assert values["cpu"] == "works"


def test_a_user_without_a_home_directory(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*_args: object, **_options: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("hpe_volleyball.models.folders.user_cache_path", homeless)
    monkeypatch.delenv("HPE_VOLLEYBALL_MODELS", raising=False)
    found = json.loads(cli("info", "--json").out)["folders"]
    assert len(found["models"]) == 1
    assert found["cache"].startswith("none: this user has no home directory")
