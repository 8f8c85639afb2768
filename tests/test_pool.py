"""Memory of pictures is used again, and never while somebody holds the picture."""

from __future__ import annotations

import numpy as np

from hpe_volleyball.pool import PicturePool


def address(image: object) -> int:
    return int(image.__array_interface__["data"][0])  # type: ignore[attr-defined]


def test_memory_comes_back_when_nobody_holds_the_picture() -> None:
    pool = PicturePool((4, 6, 3))
    first = pool.take()
    assert first.shape == (4, 6, 3)
    assert first.dtype == np.uint8
    where = address(first)
    second = pool.take()
    assert address(second) != where
    del first
    assert address(pool.take()) == where


def test_a_view_holds_the_memory() -> None:
    pool = PicturePool((4, 6, 3))
    part = pool.take()[1:, ::2][..., 0]
    part[:] = 7
    others = [pool.take() for _ in range(3)]
    for other in others:
        other[:] = 9
    assert (part == 7).all()


def test_only_a_few_free_pictures_are_kept() -> None:
    pool = PicturePool((4, 6, 3))
    pictures = [pool.take() for _ in range(20)]
    pictures.clear()
    assert len(pool._free) == 8
