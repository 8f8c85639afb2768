"""An installation with other packages than the one that runs the tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError


def version_in(installed: Mapping[str, str]) -> Callable[[str], str]:
    """`importlib.metadata.version` where these packages are installed and no others."""

    def version(name: str) -> str:
        if name not in installed:
            raise PackageNotFoundError(name)
        return installed[name]

    return version
