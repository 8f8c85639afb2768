"""Who is tracked from keyframe to keyframe, with windows settled one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hpe_volleyball.records import Frame
from hpe_volleyball.tracking.association import associate
from hpe_volleyball.tracking.candidates import find_candidates
from hpe_volleyball.tracking.carrying import Place, drift
from hpe_volleyball.tracking.roster import Roster
from hpe_volleyball.tracking.steps import Steps
from tests.scene import RATE, Scene, frame, walker

START_SCORE = 0.4


class Windows:
    """Settles window after window of a scene in which nobody is seen between keyframes."""

    def __init__(
        self, scene: Scene, *, lookahead: bool = True, start_score: float = START_SCORE
    ) -> None:
        self.scene = scene
        self.steps = Steps(RATE)
        self.roster = Roster(self.steps, start_score=start_score, lookahead=lookahead)

    def settle(self, *indices: int) -> list[Frame]:
        """Settle these frames, the last one a keyframe."""
        frames = [frame(index) for index in indices]
        path: list[list[Place]] = []
        for each in frames:
            self.steps.add(each)
            before = path[-1] if path else self.roster.places
            path.append([drift(place, self.steps.before(each)) for place in before])
        found = find_candidates(frames[-1], self.scene, self.scene)
        match = associate(self.roster.carried(path[-1], frames[-1]), found, START_SCORE)
        self.roster.settle(frames, path, found, match, self.scene)
        return frames

    def ids(self) -> list[int]:
        return [track.id for track in self.roster.tracks]

    def rows(self, frames: Sequence[Frame]) -> list[list[int]]:
        """Ids in the results of these frames."""
        keyframes = [each is frames[-1] for each in frames]
        results = self.roster.take(frames, keyframes, self.scene)
        assert [result.keyframe for result in results] == keyframes
        return [result.tracks.ids.tolist() for result in results]


def test_at_the_first_keyframe_everybody_gets_an_id() -> None:
    scene = Scene([walker(100), walker(300)], scores={(1, 0): 0.45})
    windows = Windows(scene)
    assert not windows.roster.started
    frames = windows.settle(0)
    assert windows.roster.started
    assert windows.ids() == [1, 2]
    assert windows.rows(frames) == [[1, 2]]


def test_later_an_unsure_person_gets_one_when_found_again() -> None:
    scene = Scene([walker(100), walker(300, first=1)], scores={(1, 1): 0.45, (1, 2): 0.45})
    windows = Windows(scene)
    windows.settle(0)
    windows.settle(1)
    assert windows.ids() == [1, 0]
    windows.settle(2)
    assert windows.ids() == [1, 2]


def test_an_unsure_person_who_is_not_found_again_is_forgotten_without_a_row() -> None:
    windows = Windows(Scene([walker(100), walker(300, first=1, end=2)], scores={(1, 1): 0.45}))
    windows.settle(0)
    frames = windows.settle(1) + windows.settle(2)
    assert windows.ids() == [1]
    assert windows.rows(frames) == [[1], [1]]


def test_whoever_is_missed_keeps_the_id_for_two_seconds() -> None:
    seconds = int(RATE)
    windows = Windows(Scene([walker(100), walker(300)], missed={(1, k) for k in range(1, 1000)}))
    windows.settle(0)
    windows.settle(2 * seconds)
    assert windows.ids() == [1, 2]
    assert [track.missed for track in windows.roster.tracks] == [False, True]
    windows.settle(2 * seconds + 1)
    assert windows.ids() == [1]


def test_rows_of_a_track_that_ended_are_still_given() -> None:
    windows = Windows(Scene([walker(100), walker(300, end=1)]))
    first = windows.settle(0)
    windows.settle(150)
    assert windows.ids() == [1]
    assert windows.rows(first) == [[1, 2]]
    assert not windows.roster._ended, "nothing is left of it then"


@pytest.mark.parametrize("lookahead", [True, False])
def test_a_new_person_is_followed_back_where_frames_wait_for_it(lookahead: bool) -> None:
    windows = Windows(Scene([walker(100), walker(300, 2.0, first=2)]), lookahead=lookahead)
    windows.settle(0)
    windows.settle(1, 2, 3, 4)
    assert windows.ids() == [1, 2]
    [_, newcomer] = windows.roster.tracks
    assert sorted(newcomer.rows) == ([2, 3, 4] if lookahead else [4])


def test_a_new_person_has_a_pose_however_weak_the_detection() -> None:
    """Below the score from which detections get their pose at once (0.3)."""
    scene = Scene([walker(100), walker(300, 2.0, first=2)], scores={(0, 0): 0.2, (1, 4): 0.2})
    windows = Windows(scene, start_score=0.1)
    windows.settle(0)
    windows.settle(1, 2, 3, 4)
    first, newcomer = windows.roster.tracks
    for track in (first, newcomer):
        for row in track.rows.values():
            assert row.pose is None or row.pose[1].min() > 0.3
    assert sorted(newcomer.rows) == [2, 3, 4]


def test_a_box_between_two_detections_ends_in_the_second_one() -> None:
    windows = Windows(Scene([walker(100, 5.0)]))
    windows.settle(0)
    frames = windows.settle(1, 2, 3, 4)
    [track] = windows.roster.tracks
    rows = [track.rows[each.index] for each in frames]
    middle = [row.box[[0, 2]].mean() for row in rows]
    np.testing.assert_allclose(middle, [105, 110, 115, 120], atol=1e-3)
    assert [row.detected for row in rows] == [False, False, False, True]


def test_a_new_person_is_followed_back_to_where_somebody_is_already() -> None:
    """Who steps out from behind somebody was that person's second box before."""
    windows = Windows(Scene([walker(100), walker(100, 6.0)], missed={(1, 0)}))
    windows.settle(0)
    windows.settle(1, 2, 3, 4)
    [_, newcomer] = windows.roster.tracks
    assert sorted(newcomer.rows) == [2, 3, 4]  # in frame 1 the boxes overlap by 0.74


