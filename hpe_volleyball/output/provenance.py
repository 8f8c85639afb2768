"""How a result was made: command, versions, machine, models."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from hpe_volleyball.cores import usable_cores
from hpe_volleyball.errors import SourceError
from hpe_volleyball.media.live_address import without_secrets
from hpe_volleyball.models.catalogue import by_sha256
from hpe_volleyball.models.libraries import FLAVOURS
from hpe_volleyball.models.nvidia import read_driver
from hpe_volleyball.models.session import Session

_PACKAGES = (
    "hpe-volleyball",
    *FLAVOURS,
    *("onnx", "opencv-python", "av", "numpy", "h5py", "lapx"),
)
_SAMPLE = 2**20


def command_line() -> str:
    """The command that runs this process, as one could type it again; passwords are left out."""
    return without_secrets(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))


def fingerprint(path: Path) -> str:
    """Size and hash of a file's beginning, middle and end: two recordings do not share it.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest = hashlib.sha256()
            for start in (0, size // 2, max(0, size - _SAMPLE)):
                file.seek(start)
                digest.update(file.read(_SAMPLE))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error}); check the disk it is on") from error
    return f"{size} bytes, {digest.hexdigest()}"


def versions() -> dict[str, str]:
    """Python and the installed packages that can change a result."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # ONNX Runtime comes under one of several names
    return found


def machine() -> dict[str, str | int | list[str]]:
    """The computer: system, processor, logical cores that this process may use, NVIDIA GPUs."""
    driver = read_driver()
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": usable_cores(),
        "gpus": [f"{gpu.name}, {driver.version}" for gpu in driver.gpus],
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe_models(sessions: Mapping[str, Session]) -> list[dict[str, str]]:
    """One entry for each model in use; `sessions` maps its role to it."""
    return [
        {
            "role": role,
            "name": model_name(session),
            "file": str(session.path),
            "sha256": session.sha256,
            "precision": session.precision,
            "provider": session.provider,
            "nodes": ", ".join(f"{count} on {name}" for name, count in session.nodes.items()),
        }
        for role, session in sessions.items()
    ]


def model_name(session: Session) -> str:
    """The model's name in the catalogue, known by the file's content, else the file's own."""
    known = by_sha256(session.sha256)
    return session.path.stem if known is None else known.name
