"""RTMPose: images and boxes -> Poses, the crops of many people in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from math import ceil
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpe_volleyball.errors import ModelError
from hpe_volleyball.futures import Joined, finished
from hpe_volleyball.models.image_batch import ImageBatch
from hpe_volleyball.models.preprocess import (
    OF_POSES,
    crop,
    crop_regions,
    in_source,
)
from hpe_volleyball.models.session import Session
from hpe_volleyball.models.tensors import ImageInput
from hpe_volleyball.records import Floats, Frame, Image, Poses
from hpe_volleyball.skeleton import BY_COUNT, Skeleton

_FEW = 3
"""Crops in one of several calls side by side: whoever is done early takes the next few, and what a
call works on stays near to the processor."""

_Part = tuple[NDArray[np.float64], Floats]
"""Keypoints [n, K, 2] and scores [n, K] of some crops."""


class RTMPose:
    """Finds keypoints with an RTMPose model.

    Args:
        session: A model with one image input [batch, 3, H, W] and the outputs `simcc_x`
            [batch, K, W * r] and `simcc_y` [batch, K, H * r], r being the SimCC split ratio.
        batch: Most crops in one call of the model.
        workers: Calls side by side, among which the crops are shared out.

    Raises:
        ModelError: the model is no such pose model, or K is not 17, 26 or 133.
    """

    def __init__(self, session: Session, *, batch: int = 16, workers: int = 1) -> None:
        self._images, self._x, self._y = _find_images(session)
        self.input_height, self.input_width, self.skeleton = _contract(
            session, self._images, self._x, self._y
        )
        self._session = session
        fixed = self._images.batch
        self._fixed_batch = fixed is not None
        self.batch = fixed or batch
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, "pose") if workers > 1 else None
        self._most = self.batch if workers == 1 or self._fixed_batch else min(self.batch, _FEW)
        size = self._most, self.input_height, self.input_width
        self._buffers: SimpleQueue[ImageBatch] = SimpleQueue()
        for _ in range(workers):
            self._buffers.put(ImageBatch(self._images, size, OF_POSES))

    def estimate(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        """Poses of all boxes ([n, 4] for each frame), frame by frame, box by box."""
        return [poses.result() for poses in self.begin(frames, boxes)]

    def begin(
        self, frames: Sequence[Frame], boxes: Sequence[Floats]
    ) -> list[Future[Poses] | Joined[_Part, Poses]]:
        """Begin with what `estimate` does, frame by frame; several workers do it beside the caller.

        One worker does it at once, all frames together in as few calls as their crops need.
        """
        if self._pool is None:
            return [finished(poses) for poses in self._together(frames, boxes)]
        pool = self._pool
        begun: list[Future[Poses] | Joined[_Part, Poses]] = []
        for frame, people in zip(frames, boxes, strict=True):
            regions = crop_regions(people, self.input_width, self.input_height)
            parts = [
                pool.submit(self._poses, [frame.image] * (part.stop - part.start), regions[part])
                for part in self._parts(len(people))
            ]
            begun.append(Joined(parts, self._joined))
        return begun

    def _together(self, frames: Sequence[Frame], boxes: Sequence[Floats]) -> list[Poses]:
        """Poses of all boxes, frame by frame."""
        images = [frame.image for frame, people in zip(frames, boxes, strict=True) for _ in people]
        people = np.concatenate([*boxes, np.zeros((0, 4), np.float32)])
        regions = crop_regions(people, self.input_width, self.input_height)
        parts = [self._poses(images[part], regions[part]) for part in self._parts(len(images))]
        found = self._joined(parts)
        offsets = np.cumsum([0, *map(len, boxes)])
        return [Poses(found.keypoints[a:b], found.scores[a:b]) for a, b in pairwise(offsets)]

    def _joined(self, parts: Sequence[_Part]) -> Poses:
        """Poses of some parts, crop by crop."""
        joints = len(self.skeleton.names)
        keypoints = [np.zeros((0, joints, 2)), *(keypoints for keypoints, _ in parts)]
        scores = [np.zeros((0, joints), np.float32), *(scores for _, scores in parts)]
        return Poses(np.concatenate(keypoints).astype(np.float32), np.concatenate(scores))

    def _parts(self, count: int) -> list[slice]:
        """How crops are shared out among calls; side by side, to each worker as many calls."""
        if self._pool is None:
            return [slice(start, start + self._most) for start in range(0, count, self._most)]
        parts = min(count, self._workers * ceil(count / (self._workers * self._most)))
        ends = [count * (i + 1) // parts for i in range(parts)]
        return [slice(start, end) for start, end in pairwise([0, *ends])]

    def _poses(self, images: Sequence[Image], regions: NDArray[np.int64]) -> _Part:
        """Keypoints in the source and scores of one batch."""
        crops = self._buffers.get()
        try:
            simcc_x, simcc_y = self._run(images, regions, crops)
        finally:
            self._buffers.put(crops)
        located, scores = decode_simcc(simcc_x, simcc_y, self.input_width, self.input_height)
        points = in_source(located, regions, self.input_width, self.input_height)
        return np.where(scores[:, :, None] > 0, points, 0), scores

    def _run(
        self, images: Sequence[Image], regions: NDArray[np.int64], crops: ImageBatch
    ) -> tuple[Floats, Floats]:
        """SimCC outputs of one batch, whose crops are put into `crops`."""
        for i, (image, region) in enumerate(zip(images, regions, strict=True)):
            crop(image, region, crops.pictures[i])
            crops.ready(i)
        count = self.batch if self._fixed_batch else self._session.filled_batch(len(images))
        outputs = self._session.run({self._images.name: crops.fed[:count]})
        return outputs[self._x][: len(images)], outputs[self._y][: len(images)]


def decode_simcc(
    simcc_x: NDArray[np.floating[Any]], simcc_y: NDArray[np.floating[Any]], width: int, height: int
) -> tuple[NDArray[np.float64], Floats]:
    """Keypoints from SimCC vectors (arXiv 2107.03332).

    Args:
        simcc_x: Floats [n, K, width * r], r being the split ratio.
        simcc_y: Floats [n, K, height * r].
        width: Of the crop in pixels.
        height: Of the crop in pixels.

    Returns:
        Positions in the crop, float64 [n, K, 2], and scores, float32 [n, K] in 0..1: the smaller of
        the two maxima, as mmpose scores (get_simcc_maximum); 0 where nothing was found.
    """
    located = np.stack(
        [
            simcc_x.argmax(axis=2) * (width / simcc_x.shape[2]),
            simcc_y.argmax(axis=2) * (height / simcc_y.shape[2]),
        ],
        axis=2,
    )
    scores = np.minimum(simcc_x.max(axis=2), simcc_y.max(axis=2))
    return located, np.clip(scores, 0, 1).astype(np.float32, copy=False)


def _find_images(session: Session) -> tuple[ImageInput, int, int]:
    """The input, and the positions of `simcc_x` and `simcc_y` among the outputs."""
    names = [output.name for output in session.outputs]
    if session.images is None or not {"simcc_x", "simcc_y"} <= set(names):
        raise ModelError(
            f"{session.path}: expected a pose model (one image input, outputs simcc_x and "
            f"simcc_y), found {session.describe()}"
            + ("; are --det and --pose swapped?" if "dets" in names else "")
        )
    return session.images, names.index("simcc_x"), names.index("simcc_y")


def _contract(session: Session, images: ImageInput, x: int, y: int) -> tuple[int, int, Skeleton]:
    """Height and width of the input, and the skeleton that fits the outputs."""
    height, width = images.height, images.width
    outputs = [session.outputs[x].shape, session.outputs[y].shape]
    count = outputs[0][1] if {len(shape) for shape in outputs} == {3} else None
    if height is None or width is None or not isinstance(count, int):
        raise ModelError(
            f"{session.path}: expected a pose model with a fixed input size and number of "
            f"keypoints, found {session.describe()}"
        )
    if count not in BY_COUNT or outputs[1][1] != count:
        known = ", ".join(map(str, BY_COUNT))
        raise ModelError(
            f"{session.path}: expected a pose model with {known} keypoints, "
            f"found {session.describe()}"
        )
    return height, width, BY_COUNT[count]
