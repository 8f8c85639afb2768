"""Two data files against each other: which frames count, what the scores say, what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import pytest

from hpe_volleyball.errors import ResultError
from hpe_volleyball.evaluation.compare import compare_files, people_of
from hpe_volleyball.output.data_file import DataFile, DataHeader
from hpe_volleyball.output.results import read_results
from hpe_volleyball.records import FrameResult, Poses, Tracks
from hpe_volleyball.skeleton import HALPE26
from tests.rows import HEADER, result
from tests.runs import Cli


def person(number: int, people: int = 2) -> FrameResult:
    """Frame n of the video at n/25 s: boxes of 10 x 19.9 px that move by 1 px a frame."""
    made = result(number, people)
    boxes = made.tracks.boxes + 50 * np.arange(people, dtype=np.float32)[:, None]
    poses = Poses(made.poses.keypoints, np.full_like(made.poses.scores, 0.9))
    return replace(made, tracks=replace(made.tracks, boxes=boxes), poses=poses)


def in_run(made: FrameResult, first: int) -> FrameResult:
    """The same frame in a run that began at frame `first` of the video."""
    return replace(made, frame=replace(made.frame, index=made.frame.index - first))


def shifted(made: FrameResult, px: float) -> FrameResult:
    keypoints = made.poses.keypoints + np.array([px, 0], np.float32)
    return replace(made, poses=replace(made.poses, keypoints=keypoints))


def save(
    path: Path,
    frames: Iterable[FrameResult],
    header: DataHeader = HEADER,
    *,
    complete: bool = True,
) -> Path:
    file = DataFile(path, header)
    for frame in frames:
        file.write(frame)
    return file.close(complete=complete)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Frames 0 to 39 of the video."""
    return save(tmp_path / "whole.poses.h5", map(person, range(40)))


def test_a_run_agrees_with_itself(whole: Path) -> None:
    found = compare_files(whole, whole)
    tracks, poses = found.scores.tracks, found.scores.poses
    assert (found.frames, found.reference_frames, found.result_frames) == (40, 40, 40)
    assert (tracks.idf1, tracks.box_iou, tracks.switches) == (1, 1, 0)
    assert poses is not None
    assert (poses.oks, poses.pck, poses.median_px, poses.people) == (1, 1, 0, 80)


def test_frames_of_the_same_time_are_compared_whatever_their_number(
    whole: Path, tmp_path: Path
) -> None:
    late = (in_run(person(n), 30) for n in range(30, 50))
    found = compare_files(whole, save(tmp_path / "late.poses.h5", late))
    assert (found.frames, found.reference_frames, found.result_frames) == (10, 40, 20)
    tracks = found.scores.tracks
    assert (tracks.idf1, tracks.box_iou, len(tracks.pairs)) == (1, 1, 20)
    assert (tracks.misses, tracks.false_boxes) == (0, 0)
    back = compare_files(tmp_path / "late.poses.h5", whole)
    assert (back.frames, back.scores.tracks.idf1) == (10, 1)


def test_frames_that_one_run_left_out_do_not_count(whole: Path, tmp_path: Path) -> None:
    some = (person(n) for n in range(40) if n not in {7, 8, 20})
    found = compare_files(whole, save(tmp_path / "some.poses.h5", some))
    assert found.frames == 37
    assert (found.scores.tracks.recall, found.scores.tracks.idf1) == (1, 1)


def test_a_frame_in_which_one_run_found_nobody_counts(whole: Path, tmp_path: Path) -> None:
    blind = (person(n, 0 if n < 10 else 2) for n in range(40))
    found = compare_files(whole, save(tmp_path / "blind.poses.h5", blind))
    assert found.frames == 40
    assert found.scores.tracks.recall == pytest.approx(30 / 40)