def test_who_was_carried_onto_somebody_else_is_missed_where_they_were_before() -> None:
    windows = Windows(Scene([walker(150, end=1), walker(100)]))
    windows.settle(0)
    gone, there = windows.roster.places
    frames = [frame(1), frame(2)]
    for each in frames:
        windows.steps.add(each)
    path = [[gone, there], [there, there]]
    found = find_candidates(frames[-1], windows.scene, windows.scene)
    match = associate(windows.roster.carried(path[-1], frames[-1]), found, START_SCORE)
    assert match.pairs == {1: 0}
    windows.roster.settle(frames, path, found, match, windows.scene)
    [missed, _] = windows.roster.tracks
    assert missed.missed
    np.testing.assert_allclose(missed.place.box, gone.box)
    assert not missed.place.seen


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.5), (0.5, 0.9)])
def test_between_two_detections_the_lower_score_counts(first: float, second: float) -> None:
    windows = Windows(Scene([walker(100)], scores={(0, 0): first, (0, 3): second}))
    windows.settle(0)
    windows.settle(1, 2, 3)
    [track] = windows.roster.tracks
    assert [track.rows[k].score for k in range(4)] == pytest.approx([first, 0.5, 0.5, second])


def test_without_lookahead_nothing_is_kept_of_frames_given_out() -> None:
    """Their results are gone; only the keyframe's are still to come."""
    windows = Windows(Scene([walker(100)], missed={(0, 4)}), lookahead=False)
    windows.rows(windows.settle(0))
    windows.settle(1, 2, 3, 4)
    [track] = windows.roster.tracks
    assert track.missed
    assert list(track.rows) == [4]


def test_who_goes_past_somebody_without_a_look_does_not_go_out_of_sight() -> None:
    """No pose was looked for, so it cannot be somebody else's."""
    windows = Windows(Scene([walker(150, end=1), walker(100)]))
    windows.settle(0)
    _, there = windows.roster.places
    last = frame(1)
    windows.steps.add(last)
    path = [[replace(there, unlooked_s=1 / RATE), there]]
    found = find_candidates(last, windows.scene, windows.scene)
    match = associate(windows.roster.carried(path[-1], last), found, START_SCORE)
    assert match.pairs == {1: 0}
    windows.roster.settle([last], path, found, match, windows.scene)
    [missed, _] = windows.roster.tracks
    assert missed.missed
    assert missed.place.blind_s == 0
    np.testing.assert_allclose(missed.place.box, there.box)


def test_who_has_lost_the_pose_at_the_border_stays_in_the_picture() -> None:
    windows = Windows(Scene([walker(22, end=1), walker(100)]))
    windows.settle(0)
    first, _ = windows.roster.tracks
    assert first.place.box[0] > 0
    first.place = replace(first.place, velocity=np.array([-700.0, 0.0]))
    last = frame(1)
    windows.steps.add(last)
    there = windows.roster.places[1]
    found = find_candidates(last, windows.scene, windows.scene)
    path = [[there, there]]  # the first one's pose is the second's
    match = associate(windows.roster.carried(path[-1], last), found, START_SCORE)
    assert match.pairs == {1: 0}
    windows.roster.settle([last], path, found, match, windows.scene)
    [missed, _] = windows.roster.tracks
    assert missed.missed
    assert missed.place.blind_s > 0
    assert missed.place.box[0] == 0


def test_people_are_handed_on_with_the_time_since_they_were_detected() -> None:
    windows = Windows(Scene([walker(100, end=1), walker(300)]))
    windows.settle(0)
    windows.settle(1, 2)
    windows.settle(3, 4)
    people = windows.roster.carried(windows.roster.places, frame(4))
    assert [person.undetected_s for person in people] == pytest.approx([4 / RATE, 0])
    assert [person.confirmed for person in people] == [True, True]
