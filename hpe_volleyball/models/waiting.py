"""How callers learn of what takes long: downloads, engines that are built."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[str, int, int | None], None]
"""Called with what is fetched, the bytes that are there and the bytes in all, None if unknown."""
