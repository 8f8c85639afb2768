"""Where live pictures come from: a camera, a network stream or a pipe, and how it is opened."""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event

import av
from av.container import InputContainer

from hpe_volleyball.errors import SourceError
from hpe_volleyball.files import exists
from hpe_volleyball.interrupt import interrupt_held

_SCHEME = re.compile(r"(rtsps?|https?|rtmps?|udp|tcp|rtp)://", re.IGNORECASE)
_SECRET = re.compile(r"(?<=://)[^/@\s]*@")
_CAMERAS = {
    "linux": ("video4linux2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}"),
    "win32": ("vfwcap", "{}"),
}
"""FFmpeg's name of the system's cameras, and what the n-th of them is called there."""
_NETWORK = {
    # A playlist must not lead to files of this computer.
    "protocol_whitelist": "crypto,http,httpproxy,https,rtmp,rtmps,rtmpt,rtp,rtsp,srtp,tcp,tls,udp",
    # UDP loses packets, and each loss breaks the pictures up to the next keyframe.
    "rtsp_flags": "prefer_tcp",
    # How much to look at before the stream is known; the default of 5 s is spent whole.
    "analyzeduration": "1000000",
}
_SIZE_OF_SOMETHING_ELSE = {"hls", "dash", "sdp", "mpjpeg"}
"""FFmpeg's names of formats whose bytes are a playlist, or that cameras give a made-up length."""
_OPEN_S = 10.0
_READ_S = 10.0
"""Silence after which a connection counts as lost: HLS sends a piece every 6 s or so."""
_LOOK_S = 0.1


def is_live(source: str) -> bool:
    """Whether a source is live: the number of a camera, a network address, a pipe or a device."""
    if _SCHEME.match(source):
        return True
    path = Path(source)
    if exists(path):
        return path.is_fifo() or path.is_char_device()
    return source.isascii() and source.isdigit()


def without_secrets(text: str) -> str:
    """A text in which addresses have lost user and password: rtsp://me:pass@host, rtsp://host."""
    return _SECRET.sub("", text)


@contextmanager
def open_live(source: str, stop: Event) -> Iterator[InputContainer]:
    """Connect to a live source.

    Args:
        source: What `is_live` says yes to.
        stop: Ends the waiting for the writer of a pipe.

    Raises:
        SourceError: nobody answers, it is no video, or it is a recording.
    """
    with ExitStack() as stack:
        try:
            container = stack.enter_context(_connected(source, stop, stack))
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SourceError(
                f"{without_secrets(source)} cannot be opened ({reason}); expected a camera, a "
                "running stream or a pipe; check that it is there and not in use elsewhere"
            ) from error
        length = _recorded(container) if source.lower().startswith("http") else None
        if length is not None:
            raise SourceError(
                f"{without_secrets(source)} is a recording of {length}, expected a live stream; "
                "download it and give the file"
            )
        yield container


def _recorded(container: InputContainer) -> str | None:
    """How long the recording is that a web server sends; None for a live stream.

    The end of some recordings, as an MPEG transport stream, tells the time, which needs a server
    that sends parts of a file. Their bytes are known, and those of a live stream are not.
    """
    if container.duration:
        return f"{container.duration / av.time_base:.0f} s"
    size = container.size or 0  # PyAV 19 has None for what cannot be sought, before it was -1
    if size > 0 and container.format.name not in _SIZE_OF_SOMETHING_ELSE:
        return f"{size / 1e6:.1f} MB"
    return None


def _connected(source: str, stop: Event, stack: ExitStack) -> InputContainer:
    limits = (_OPEN_S, _READ_S)
    if _SCHEME.match(source):
        return av.open(source, "r", options=_NETWORK, timeout=limits)
    if Path(source).is_fifo():
        return _open_pipe(Path(source), stop, stack)
    kind, device = _CAMERAS.get(sys.platform, _CAMERAS["linux"])
    name = device.format(source) if source.isdigit() else source
    return av.open(name, "r", format=kind, timeout=limits)


def _open_pipe(path: Path, stop: Event, stack: ExitStack) -> InputContainer:
    """Open what is written to a pipe; Ctrl-C while nothing is written ends the waiting."""
    # PyAV prints what a signal raises while it reads and goes on, so signals are held until then.
    with interrupt_held() as interrupt:
        pipe = stack.enter_context(closing(Pipe(path, stop, interrupt.check)))
        try:
            return av.open(pipe, "r")
        finally:
            interrupt.check()


class Pipe:
    """A named pipe as a file to read; waits for a writer, and ends when the writer has gone.

    Args:
        path: Of the pipe.
        stop: Ends all waiting.
        check_interrupt: Raises KeyboardInterrupt when the waiting shall end; asked at each look.
    """

    def __init__(self, path: Path, stop: Event, check_interrupt: Callable[[], None]) -> None:
        self._stop = stop
        self._check_interrupt = check_interrupt
        # Without waiting: opening a pipe that nobody writes to would block until somebody does.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._begun = False

    def read(self, size: int) -> bytes:
        """At least one byte, or none at the end."""
        while not self._stop.is_set():
            try:
                self._check_interrupt()
            except KeyboardInterrupt:
                return b""  # who opens the pipe asks again
            ready, _, _ = select.select([self._descriptor], [], [], _LOOK_S)
            if not ready:
                continue
            content = os.read(self._descriptor, size)
            if content:
                self._begun = True
                return content
            if self._begun:
                return b""
            # Nobody has opened the other end yet.
            self._stop.wait(_LOOK_S)
        return b""

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._descriptor)
