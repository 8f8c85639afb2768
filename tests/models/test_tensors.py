"""Which inputs are for pictures, and what they are fed."""

import numpy as np
import pytest

from hpe_volleyball.models.tensors import BGR_BYTES, INPUT_KEY, Axis, ImageInput, TensorSpec

MARKED = {INPUT_KEY: BGR_BYTES}


def test_planes_and_bytes_are_told_apart() -> None:
    planes = TensorSpec("input", ("batch", 3, 256, None), "tensor(float)")
    found = ImageInput.of([planes], {})
    assert found == ImageInput("input", None, 256, None, as_bytes=False)
    assert found.shape(2, 256, 192) == (2, 3, 256, 192)
    assert found.black(2, 4, 6).dtype == np.float32
    pictures = TensorSpec("bytes", (4, None, 192, 3), "tensor(uint8)")
    found = ImageInput.of([pictures], MARKED)
    assert found == ImageInput("bytes", 4, None, 192, as_bytes=True)
    assert found.shape(4, 256, 192) == found.black(4, 256, 192).shape == (4, 256, 192, 3)
    assert found.black(4, 4, 6).dtype == np.uint8


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((1, 4, 64, 64), "tensor(float)"),
        ((1, 64, 64, 3), "tensor(float)"),
        ((1, 3, 64, 64), "tensor(uint8)"),
        ((1, 64, 64, 4), "tensor(uint8)"),
        ((1, 3, 64, 64), "tensor(float16)"),
        ((3, 64, 64), "tensor(float)"),
        ((), "tensor(float)"),
    ],
)
def test_other_inputs_are_not_for_pictures(shape: tuple[Axis, ...], dtype: str) -> None:
    assert ImageInput.of([TensorSpec("input", shape, dtype)], MARKED) is None


def test_bytes_of_another_origin_and_several_inputs_are_not_for_pictures() -> None:
    pictures = TensorSpec("bytes", (1, 64, 64, 3), "tensor(uint8)")
    assert ImageInput.of([pictures], {}) is None
    assert ImageInput.of([pictures], {INPUT_KEY: "RGB bytes"}) is None
    assert ImageInput.of([pictures, pictures], MARKED) is None
    assert ImageInput.of([], MARKED) is None


def test_a_shape_in_words() -> None:
    assert TensorSpec("x", ("batch", 3, None, 64), "tensor(float)").shape_text == "?x3x?x64"
    assert TensorSpec("x", (), "tensor(float)").shape_text == "scalar"
