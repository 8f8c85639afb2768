"""What ONNX Runtime says, caught and made readable."""

from __future__ import annotations

import os

import pytest

from hpe_volleyball.models.native import native_messages


def test_native_messages_lose_their_colours_and_places(capfd: pytest.CaptureFixture[str]) -> None:
    with native_messages() as messages:
        os.write(2, b"\x1b[1;31m2026-11-22 21:25 [E:onnxruntime:Default, x.cc:1 f] no  way\x1b[m\n")
        os.write(2, b"something else\n")
    assert messages == ["no way"]
    assert capfd.readouterr().err == ""
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
