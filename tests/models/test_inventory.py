"""Having a model here: what is right is kept, what is wrong is replaced where it lies."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from hpe_volleyball.models import folders
from hpe_volleyball.models.catalogue import BY_NAME
from hpe_volleyball.models.download import MIRROR_VARIABLE
from hpe_volleyball.models.folders import FOLDER_VARIABLE
from hpe_volleyball.models.inventory import pull
from tests.http_server import serving, zip_of

CONTENT = b"the weights"


@pytest.mark.parametrize("here", [CONTENT, b"half of the", None])
def test_a_damaged_model_is_replaced_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: bytes | None
) -> None:
    """A file in ./models hides the one in the cache, so a new one there would be of no use."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folders, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    model = replace(BY_NAME["rtmdet-m"], sha256=hashlib.sha256(CONTENT).hexdigest())
    near, far = Path("models") / model.file, tmp_path / "cache" / "models" / model.file
    near.parent.mkdir()
    if here is not None:
        near.write_bytes(here)
    with serving() as server:
        server.files[f"/{model.zip_name}"] = zip_of({"end2end.onnx": CONTENT})
        path, fetched = pull(model, None, mirror=server.url, on_progress=lambda *_: None)
    assert path == (far if here is None else near)
    assert path.read_bytes() == CONTENT
    assert fetched == (here != CONTENT)
    assert len(server.requests) == fetched
    assert not (near.exists() and far.exists())
