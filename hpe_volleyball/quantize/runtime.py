"""Models that are in no file yet, opened like all others."""

from __future__ import annotations

from pathlib import Path

import onnx

from hpe_volleyball.models.devices import Granted
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.session import Session


def open_model(
    model: onnx.ModelProto,
    place: Path,
    device: Granted = "cpu",
    *,
    max_batch: int = 1,
    optimised: bool = True,
) -> Session:
    """A session for a model.

    Args:
        model: The model.
        place: File that is written for it, in a temporary folder.
        device: What to run on.
        max_batch: Most images in one call.
        optimised: With all graph optimisations; without, what is written is what runs.
    """
    place.write_bytes(model.SerializeToString(deterministic=True))
    return open_session(place, device, max_batch=max_batch, optimised=optimised)
