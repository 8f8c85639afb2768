"""Volleyball video to tracked players with 2D poses.

    from hpe_volleyball import InferOptions, iter_results

What is listed in `__all__` is loaded on first use: importing the package alone loads neither
ONNX Runtime nor OpenCV.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

# From 1.29 on, ONNX Runtime's Linux wheels report to Microsoft what is run, and keep a database for
# it in the user's cache, unless this is set before they are loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from hpe_volleyball.errors import HpeError as HpeError
    from hpe_volleyball.infer import infer_video as infer_video
    from hpe_volleyball.infer import iter_results as iter_results
    from hpe_volleyball.loaded import Models as Models
    from hpe_volleyball.loaded import load_models as load_models
    from hpe_volleyball.options import InferOptions as InferOptions
    from hpe_volleyball.output.results import Results as Results
    from hpe_volleyball.output.results import load_results as load_results
    from hpe_volleyball.output.summary import RunSummary as RunSummary
    from hpe_volleyball.records import FrameResult as FrameResult

_PUBLIC = {
    "FrameResult": "records",
    "HpeError": "errors",
    "InferOptions": "options",
    "Models": "loaded",
    "Results": "output.results",
    "RunSummary": "output.summary",
    "infer_video": "infer",
    "iter_results": "infer",
    "load_models": "loaded",
    "load_results": "output.results",
}

__all__ = list(_PUBLIC)


if not TYPE_CHECKING:  # to whom every name would be one that `__getattr__` may know

    def __getattr__(name: str) -> object:
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    """What there is, for those who look for it in a console: also what is not loaded yet."""
    return sorted({*globals(), *_PUBLIC})
