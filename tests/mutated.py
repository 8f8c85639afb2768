"""Damaged copies of a file: the same for the same number."""

from __future__ import annotations

import random
from collections.abc import Callable

_MOST_FLIPS = 60
_MOST_BYTES = 400


def _flip(content: bytearray, rng: random.Random) -> None:
    """Some bits, anywhere."""
    for _ in range(rng.randrange(1, _MOST_FLIPS)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _flip_head(content: bytearray, rng: random.Random) -> None:
    """Some bytes of the first or the last 2 KB, where indexes and headers are."""
    reach = min(2048, len(content))
    start = rng.choice((0, len(content) - reach))
    for _ in range(rng.randrange(1, _MOST_FLIPS)):
        content[start + rng.randrange(reach)] = rng.randrange(256)


def _overwrite(content: bytearray, rng: random.Random) -> None:
    """A stretch by noise, zeros or ones."""
    size = rng.randrange(1, min(_MOST_BYTES, len(content)))
    start = rng.randrange(len(content) - size)
    content[start : start + size] = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size))


def _remove(content: bytearray, rng: random.Random) -> None:
    """A stretch is missing."""
    size = rng.randrange(1, min(_MOST_BYTES, len(content)))
    start = rng.randrange(len(content) - size)
    del content[start : start + size]


def _repeat(content: bytearray, rng: random.Random) -> None:
    """A stretch comes twice."""
    size = rng.randrange(1, min(_MOST_BYTES, len(content)))
    start = rng.randrange(len(content) - size)
    content[start:start] = content[start : start + size]


def _cut(content: bytearray, rng: random.Random) -> None:
    """The end is missing."""
    del content[rng.randrange(1, len(content)) :]


KINDS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _flip_head, _overwrite, _remove, _repeat, _cut),
)


def mutated(content: bytes, number: int) -> bytes:
    """The content, damaged in the way that the number stands for."""
    rng = random.Random(number)  # noqa: S311 - not for secrets
    damaged = bytearray(content)
    KINDS[number % len(KINDS)](damaged, rng)
    return bytes(damaged)
