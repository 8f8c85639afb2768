"""What `info` prints: its facts in tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def system_report(found: Mapping[str, Any]) -> RenderableType:
    """The facts that `hpe_volleyball.info.collect` gives."""
    return Group(
        _rows("Versions", found["versions"].items()),
        _rows("Machine", _machine(found)),
        _rows("Devices", _devices(found)),
        _rows("Video", _video(found)),
        _rows("Models", _models(found)),
        _rows("Folders", _folders(found["folders"])),
    )


def _rows(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(str(value)))
    return table


def _machine(found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    machine, nvidia, ort = found["machine"], found["nvidia"], found["onnxruntime"]
    yield "system", machine["system"]
    yield "processor", f"{machine['processor']}, {machine['cores']} cores"
    for gpu in nvidia["gpus"]:
        capability = ".".join(map(str, gpu["capability"]))
        memory = f"{gpu['memory_bytes'] / 2**30:.1f} GiB"
        yield "gpu", f"{gpu['name']}, {memory}, compute capability {capability}"
    if nvidia["problem"]:
        yield "nvidia driver", nvidia["problem"]
    else:
        cuda = ".".join(map(str, nvidia["cuda"]))
        yield "nvidia driver", f"{nvidia['version']}, runs CUDA up to {cuda}"
    flavours = [f"{name} {number}" for name, number in ort["installed"].items()]
    warning = ": TOO MANY, they overwrite each other" if len(flavours) > 1 else ""
    built = f", built with CUDA {ort['cuda']}" if ort["cuda"] else ""
    yield "onnxruntime", f"{' and '.join(flavours)}{warning}{built}"
    yield "tensorrt", ort["tensorrt"] or "not installed"


def _devices(found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, device in found["devices"].items():
        built = "" if device["compiled_in"] else "not compiled in; "
        yield name, "works" if device["works"] else f"no: {built}{device['why_not']}"
    auto = found["auto"]
    yield "auto", f"{auto['device']}{'; ' if auto['note'] else ''}{auto['note']}"


def _video(found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for what, kind in (("reads", "decoders"), ("writes", "encoders")):
        names = found[kind]
        yield what, ", ".join(name for name, there in names.items() if there)
        missing = [name for name, there in names.items() if not there]
        if missing:
            yield f"{what} not", ", ".join(missing)


def _models(found: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    words = {"right": "right", "wrong": "WRONG CONTENT", "unknown": "no checksum published"}
    for model in found["models"]:
        beside = f", also {model['variants']}" if model["variants"] else ""
        yield model["name"], f"{model['file']} ({words[model['content']]}{beside})"
    if not found["models"]:
        yield "none", "`hpe-volleyball models pull` fetches them"


def _folders(folders: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "models", "\n".join(folders["models"])
    yield "downloads", folders["downloads"]
    yield "cache", folders["cache"]