def test_times_rounded_to_milliseconds_are_the_same(whole: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    stored = (
        replace(p, frame=replace(p.frame, time_s=p.frame.time_s + rng.uniform(-5e-4, 5e-4)))
        for p in map(person, range(40))
    )
    found = compare_files(whole, save(tmp_path / "stored.poses.h5", stored))
    assert (found.frames, found.scores.tracks.idf1) == (40, 1)


def test_frames_between_those_of_the_other_run_do_not_count(whole: Path, tmp_path: Path) -> None:
    """A part that comes 10 ms later, as of a source that stood still for a moment."""
    moved = (
        replace(p, frame=replace(p.frame, time_s=p.frame.time_s + (0.01 if n >= 25 else 0)))
        for n, p in enumerate(map(person, range(40)))
    )
    found = compare_files(whole, save(tmp_path / "moved.poses.h5", moved))
    assert (found.frames, found.result_frames) == (25, 40)


def test_each_frame_is_compared_once(whole: Path, tmp_path: Path) -> None:
    """Stamps that do not ascend are set one tick apart: two frames near one of the other run."""
    frames = [person(n) for n in range(39)]
    twin = replace(frames[7].frame, index=8, time_s=frames[7].frame.time_s + 0.0001)
    later = [replace(f, frame=replace(f.frame, index=f.frame.index + 1)) for f in frames[8:]]
    more = [*frames[:8], replace(frames[7], frame=twin), *later]
    result = save(tmp_path / "more.poses.h5", more)
    for pair in ((whole, result), (result, whole)):
        comparison = compare_files(*pair)
        assert comparison.frames == 39
        assert comparison.scores.tracks.idf1 == 1


def test_differences_are_counted(whole: Path, tmp_path: Path) -> None:
    def changed(number: int) -> FrameResult:
        made = shifted(person(number, 1 if number % 4 == 3 else 2), 3)
        if number >= 20:
            ids = made.tracks.ids + 10
            made = replace(made, tracks=replace(made.tracks, ids=ids.astype(np.int32)))
        return made

    found = compare_files(whole, save(tmp_path / "changed.poses.h5", map(changed, range(40))))
    tracks, poses = found.scores.tracks, found.scores.poses
    assert tracks.recall == pytest.approx(70 / 80)
    assert (tracks.switches, tracks.reference_ids, tracks.result_ids) == (2, 2, 4)
    assert tracks.idf1 == pytest.approx(2 * 35 / (80 + 70))
    assert poses is not None
    assert poses.median_px == pytest.approx(3, abs=1e-3)
    assert poses.pck == 0  # further than 0.1 of 19.9 px


def test_keypoints_that_the_reference_does_not_trust_are_left_out(tmp_path: Path) -> None:
    def doubted(number: int) -> FrameResult:
        made = person(number)
        made.poses.scores[:, 5:] = 0.3
        return made

    reference = save(tmp_path / "a.poses.h5", map(doubted, range(5)))
    found = compare_files(reference, save(tmp_path / "b.poses.h5", map(person, range(5))))
    assert found.scores.poses is not None
    assert found.scores.poses.joints == 5 * 2 * 5


def test_other_skeletons_are_compared_in_the_joints_of_coco(whole: Path, tmp_path: Path) -> None:
    def feet(number: int) -> FrameResult:
        made = person(number)
        keypoints = np.pad(made.poses.keypoints, ((0, 0), (0, 9), (0, 0)))
        scores = np.pad(made.poses.scores, ((0, 0), (0, 9)))
        return replace(made, poses=Poses(keypoints, scores))

    header = replace(HEADER, keypoint_names=HALPE26.names)
    found = compare_files(whole, save(tmp_path / "feet.poses.h5", map(feet, range(40)), header))
    assert found.scores.poses is not None
    assert found.scores.poses.joints == 40 * 2 * 17
    assert found.scores.poses.oks == 1


def test_partial_files_can_be_compared(whole: Path, tmp_path: Path) -> None:
    cut = save(tmp_path / "cut.poses.h5", map(person, range(12)), complete=False)
    assert cut.name == "cut.poses.partial.h5"
    assert compare_files(whole, cut).frames == 12
    assert compare_files(cut, whole).frames == 12


def test_a_run_that_goes_on_can_be_compared(whole: Path, tmp_path: Path) -> None:
    running = DataFile(tmp_path / "running.poses.h5", HEADER, flush_s=0)
    for number in range(6):
        running.write(person(number))
    found = compare_files(whole, tmp_path / "running.poses.partial.h5")
    assert (found.frames, found.scores.tracks.idf1) == (6, 1)
    running.close(complete=False)


def test_runs_without_people_can_be_compared(whole: Path, tmp_path: Path) -> None:
    empty = save(tmp_path / "empty.poses.h5", (person(n, 0) for n in range(40)))
    assert compare_files(whole, empty).scores.tracks.misses == 80
    assert compare_files(empty, empty).scores.tracks.misses == 0


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(HEADER, width=1280, height=720), "1280x720 at 30000/1001 fps"),
        (replace(HEADER, fps=Fraction(25)), "1920x1080 at 25 fps"),
    ],
)
def test_another_video_is_refused(
    whole: Path, tmp_path: Path, other: DataHeader, told: str
) -> None:
    strange = save(tmp_path / "strange.poses.h5", map(person, range(40)), other)
    with pytest.raises(ResultError) as caught:
        compare_files(whole, strange)
    assert str(caught.value) == (
        f"{whole} is of a video of 1920x1080 at 30000/1001 fps, {strange} of one of {told}, "
        "expected the same; compare runs of one video"
    )


