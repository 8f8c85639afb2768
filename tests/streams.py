"""Real servers on loopback that send a clip as a live stream, and can be cut and started again."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE_S = 30


def needed(module: str) -> None:
    """Skip the test where a server is not installed; in CI it must be."""
    if importlib.util.find_spec(module) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{module} is missing; CI must have the servers of the extra dev")
        pytest.skip(f"{module} is not installed")


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that serves a clip at `url`, at its own pace."""

    url: str
    port: int

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """What to run."""
        raise NotImplementedError

    def start(self) -> None:
        """Serve until `cut`; waits until the port is open."""
        self._process = subprocess.Popen(  # noqa: S603 - a command from this file
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_S
        while not listens(self.port):
            assert self._process.poll() is None, "the server does not start"
            assert time.monotonic() < deadline, "the server does not open its port"
            time.sleep(0.05)

    def cut(self) -> None:
        """Kill the server."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)


def listens(port: int) -> bool:
    """Whether a port of loopback is open, told without connecting: FFmpeg serves one client."""
    listening = f":{port:04X} 00000000:0000 0A"
    return listening in Path("/proc/net/tcp").read_text(encoding="ascii")


class HttpServer(Server):
    """FFmpeg as the server of an MPEG transport stream, from the start at each connection."""

    def __init__(self, clip: Path) -> None:
        super().__init__()
        self._clip = clip
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hall.ts"

    def command(self) -> list[str]:
        import imageio_ffmpeg

        return [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-re", "-stream_loop", "-1", "-i", str(self._clip)),
            *("-c", "copy", "-f", "mpegts", "-muxdelay", "0", "-flush_packets", "1"),
            *("-listen", "1", self.url),
        ]


class RtspServer(Server):
    """An RTSP server, of aio-rtsp-toolkit."""

    def __init__(self, clip: Path) -> None:
        super().__init__()
        self._folder = clip.parent
        self.port = free_port()
        self._control_port = free_port()
        self.url = f"rtsp://coach:secret@127.0.0.1:{self.port}/{clip.name}"

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-c", "from server_demo import main; main()"),
            *("-d", str(self._folder), "-H", "127.0.0.1", "-p", str(self.port)),
            *("-cp", str(self._control_port)),
        ]


SERVERS = {"http": (HttpServer, "imageio_ffmpeg"), "rtsp": (RtspServer, "aio_rtsp_toolkit")}


@contextmanager
def serving(kind: str, clip: Path) -> Iterator[Server]:
    """A server that is running; it ends with the block."""
    make, module = SERVERS[kind]
    needed(module)
    if not Path("/proc/net/tcp").exists():
        pytest.skip("the test looks for the open port in /proc")
    server = make(clip)
    try:
        server.start()
        yield server
    finally:
        server.cut()
