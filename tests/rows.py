"""Results of a run whose every value follows from the number of their frame."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from hpe_volleyball.output.data_file import DataHeader
from hpe_volleyball.output.results import Results
from hpe_volleyball.records import Frame, FrameResult, Poses, Tracks
from hpe_volleyball.skeleton import COCO17

MODELS = ({"name": "tiny", "file": "tiny.onnx", "sha256": "ab", "precision": "fp32"},)
HEADER = DataHeader(
    source="Halle 3 ä Spiel.mp4",
    width=1920,
    height=1080,
    fps=Fraction(30000, 1001),
    pixel_aspect=Fraction(4, 3),
    keypoint_names=COCO17.names,
    skeleton_edges=COCO17.edges,
    models=MODELS,
    provider="CPUExecutionProvider",
    det_interval=4,
    command="hpe-volleyball infer match.mp4",
    package_version="0.1.0",
    settings={"det_interval": 4},
    source_fingerprint="4 bytes, ab",
)
BLANK = np.zeros((2, 2, 3), np.uint8)


def result(number: int, people: int | None = None) -> FrameResult:
    """Frame n at n/25 s with n % 4 people, whose values follow from n and their row."""
    count = number % 4 if people is None else people
    row = np.arange(count, dtype=np.float32)
    boxes = number + row[:, None] + np.array([0, 0.1, 10, 20], np.float32)
    points = number * 100 + row[:, None, None] + np.arange(34, dtype=np.float32).reshape(17, 2) / 7
    return FrameResult(
        Frame(number, number / 25, BLANK, number),
        Tracks(
            np.arange(1, count + 1, dtype=np.int32),
            boxes.astype(np.float32),
            (row / 10).astype(np.float32),
            np.arange(count) % 2 == 0,
        ),
        Poses(
            points.astype(np.float32),
            np.full((count, 17), number / 1000, np.float32),
            None if number % 2 else np.arange(count) % 3 == 0,
        ),
        keyframe=number % 3 == 0,
    )


def assert_holds(read: Results, results: list[FrameResult]) -> None:
    """The rows are those of `results`, bit by bit."""
    tracks, poses = [r.tracks for r in results], [r.poses for r in results]
    counts = [len(t.ids) for t in tracks]
    wanted = {
        "frame_index": [r.frame.index for r in results],
        "time_s": [r.frame.time_s for r in results],
        "keyframe": [r.keyframe for r in results],
        "person_frame": np.repeat([r.frame.index for r in results], counts),
        "track_id": np.concatenate([t.ids for t in tracks]),
        "bbox": np.concatenate([t.boxes for t in tracks]),
        "bbox_score": np.concatenate([t.scores for t in tracks]),
        "detected": np.concatenate([t.detected for t in tracks]),
        "keypoints": np.concatenate([p.keypoints for p in poses]),
        "keypoint_scores": np.concatenate([p.scores for p in poses]),
        "pose_estimated": np.concatenate(
            [np.ones(len(p.scores), bool) if p.estimated is None else p.estimated for p in poses]
        ),
    }
    for name, values in wanted.items():
        np.testing.assert_array_equal(getattr(read, name), values, err_msg=name, strict=False)