def test_another_part_of_the_video_is_refused(whole: Path, tmp_path: Path) -> None:
    later = save(tmp_path / "later.poses.h5", (in_run(person(n), 50) for n in range(50, 60)))
    with pytest.raises(ResultError) as caught:
        compare_files(whole, later)
    assert str(caught.value) == (
        f"{whole} holds 0.000 to 1.560 s and {later} holds 2.000 to 2.360 s, expected frames that "
        "both hold; compare runs of the same part of a video"
    )


def test_a_file_without_frames_is_refused(whole: Path, tmp_path: Path) -> None:
    nothing = save(tmp_path / "nothing.poses.h5", [], complete=False)
    with pytest.raises(ResultError, match="holds no frames, expected frames that both hold"):
        compare_files(whole, nothing)
    with pytest.raises(ResultError, match="holds no frames and"):
        compare_files(nothing, whole)


def test_people_of_a_file_are_its_rows(whole: Path) -> None:
    results = read_results(whole)
    people = people_of(results)
    assert people.frame.tolist() == [n for n in range(40) for _ in range(2)]
    assert people.ids.tolist() == [1, 2] * 40
    np.testing.assert_array_equal(people.boxes, results.bbox)
    assert people.keypoints is results.keypoints
    assert people.keypoint_scores is results.keypoint_scores


def test_the_command_prints_a_table(cli: Cli, whole: Path, tmp_path: Path) -> None:
    def one_lost(number: int) -> FrameResult:
        made = person(number)
        return replace(
            made,
            tracks=Tracks(*(column[:1] for column in _columns(made.tracks))),
            poses=Poses(made.poses.keypoints[:1], made.poses.scores[:1]),
        )

    lost = save(tmp_path / "lost.poses.h5", map(one_lost, range(30)))
    outcome = cli("compare", whole, lost)
    assert (outcome.code, outcome.err) == (0, "")
    shown = {
        cells[0]: cells[1]
        for line in outcome.out.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("│┃ ").split("│")]) == 2
    }
    assert shown["frames in both"] == "30"
    assert (shown["frames, reference"], shown["frames, result"]) == ("40", "30")
    assert (shown["recall"], shown["precision"], shown["PCK@0.1"]) == ("0.500", "1.000", "1.000")
    assert shown["IDF1"] == "0.667"
    outcome = cli("compare", whole, lost, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    found = json.loads(outcome.out)
    assert (found["frames"], found["reference_frames"], found["result_frames"]) == (30, 40, 30)
    assert found["same_source"] is True
    tracks, poses = found["tracks"], found["poses"]
    assert (tracks["recall"], tracks["precision"], tracks["matched_boxes"]) == (0.5, 1, 30)
    assert tracks["idf1"] == pytest.approx(2 / 3)
    assert (poses["pck"], poses["people"]) == (1, 30)


def test_json_has_null_where_there_was_nothing_to_compare(
    cli: Cli, whole: Path, tmp_path: Path
) -> None:
    empty = save(tmp_path / "empty.poses.h5", (person(number, people=0) for number in range(40)))
    found = json.loads(cli("compare", whole, empty, "--json").out)
    assert found["tracks"]["precision"] is None
    assert found["poses"]["oks"] is None


def _columns(tracks: Tracks) -> tuple[np.ndarray, ...]:
    return tracks.ids, tracks.boxes, tracks.scores, tracks.detected


def test_the_command_fails_in_one_line(cli: Cli, whole: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.poses.h5"
    outcome = cli("compare", whole, missing)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"error: {missing}: no such file; expected a *.poses.h5 file that hpe-volleyball wrote\n"
    )
    assert cli("compare", whole).code == 2


def test_without_fingerprints_nobody_can_tell_whether_the_source_is_the_same(
    tmp_path: Path,
) -> None:
    paths = [save(tmp_path / name, map(person, range(5))) for name in ("a.h5", "b.h5")]
    assert compare_files(*paths).same_source
    for path in paths:
        with h5py.File(path, "r+") as file:
            del file.attrs["source_fingerprint"]
    assert not compare_files(*paths).same_source


def test_other_sources_are_compared_and_told_apart(cli: Cli, whole: Path, tmp_path: Path) -> None:
    """A copy that was encoded anew is another file of the same video."""
    other = replace(HEADER, source_fingerprint="other")
    copy = save(tmp_path / "copy.poses.h5", map(person, range(40)), other)
    assert compare_files(whole, whole).same_source
    assert not compare_files(whole, copy).same_source
    assert compare_files(whole, copy).scores.tracks.idf1 == 1
    assert cli("compare", whole, whole).err == ""
    outcome = cli("compare", whole, copy)
    assert outcome.code == 0
    assert outcome.err.startswith(f"warning: {whole} and {copy} were not made from the same file")
