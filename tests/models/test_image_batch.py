"""What a model is fed is made of the pictures that were written, each when it is ready."""

import numpy as np

from hpe_volleyball.models.image_batch import ImageBatch
from hpe_volleyball.models.preprocess import OF_POSES
from hpe_volleyball.models.tensors import ImageInput


def test_planes_are_made_of_the_pictures_that_are_ready() -> None:
    batch = ImageBatch(ImageInput("x", None, 8, 6, as_bytes=False), (3, 8, 6), OF_POSES)
    random = np.random.default_rng(0)
    batch.pictures[:] = random.integers(0, 256, batch.pictures.shape)
    batch.ready(1)
    expected = np.zeros((3, 8, 6), np.float32)
    OF_POSES.apply(batch.pictures[1], expected)
    assert expected.any()
    assert batch.fed.shape == (3, 3, 8, 6)
    np.testing.assert_array_equal(batch.fed[1], expected)
    assert not batch.fed[[0, 2]].any()


def test_bytes_are_fed_as_they_are() -> None:
    batch = ImageBatch(ImageInput("x", None, 8, 6, as_bytes=True), (3, 8, 6), OF_POSES)
    batch.pictures[2] = 7
    batch.ready(2)
    assert batch.fed is batch.pictures
    assert batch.fed[2].min() == batch.fed.max() == 7
