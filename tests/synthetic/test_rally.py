"""The synthetic rally: its truth against its pictures and against physics."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hpe_volleyball.synthetic import Rally, RallyConfig, render_video
from hpe_volleyball.synthetic.motion import Motion
from hpe_volleyball.synthetic.palette import MARKS, OUTFITS, SCENERY, opponent
from hpe_volleyball.synthetic.play import GRAVITY, Course, Play

SMALL = RallyConfig(width=960, height=540, fps=Fraction(25), seconds=2.0)
FULL = RallyConfig(seconds=2.0)


def _far(picture: np.ndarray, rgb: tuple[int, int, int]) -> np.ndarray:
    """Distance of every pixel of a BGR picture from a colour."""
    way = opponent(picture[..., ::-1].astype(np.float64)) - opponent(np.array(rgb, np.float64))
    return np.asarray(np.linalg.norm(way, axis=-1))


def test_palette_keeps_outfits_marks_and_scenery_apart() -> None:
    def shades(rgb: tuple[int, int, int], factors: tuple[float, ...]) -> np.ndarray:
        colours = np.minimum(255.0, np.array(factors)[:, None] * np.array(rgb))
        return opponent(colours)

    groups = [shades(rgb, (0.68, 0.84, 1.0, 1.12)) for rgb in OUTFITS]
    groups += [shades(rgb, (1.0,)) for rgb in MARKS]
    groups.append(np.concatenate([shades(rgb, (0.6, 0.8, 1.0)) for rgb in SCENERY]))
    groups.append(opponent(np.repeat(np.arange(0, 256, 16.0)[:, None], 3, axis=1)))
    gaps = [
        float(np.linalg.norm(first[:, None] - second[None], axis=-1).min())
        for i, first in enumerate(groups[:-2])
        for second in groups[i + 1 :]
    ]
    assert min(gaps) > 30


def test_extent_of_the_outfit_is_the_box() -> None:
    rally = Rally(FULL)
    errors = []
    for index in (0, 30, 60):
        truth, picture = rally.truth(index), rally.image(index)
        for person, box, occlusion in zip(truth.ids, truth.boxes, truth.occlusion, strict=True):
            if occlusion > 0:
                continue
            left, top, right, bottom = (int(v) for v in box + np.array([-8, -8, 8, 8]))
            left, top = max(left, 0), max(top, 0)
            near = picture[top:bottom, left:right]
            outfit = np.array(OUTFITS[person - 1])
            shades = [tuple(np.minimum(255, f * outfit)) for f in np.arange(0.66, 1.15, 0.08)]
            away = np.min([_far(near, shade) for shade in shades], axis=0)
            rows, cols = np.nonzero(away < 16)
            found = np.array([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1])
            errors.append(np.abs(found + np.array([left, top, left, top]) - box).max())
    assert len(errors) >= 10
    assert np.median(errors) <= 1.5
    assert max(errors) <= 5


def test_visible_marks_have_their_colour_and_hidden_ones_do_not() -> None:
    rally = Rally(FULL)
    seen: list[float] = []
    unseen: list[float] = []
    for index in (10, 50, 90):
        truth, picture = rally.truth(index), rally.image(index)
        for points, visible in zip(truth.keypoints, truth.visible, strict=True):
            for joint, (x, y) in enumerate(np.round(points).astype(int)):
                if 0 <= x < FULL.width and 0 <= y < FULL.height:
                    near = picture[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
                    away = float(_far(near, MARKS[joint]).min())
                    (seen if visible[joint] else unseen).append(away)
    assert np.mean(np.array(seen) < 20) > 0.98
    assert np.mean(np.array(unseen) < 20) < 0.08
    assert min(len(seen), len(unseen)) > 100


def test_same_seed_same_pictures_in_any_order() -> None:
    first, second = Rally(SMALL), Rally(SMALL)
    later = first.image(7)
    first.image(3)
    second.truth(40)
    assert np.array_equal(second.image(7), later)
    assert np.array_equal(first.image(7), later)
    other = Rally(replace(SMALL, seed=1)).truth(7)
    assert not np.array_equal(other.keypoints[:4], first.truth(7).keypoints[:4])


@pytest.mark.parametrize("fps", [Fraction(60), Fraction(30000, 1001)])
def test_motion_is_the_same_at_every_frame_rate_and_length(fps: Fraction) -> None:
    config = replace(SMALL, fps=fps, seconds=3.0)
    fast, slow = Rally(config), Rally(replace(config, fps=fps / 3, seconds=2.0))
    for index in (0, 9, 17):
        ours, theirs = fast.truth(3 * index), slow.truth(index)
        assert np.array_equal(ours.ids, theirs.ids)
        np.testing.assert_allclose(ours.keypoints, theirs.keypoints, atol=1e-3)


def test_keypoints_scale_with_the_picture() -> None:
    small, large = Rally(SMALL).truth(20), Rally(replace(SMALL, width=1920, height=1080)).truth(20)
    np.testing.assert_allclose((small.keypoints + 0.5) * 2, large.keypoints + 0.5, atol=0.01)
    assert np.array_equal(small.visible, large.visible)


def test_jumps_are_ballistic() -> None:
    course = Course(seed=0, team_size=6, play="net", end_s=8.0)
    motion = Motion(course)
    jumps = [
        (row, action)
        for row, player in enumerate(course.players)
        for action in player.actions
        if action.height and 0 < action.time_s < 8
    ]
    assert len(jumps) >= 10
    for row, jump in jumps[:12]:
        step = 0.4 * jump.flight_s
        rise = [motion.pelvis_rise(jump.time_s + k * step)[row] for k in (-2, -1, 0, 1, 2)]
        bends = np.diff(rise, 2) / step**2
        np.testing.assert_allclose(bends, -GRAVITY, rtol=1e-6)
        ground = motion.pelvis_rise(jump.time_s - 1.02 * jump.flight_s)[row]
        assert 0.35 < rise[2] - ground < 1.2


@pytest.mark.parametrize("play", ["rally", "net", "defence"])
@pytest.mark.parametrize("team_size", [2, 6])
def test_nobody_runs_faster_than_players_do_or_jumps_in_place(play: Play, team_size: int) -> None:
    course = Course(seed=3, team_size=team_size, play=play, end_s=10.0)
    times = np.arange(0, 10, 0.02)
    for player in course.players:
        places = np.stack([player.place(float(t))[0] for t in times])
        speeds = np.linalg.norm(np.diff(places, axis=0), axis=1) / 0.02
        assert speeds.max() < 5.5
        assert player.moves == sorted(player.moves, key=lambda move: move.start_s)


def test_players_leave_the_picture_and_return_with_their_id() -> None:
    config = replace(SMALL, seconds=12.0, fps=Fraction(10), camera="panning", play="defence")
    rally = Rally(config)
    present = np.zeros((rally.n_frames, rally.n_people + 1), bool)
    last: dict[int, np.ndarray] = {}
    for index in range(rally.n_frames):
        truth = rally.truth(index)
        present[index, truth.ids] = True
        assert len(set(truth.ids.tolist())) == len(truth.ids)
        assert (truth.boxes[:, 2:] > truth.boxes[:, :2]).all()
        assert truth.boxes.min() >= 0
        assert truth.boxes[:, 2].max() <= config.width
        assert truth.boxes[:, 3].max() <= config.height
        last |= dict(zip(truth.ids.tolist(), truth.boxes, strict=True))
    returns = sum(
        int(np.sum(np.diff(present[:, person].astype(int)) == 1) >= 1 and present[0, person])
        for person in range(1, rally.n_people + 1)
    )
    assert returns >= 1


@pytest.mark.parametrize("width", [140, 240, 400, 620])
def test_who_has_a_fifth_of_the_box_in_the_picture_is_in_the_truth(width: int) -> None:
    """A narrow picture is the middle of a wide one in which everybody stands."""
    wide, narrow = (Rally(replace(SMALL, width=w)).truth(24) for w in (2400, width))
    assert len(wide.ids) == 12
    boxes = wide.boxes - np.array([(2400 - width) / 2, 0] * 2, np.float32)
    inside = np.clip(boxes, 0, [width, SMALL.height] * 2)
    size, part = (np.prod(b[:, 2:] - b[:, :2], axis=1) for b in (boxes, inside))
    assert narrow.ids.tolist() == wide.ids[part >= 0.2 * size].tolist()
    np.testing.assert_allclose(narrow.boxes, inside[part >= 0.2 * size], atol=0.01)


def test_panning_moves_the_picture_by_hundreds_of_pixels() -> None:
    rally = Rally(replace(FULL, camera="panning", seconds=6.0, fps=Fraction(5)))
    centres = [float(rally._view(rally.time_s(i)).yaw) for i in range(rally.n_frames)]
    focal = rally._view(0.0).focal
    assert 200 < np.ptp(centres) * focal < 1500


def test_occlusion_is_the_hidden_part() -> None:
    rally = Rally(replace(SMALL, play="net", seconds=4.0))
    hidden = [
        (float(truth.occlusion[row]), float(truth.visible[row].mean()))
        for truth in (rally.truth(i) for i in range(0, rally.n_frames, 4))
        for row in range(len(truth.ids))
    ]
    occlusion, visible = np.array(hidden).T
    assert occlusion.max() > 0.5
    assert visible[occlusion < 0.05].mean() > 0.55
    assert visible[occlusion > 0.7].mean() < 0.25


def test_a_frame_out_of_range_is_an_error() -> None:
    with pytest.raises(IndexError, match=r"0\.\.49, found 50"):
        Rally(SMALL).truth(50)


def test_settings_out_of_range_are_errors() -> None:
    with pytest.raises(ValueError, match="expected 2 or 6, found 4"):
        RallyConfig(team_size=4)
    with pytest.raises(ValueError, match="positive fps"):
        RallyConfig(fps=Fraction(0))


def test_video_has_the_exact_rate_and_the_pictures(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    rally = Rally(replace(SMALL, width=480, height=270, fps=rate, seconds=0.5, team_size=2))
    path = render_video(rally, tmp_path / "rally.mp4", audio=True)
    assert [p.name for p in tmp_path.iterdir()] == ["rally.mp4"]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == rate
        assert stream.pix_fmt == "yuv420p"
        assert stream.codec_context.colorspace == 6  # else HD is read by that of BT.709
        assert len(container.streams.audio) == 1
        frames = [f.to_ndarray(format="bgr24") for f in container.decode(stream)]
    assert len(frames) == rally.n_frames == 15
    off = frames[4].astype(int) - rally.image(4).astype(int)
    assert np.abs(off).mean() < 6


def test_odd_sizes_cannot_become_a_video(tmp_path: Path) -> None:
    rally = Rally(replace(SMALL, width=481, height=270))
    with pytest.raises(ValueError, match="even width and height, found 481x270"):
        render_video(rally, tmp_path / "rally.mp4")
    assert not list(tmp_path.iterdir())
