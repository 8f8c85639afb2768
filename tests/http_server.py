"""A real HTTP server on the loopback for tests: knows ranges, and errs as it is told."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from hpe_volleyball.models.catalogue import BY_NAME
from tests import graphs


@dataclass
class Fault:
    """What goes wrong with the next requests."""

    times: int = 1
    status: int | None = None
    cut_after: int | None = None
    """Bytes of the body after which the connection is closed."""
    silent_s: float = 0
    """Says nothing for so long."""


@dataclass
class FileServer:
    """What is served, what goes wrong, and what was asked for."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    knows_ranges: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range header of each request."""

    def next_fault(self) -> Fault:
        if not self.faults:
            return Fault()
        fault = self.faults[0]
        fault.times -= 1
        if not fault.times:
            self.faults.pop(0)
        return fault


@contextmanager
def serving() -> Iterator[FileServer]:
    """A server with nothing on it yet."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            state.requests.append((self.path, asked))
            fault = state.next_fault()
            time.sleep(fault.silent_s)
            content = state.files.get(self.path)
            if fault.status or content is None:
                self.send_error(fault.status or 404)
                return
            found = re.fullmatch(r"bytes=(\d+)-", asked or "")
            start = int(found[1]) if found and state.knows_ranges else 0
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                whole = len(content)
                self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:][: fault.cut_after])

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = FileServer(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving_model(folder: Path) -> Iterator[tuple[str, str]]:
    """The name of a pose model that is made in a folder, and the address of its mirror.

    Its checksum is not published, so any file can stand in for it.
    """
    name = "rtmpose-t-halpe26"
    content = graphs.pose(folder / "served.onnx", [(3, 4, 0.9, 0.9)] * 26).read_bytes()
    with serving() as server:
        server.files[f"/{BY_NAME[name].zip_name}"] = zip_of({"end2end.onnx": content})
        yield name, server.url


def zip_of(entries: dict[str, bytes]) -> bytes:
    """A zip file with these entries."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return packed.getvalue()
