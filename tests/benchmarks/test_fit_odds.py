"""Fitting the log-odds of pairs, to truths that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fit_odds import OVERLAP_ALONE, _shown, fit, pairs_of
from scenarios import SCENARIOS, scenario

from hpe_volleyball.synthetic.rally import Truth
from hpe_volleyball.tracking.odds import CONSTANT, MEASURES, log_odds, terms_of


def test_fitting_finds_the_odds_that_made_the_pairs() -> None:
    rng = np.random.default_rng(0)
    measured = rng.uniform(0.3, 1, (60000, len(MEASURES)))
    measured[:, MEASURES.index("early")] = np.nan
    true = {**OVERLAP_ALONE, "pose": {CONSTANT: -4.0, "iou * pose": 9.0, "score": -2.0}}
    chance = 1 / (1 + np.exp(-log_odds(measured[None], true)[0]))
    same = rng.random(len(measured)) < chance
    # The kinds that are not among the pairs need some too.
    rest = np.tile(rng.uniform(0.3, 1, (40, len(MEASURES))), (3, 1))
    rest[:80, MEASURES.index("pose")] = np.nan
    rest[:40, MEASURES.index("early")] = np.nan
    weak = rest[:40] * np.where(np.arange(len(MEASURES)) == MEASURES.index("score"), 0.2, 1)
    more = np.concatenate([rest, weak])
    table = fit(np.concatenate([measured, more]), np.concatenate([same, more[:, 0] > 0.6]))
    found = 1 / (1 + np.exp(-log_odds(measured[None], table)[0]))
    assert np.abs(found - chance).mean() < 0.01
    assert table["pose"].keys() <= {CONSTANT, *terms_of("pose")}


def test_who_is_in_a_box() -> None:
    """Two people overlap; the one in front is the second."""
    boxes = np.array([[0.0, 0, 40, 100], [4, 0, 44, 100], [200, 0, 240, 100]])
    truth = Truth(
        ids=np.array([3, 5, 9], np.int32),
        boxes=boxes.astype(np.float32),
        keypoints=np.zeros((3, 17, 2), np.float32),
        visible=np.zeros((3, 17), np.bool_),
        occlusion=np.array([0.9, 0.0, 0.0], np.float32),
    )
    asked = np.array([[1.0, 0, 41, 100], [201, 0, 241, 100], [400, 0, 440, 100], [-20, 0, 18, 100]])
    assert _shown(asked, truth).tolist() == [5, 9, 0, 0]


@pytest.mark.slow
def test_pairs_of_a_scenario_are_told_apart_by_overlap(tmp_path: Path) -> None:
    measured, same = pairs_of(31, table=OVERLAP_ALONE, folder=tmp_path)
    assert len(measured) == len(same) > 1000
    assert measured[same, 0].mean() > 0.6
    assert measured[~same, 0].mean() < 0.4


def test_the_benchmarks_are_not_fitted_to() -> None:
    assert scenario(31).config().seed not in {one.config().seed for one in SCENARIOS}
    assert scenario(4) == SCENARIOS[4]
