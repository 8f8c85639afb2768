"""The court: whose feet are outside is not tracked but shown; at most so many people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball import InferOptions, infer_video, iter_results, load_results
from hpe_volleyball.court import PeopleFilter, best, check_court
from hpe_volleyball.errors import OptionError
from hpe_volleyball.output.draw import OverlayPainter
from hpe_volleyball.pipeline import run_pipeline
from hpe_volleyball.records import Floats, FrameResult, Polygon
from hpe_volleyball.skeleton import COCO17
from hpe_volleyball.tracking.tracker import PlayerTracker
from tests.clips import fixed_rate
from tests.runs import Cli, Models, names
from tests.scene import RATE, Scene, followed, frame, walker

SQUARE: Polygon = ((0, 0), (100, 0), (100, 100), (0, 100))
LEFT: Polygon = ((0, 0), (320, 0), (320, 360), (0, 360))
"""The left half of a `Scene`."""
MIDDLE_GREY = 140


def run(
    scene: Scene,
    count: int,
    *,
    court: Polygon | None = None,
    most: int | None = None,
    shown: float = 0.4,
) -> list[FrameResult]:
    people = PeopleFilter(scene, court=court, max_people=most, shown_score=shown)
    tracker = PlayerTracker(rate=RATE, det_interval=4, start_score=0.4)
    frames = (frame(index) for index in range(count))
    return list(people.mark(run_pipeline(frames, detector=people, tracker=tracker, poser=scene)))


def feet(boxes: Floats) -> Floats:
    middle: Floats = np.column_stack(((boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]))
    return middle


def test_a_court_must_be_in_the_picture() -> None:
    check_court(SQUARE, 640, 360)
    check_court(((-500, -500), (5000, -500), (300, 5000)), 640, 360)
    check_court(((500, 100), (600, 100), (600, 300)), 640, 360)  # further right than it is high
    for court in (((0, 0), (1, 0), (1, 1), (0, 1)), ((700, 0), (900, 0), (900, 300))):
        with pytest.raises(OptionError, match="enclose none of the picture, which is 640x360"):
            check_court(court, 640, 360)


def test_who_stands_outside_gets_no_id_but_is_shown() -> None:
    player, spectator = walker(100, 1), walker(500)
    results = run(Scene([player, spectator]), 40, court=LEFT)
    assert set(followed(results, player)) == set(range(40))
    assert all(len(r.tracks.ids) == 1 for r in results)
    assert all(len(r.left_out) == 1 for r in results)
    expected = spectator(0)
    assert expected is not None
    np.testing.assert_allclose(results[17].left_out[0], expected)


def test_feet_decide_not_heads() -> None:
    # 100 px tall, in a court that begins 40 px above the feet.
    low = walker(100, y=250)
    strip: Polygon = ((0, 260), (640, 260), (640, 360), (0, 360))
    results = run(Scene([low, walker(300, y=200)]), 8, court=strip)
    assert set(followed(results, low)) == set(range(8))
    assert all(len(r.tracks.ids) == 1 for r in results)


def test_feet_on_the_line_are_on_the_court() -> None:
    boxes = np.array([[300, 100, 340, 200], [301, 100, 341, 200]])  # feet at x = 320 and 321
    players = [lambda _, box=box: box for box in boxes]
    [result] = run(Scene(players), 1, court=LEFT)
    np.testing.assert_allclose(result.tracks.boxes, boxes[:1])


def test_a_player_who_steps_over_the_line_keeps_the_id() -> None:
    """Out at frame 20, back from frame 50 on: 0.6 s."""

    def path(index: int) -> np.ndarray:
        x = 260 + 3 * index if index < 35 else 260 + 3 * (70 - index)
        return np.array([x - 20.0, 150, x + 20, 250])

    results = run(Scene([path]), 70, court=LEFT)
    ids = followed(results, path)
    assert set(ids.values()) == {1}
    # Rows go on while the own pose vouches for the place, half a second long.
    assert set(range(70)) - set(ids) <= set(range(42, 54))


def test_who_leaves_for_good_is_let_go() -> None:
    results = run(Scene([walker(300, 1)]), 250, court=LEFT)
    last = [r.frame.index for r in results if len(r.tracks.ids)][-1]
    assert 20 <= last <= 20 + RATE
    assert len(results[-1].left_out) == 1


def test_weak_detections_outside_are_not_shown() -> None:
    false = {index: [(np.array([500.0, 100, 540, 200]), 0.2)] for index in range(20)}
    results = run(Scene([walker(100)], false=false), 20, court=LEFT)
    assert not any(len(r.left_out) for r in results)
    shown = run(Scene([walker(100)], false=false), 20, court=LEFT, shown=0.1)
    assert shown[4].left_out.shape == (1, 4)


def test_the_best_are_kept() -> None:
    scores = np.array([0.5, 0.9, 0.7, 0.9], np.float32)
    assert best(scores, 2).tolist() == [False, True, False, True]
    assert best(scores, 3).tolist() == [False, True, True, True]
    assert best(scores, 9).all()
    assert best(scores, None).all()
    assert best(np.array([0.5, 0.5]), 1).tolist() == [True, False]


def test_no_frame_has_more_people_than_allowed() -> None:
    """Two take turns as the second best, and each would be carried while the other is found."""
    scores = {(1 + index // 8 % 2, index): 0.5 for index in range(60)}
    scene = Scene([walker(100), walker(300), walker(500)], scores=scores)
    results = run(scene, 60, most=2)
    assert {len(r.tracks.ids) for r in results} == {2}
    assert all(len(r.poses.keypoints) == 2 for r in results)
    first = walker(100)
    assert set(followed(results, first)) == set(range(60))
    assert all(len(r.left_out) == 1 for r in results)


@pytest.fixture
def options(constant_models: Models, tmp_path: Path) -> InferOptions:
    return InferOptions(
        det=constant_models.det, pose=constant_models.pose, output_dir=tmp_path / "out"
    )


def test_a_run_tracks_who_is_on_the_court_and_says_which_it_was(
    tmp_path: Path, options: InferOptions
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 12)
    court: Polygon = ((0, 0), (45, 0), (45, 64), (0, 64))
    summary = infer_video(clip, replace(options, court=court))
    results = load_results(Path(summary.outputs["data"]))
    assert (summary.ids, summary.people) == (1, 12)
    np.testing.assert_allclose(feet(results.bbox)[:, 0], 21, atol=0.1)
    written = json.loads(Path(summary.outputs["run"]).read_text(encoding="utf-8"))
    assert written["options"]["court"] == [list(corner) for corner in court]
    [one] = {len(r.tracks.ids) for r in iter_results(clip, replace(options, max_people=1))}
    assert one == 1


def test_a_court_in_other_units_is_refused_before_anything_is_written(
    cli: Cli, tmp_path: Path, options: InferOptions
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    models = ("--det", options.det, "--pose", options.pose)
    arguments = ("infer", clip, *models, "--output-dir", options.output_dir)
    outcome = cli(*arguments, "--court", "0,0,1,0,1,1,0,1")
    assert outcome.code == 1
    assert outcome.err.startswith("error: --court: the corners 0,0 1,0 1,1 0,1 enclose none")
    assert names(options.output_dir) == []
    court = tmp_path / "hall.json"
    court.write_text("[[0, 0], [45, 0], [45, 64], [0, 64]]")
    assert cli(*arguments, "--court", court).code == 0


def test_the_overlay_shows_the_court_and_who_is_left_out() -> None:
    [result] = run(Scene([walker(500)]), 1, court=LEFT)
    grey = replace(result, frame=replace(result.frame, image=np.full((360, 640, 3), 60, np.uint8)))
    bare = OverlayPainter(COCO17, 640, 360).paint(replace(grey, left_out=np.zeros((0, 4), "f4")))
    drawn = OverlayPainter(COCO17, 640, 360, court=LEFT).paint(grey)
    changed = (bare != drawn).any(axis=-1)
    x1, y1, x2, y2 = np.rint(result.left_out[0]).astype(int)
    assert changed[y1:y2, x1].all()
    assert changed[y2, x1:x2].all()
    assert changed[100:359, 320].all()
    assert not changed[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].any()
    assert (drawn[y1 + 5, x1] == MIDDLE_GREY).all()
