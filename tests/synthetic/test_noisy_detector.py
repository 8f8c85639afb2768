"""The noisy detector: its errors are those asked for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from hpe_volleyball.pipeline import Detector
from hpe_volleyball.records import Frame
from hpe_volleyball.similarity import share_inside
from hpe_volleyball.synthetic import DetectorErrors, NoisyDetector, Rally, RallyConfig

BLANK = np.zeros((4, 4, 3), np.uint8)
PERFECT = DetectorErrors(
    missed=0,
    missed_hidden=0,
    jitter=0,
    score_spread=0,
    score_drift=0,
    dips=0,
    doubles=0,
    false_boxes=0,
    merge_iou=1.0,
)


@pytest.fixture(scope="module")
def rally() -> Rally:
    return Rally(RallyConfig(width=960, height=540, fps=Fraction(25), seconds=10.0, play="net"))


def _frame(index: int) -> Frame:
    return Frame(index, index / 25, BLANK)


def test_without_errors_the_detector_says_the_truth(rally: Rally) -> None:
    detector: Detector = NoisyDetector(rally, PERFECT)
    for index in (0, 60, 249):
        found, truth = detector.detect(_frame(index)), rally.truth(index)
        np.testing.assert_allclose(
            np.sort(found.boxes, axis=0), np.sort(truth.boxes, axis=0), atol=1e-3
        )
        assert (np.diff(found.scores) <= 0).all()


def test_misses_come_at_the_rate_and_in_runs_of_the_length_asked() -> None:
    errors = DetectorErrors(missed=0.2, missed_run_s=0.1)
    missed = NoisyDetector(Rally(RallyConfig(seconds=80.0)), errors)._missed
    assert missed.mean() == pytest.approx(0.2, abs=0.02)
    starts = np.sum(np.diff(missed.astype(int), axis=1) == 1)
    assert missed.sum() / starts == pytest.approx(5.0, rel=0.1)


def test_hidden_people_are_missed_at_their_rate_and_for_a_while() -> None:
    errors = DetectorErrors(missed_hidden=0.4, missed_run_s=0.1)
    chance = NoisyDetector(Rally(RallyConfig(seconds=80.0)), errors)._overlooked
    assert np.mean(chance < 0.4) == pytest.approx(0.4, abs=0.02)
    changes = np.mean(np.diff(chance, axis=1) != 0)
    assert 1 / changes == pytest.approx(5.0, rel=0.1)


def test_missed_people_are_not_among_the_boxes(rally: Rally) -> None:
    only_misses = DetectorErrors(
        missed=0.3, missed_hidden=0, jitter=0, doubles=0, false_boxes=0, merge_iou=1.0
    )
    detector = NoisyDetector(rally, only_misses, seed=4)
    shares = []
    for index in range(0, 250, 5):
        found, truth = detector.detect(_frame(index)), rally.truth(index)
        shares.append(1 - len(found.boxes) / len(truth.ids))
    assert np.mean(shares) == pytest.approx(0.3, abs=0.08)


def test_jitter_dips_and_false_boxes_are_those_asked(rally: Rally) -> None:
    errors = DetectorErrors(
        missed=0, missed_hidden=0, jitter=0.03, dips=0.2, doubles=0, false_boxes=0.5, merge_iou=1.0
    )
    detector = NoisyDetector(rally, errors)
    shares, low, extra, people = [], 0, 0, 0
    for index in range(0, 250, 5):
        found, truth = detector.detect(_frame(index)), rally.truth(index)
        extra += len(found.boxes) - len(truth.ids)
        people += len(truth.ids)
        for box, occlusion in zip(truth.boxes, truth.occlusion, strict=True):
            away = np.abs(found.boxes - box).max(axis=1)
            best = int(away.argmin())
            if occlusion < 0.1:
                shares.append((found.boxes[best] - box) / np.tile(box[2:] - box[:2], 2))
                low += found.scores[best] < 0.46
    assert np.std(np.array(shares)) == pytest.approx(0.03, rel=0.1)
    assert low / len(shares) == pytest.approx(0.2, abs=0.05)
    assert extra / 50 == pytest.approx(0.5, abs=0.25)


def test_of_two_overlapping_boxes_the_front_one_stays(rally: Rally) -> None:
    merging = NoisyDetector(
        rally,
        DetectorErrors(
            missed=0, missed_hidden=0, jitter=0, dips=0, doubles=0, false_boxes=0, merge_iou=0.3
        ),
    )
    dropped = 0
    for index in range(0, 250, 5):
        found, truth = merging.detect(_frame(index)), rally.truth(index)
        gone = [
            row
            for row, box in enumerate(truth.boxes)
            if np.abs(found.boxes - box).max(axis=1).min() > 0.01
        ]
        dropped += len(gone)
        assert all(truth.occlusion[row] > 0 for row in gone)
    assert dropped > 5


def test_second_and_false_boxes_are_parts_of_people_and_weak(rally: Rally) -> None:
    errors = replace(PERFECT, doubles=1.5, double_score=0.16)
    scores, inside, people = [], [], 0
    for index in range(0, 250, 5):
        found, truth = NoisyDetector(rally, errors).detect(_frame(index)), rally.truth(index)
        true = (np.abs(found.boxes[:, None] - truth.boxes).max(axis=2) < 0.01).any(axis=1)
        scores += found.scores[~true].tolist()
        inside += (share_inside(found.boxes[~true], truth.boxes).max(axis=1) > 0.999).tolist()
        people += len(truth.ids)
    assert all(inside)
    assert len(scores) / people == pytest.approx(1.5, rel=0.1)
    assert np.mean(scores) == pytest.approx(0.16, abs=0.01)
    assert min(scores) >= 0.1


def test_scores_drift_slowly(rally: Rally) -> None:
    """The same spread over the rally as asked, and next to nothing from frame to frame."""
    drift = NoisyDetector(rally, DetectorErrors(score_drift=0.1))._drift
    assert drift.std() == pytest.approx(0.1, rel=0.15)
    assert np.diff(drift, axis=1).std() < 0.02
    still = NoisyDetector(rally, replace(PERFECT, score=0.8)).detect(_frame(7))
    np.testing.assert_allclose(still.scores.max(), 0.8, atol=1e-6)


def test_answers_do_not_depend_on_what_was_asked_before(rally: Rally) -> None:
    first, second = NoisyDetector(rally, seed=2), NoisyDetector(rally, seed=2)
    first.detect(_frame(11))
    assert np.array_equal(first.detect(_frame(30)).boxes, second.detect(_frame(30)).boxes)
    other = NoisyDetector(rally, seed=3).detect(_frame(30))
    assert not np.array_equal(other.scores, second.detect(_frame(30)).scores)
