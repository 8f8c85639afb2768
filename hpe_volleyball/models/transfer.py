"""One file over HTTP: resumed where an earlier try ended, tried again where the line fails."""

from __future__ import annotations

import re
import shutil
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes in all, None if unknown."""

_CHUNK = 1 << 18
_PASSING = frozenset({408, 425, 429, *range(500, 600)})
"""HTTP states after which a second try can help."""


class TransferError(Exception):
    """A file cannot be fetched; the message is the reason alone."""


class _PassingError(TransferError):
    """A second try can help."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server."""

    timeout_s: float = 30.0
    """Without a single byte."""
    tries: int = 3
    """In a row that bring nothing."""
    pause_s: float = 1.0
    """Before the second try; doubled before each further one."""


def transfer(url: str, path: Path, *, patience: Patience, on_bytes: OnBytes) -> bool:
    """Fetch a file; what `path` holds already is taken for its beginning.

    Args:
        url: http or https.
        path: Stays after a failure, for the next call to go on with.
        patience: When to give up.
        on_bytes: Told about the progress.

    Returns:
        Whether the file begins with bytes of an earlier call.

    Raises:
        TransferError: the file cannot be fetched.
        OSError: `path` cannot be written.
    """
    old = path.stat().st_size if path.exists() else 0
    resumed, fruitless = old > 0, 0
    while True:
        before = path.stat().st_size if path.exists() else 0
        try:
            resumed &= _go_on(url, path, patience.timeout_s, on_bytes)
        except _PassingError:
            after = path.stat().st_size if path.exists() else 0
            fruitless = 0 if after > before else fruitless + 1
            if fruitless >= patience.tries:
                raise
            time.sleep(patience.pause_s * 2 ** max(0, fruitless - 1))
        else:
            return resumed


def _go_on(url: str, path: Path, timeout_s: float, on_bytes: OnBytes) -> bool:
    """Fetch what is missing; whether the server let us go on rather than begin."""
    there = path.stat().st_size if path.exists() else 0
    try:
        response = _open(url, there, timeout_s)
    except HTTPError as error:
        with error:
            if error.code == 416 and there:  # more is there than the server has
                path.unlink()
                raise _PassingError("HTTP 416: the file changed on the server") from error
            kind = _PassingError if error.code in _PASSING else TransferError
            raise kind(f"HTTP {error.code} {error.reason}") from error
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise TransferError(f"its certificate cannot be checked ({error.reason})") from error
        raise _PassingError(_reason(error.reason)) from error
    except (OSError, HTTPException) as error:
        raise _PassingError(_reason(error)) from error
    with response:
        start, total = _extent(response, there)
        if total is not None and shutil.disk_usage(path.parent).free < total - start:
            raise OSError(f"{total - start} bytes are needed and not free")
        with path.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            _copy(response, file, start, total, on_bytes)
    return start > 0


def _open(url: str, there: int, timeout_s: float) -> HTTPResponse:
    headers = {"User-Agent": "hpe-volleyball", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    request = Request(url, headers=headers)  # noqa: S310 - http and https alone get here
    response: HTTPResponse = urlopen(request, timeout=timeout_s)  # noqa: S310
    return response


def _extent(response: HTTPResponse, there: int) -> tuple[int, int | None]:
    """Where the body begins in the file, and the size of the whole file if the server says it."""
    length = response.headers.get("Content-Length", "")
    if response.status != 206:
        return 0, int(length) if length.isdigit() else None
    found = re.fullmatch(
        r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
    )
    if found is None or int(found[1]) != there:
        raise TransferError("the server answers with another part of the file than was asked for")
    return there, None if found[2] == "*" else int(found[2])


def _copy(
    response: HTTPResponse, file: BinaryIO, start: int, total: int | None, on_bytes: OnBytes
) -> None:
    done = start
    while True:
        on_bytes(done, total)
        try:
            chunk = response.read1(_CHUNK)
        except (OSError, HTTPException) as error:
            raise _PassingError(_reason(error)) from error
        if not chunk:
            break
        file.write(chunk)
        done += len(chunk)
    if total is not None and done != total:
        raise _PassingError(f"the connection ended after {done} of {total} bytes")


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()) or type(error).__name__
