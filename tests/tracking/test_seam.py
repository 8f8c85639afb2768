"""Ids go on over a seam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hpe_volleyball.records import Floats, Frame, FrameResult, Ints, Poses, Tracks
from hpe_volleyball.tracking.seam import SeamIds

BLANK = np.zeros((2, 2, 3), np.uint8)


def boxes(places: Sequence[float]) -> Floats:
    """Boxes of 40 x 100 px that begin at these x."""
    return np.array([[x, 0, x + 40, 100] for x in places], np.float32).reshape(-1, 4)


def known(**people: float) -> tuple[Ints, Floats]:
    """Ids (`p1`, `p2`, ...) and boxes of the earlier run in one frame."""
    return np.array([int(name[1:]) for name in people], np.int32), boxes(list(people.values()))


def result(index: int, **people: float) -> FrameResult:
    """A result of the new tracker; keypoint scores tell the rows apart by their id."""
    ids, places = known(**people)
    scores = (np.repeat(ids[:, None], 17, axis=1) / 100).astype(np.float32)
    poses = Poses(np.zeros((len(ids), 17, 2), np.float32), scores)
    tracks = Tracks(ids, places, np.ones(len(ids), np.float32), np.ones(len(ids), np.bool_))
    return FrameResult(Frame(index, index / 25, BLANK), tracks, poses, keyframe=True)


def test_the_same_people_keep_their_ids_and_new_ones_get_the_next() -> None:
    seam = SeamIds(
        {8: known(p3=0, p7=200), 9: known(p3=5, p7=205)}, frozenset({1, 2, 3, 4, 5, 6, 7})
    )
    seam.compare(result(8, p1=202, p2=1))
    seam.compare(result(9, p1=207, p2=6))
    behind = seam.translate(result(10, p1=209, p2=8, p3=400))
    assert behind.tracks.ids.tolist() == [3, 7, 8]
    assert behind.tracks.boxes[:, 0].tolist() == [8, 209, 400]
    assert np.allclose(behind.poses.scores[:, 0], [0.02, 0.01, 0.03])
    assert seam.translate(result(11, p3=400, p4=0)).tracks.ids.tolist() == [8, 9]
    assert (seam.across, seam.broken) == (2, 0)


def test_rows_keep_whether_their_pose_was_looked_for() -> None:
    seam = SeamIds({4: known(p1=0, p2=200)}, frozenset({1, 2}))
    seam.compare(result(4, p1=200, p2=0))
    behind = result(5, p1=200, p2=0)
    marked = Poses(behind.poses.keypoints, behind.poses.scores, np.array([True, False]))
    translated = seam.translate(replace(behind, poses=marked))
    assert translated.tracks.ids.tolist() == [1, 2]
    assert translated.poses.estimated is not None
    assert translated.poses.estimated.tolist() == [False, True]


def test_later_frames_count_for_more() -> None:
    """Two people change places in the run-up; the end of it decides."""
    frames = {n: known(p1=0, p2=200) for n in range(10)}
    seam = SeamIds(frames, frozenset({1, 2}))
    for n in range(10):
        seam.compare(result(n, p1=200, p2=0) if n < 5 else result(n, p1=0, p2=200))
    behind = seam.translate(result(10, p1=0, p2=200))
    assert behind.tracks.ids.tolist() == [1, 2]
    assert behind.tracks.boxes[:, 0].tolist() == [0, 200]


def test_who_is_not_found_again_is_counted() -> None:
    seam = SeamIds({4: known(p1=0, p2=200)}, frozenset({1, 2}))
    seam.compare(result(4, p1=30, p2=203))
    assert seam.translate(result(5, p1=30, p2=203)).tracks.ids.tolist() == [2, 3]
    assert (seam.across, seam.broken) == (1, 1)


def test_an_id_that_was_given_out_but_is_in_no_row_yet() -> None:
    """Of two new people the earlier run had settled only the second one's first rows."""
    seam = SeamIds({4: known(p1=0), 5: known(p1=0, p3=200)}, frozenset({1, 3}))
    seam.compare(result(4, p1=0))
    seam.compare(result(5, p1=0, p3=200))
    assert seam.translate(result(6, p1=0, p2=400, p3=200, p4=600)).tracks.ids.tolist() == [
        *(1, 2, 3, 4)
    ]


def test_nobody_in_the_run_up() -> None:
    nobody = known()
    seam = SeamIds({4: nobody, 5: nobody}, frozenset({1, 2}))
    seam.compare(result(5))
    assert seam.translate(result(6, p1=0)).tracks.ids.tolist() == [3]
    assert (seam.across, seam.broken) == (0, 0)
