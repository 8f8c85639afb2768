"""What ONNX Runtime says: its errors, its messages, and which provider runs which node."""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

# ONNX Runtime's exceptions have no common base but Exception; what its native code throws without
# one of them is a RuntimeError. Its messages quote the model, and where that is damaged they can be
# no valid text.
ORT_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    UnicodeDecodeError,
    *(
        error
        for error in vars(ort_state).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ),
)
RECORD_NODES = ("session.record_ep_graph_assignment_info", "1")
"""Option of a session that `nodes_by_provider` needs."""


def nodes_by_provider(native: ort.InferenceSession) -> dict[str, int]:
    """How many nodes of the optimised graph each provider runs.

    The session needs `RECORD_NODES` among its options.

    Returns:
        Empty before ONNX Runtime 1.24.
    """
    if not hasattr(native, "get_provider_graph_assignment_info"):
        return {}
    counts: Counter[str] = Counter()
    for part in native.get_provider_graph_assignment_info():
        counts[part.ep_name] += len(part.get_nodes())
    return dict(counts)


def operators(native: ort.InferenceSession) -> set[str]:
    """Which operators the optimised graph has; as `nodes_by_provider`."""
    parts = native.get_provider_graph_assignment_info()
    return {node.op_type for part in parts for node in part.get_nodes()}


def one_line(error: BaseException) -> str:
    """What an error of ONNX Runtime says, for a message."""
    return " ".join(str(error).split())


@contextlib.contextmanager
def native_messages() -> Iterator[list[str]]:
    """Catch what ONNX Runtime writes to the process's standard error: the only place for reasons.

    Yields:
        Filled with the messages, without time and place, when the body has ended.
    """
    messages: list[str] = []
    with tempfile.TemporaryFile() as file, contextlib.redirect_stdout(io.StringIO()):
        try:
            real = os.dup(2)
        except OSError:  # a program without standard error
            yield messages
            return
        os.dup2(file.fileno(), 2)
        try:
            yield messages
        finally:
            os.dup2(real, 2)
            os.close(real)
            file.seek(0)
            text = re.sub(r"\x1b\[[0-9;]*m", "", file.read().decode(errors="replace"))
            found = re.findall(r"\[[EWF]:onnxruntime:[^]]*\] (.+)", text)
            messages[:0] = [" ".join(line.split()) for line in found]
