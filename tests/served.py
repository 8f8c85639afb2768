"""The command line in a process that takes one command after another, and may crash or hang."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.runs import Outcome

_SERVE = """
import contextlib, io, json, os, resource, sys
from hpe_volleyball.cli import main
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    sys.argv = ["hpe-volleyball", *json.loads(line)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        except BaseException as error:
            import traceback
            code = -1
            traceback.print_exc()
    print(json.dumps([code, out.getvalue(), err.getvalue()]), file=replies, flush=True)
"""


class Served:
    """A process that runs commands; a new one is started after a crash or a hang."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, *arguments: object, timeout_s: float = 60) -> Outcome:
        """Run a command; exit code None of a crash is its signal, negative, -999 of a hang."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([str(argument) for argument in arguments]) + "\n")
        process.stdin.flush()
        replies: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=lambda: replies.put(process.stdout.readline()))  # type: ignore[union-attr]
        reader.start()
        try:
            reply = replies.get(timeout=timeout_s)
        except queue.Empty:
            self._end()
            reader.join()
            return Outcome(-999, "", "hang")
        reader.join()
        if not reply:
            code = process.wait()
            self._end()
            return Outcome(code, "", "crash")
        code, out, err = json.loads(reply)
        return Outcome(code, out, err)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(  # noqa: S603 - this Python, and the lines above
            [sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None
