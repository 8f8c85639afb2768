"""Tracks and poses scored together, and shown as a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpe_volleyball.evaluation.metrics import compare
from tests.evaluation.sides import people, posed


def test_compare_bundles_both() -> None:
    both = compare(posed(), posed((3, 4)))
    assert both.tracks.idf1 == 1
    assert both.poses is not None
    assert both.poses.median_px == pytest.approx(5, rel=1e-4)
    rows = dict(both.rows())
    assert rows["IDF1"] == "1.000"
    assert rows["joint distance, median"] == "5.00 px (2.50%)"
    assert rows["PCK@0.1"] == "1.000"

    half = dict(compare(posed(), posed(n=1)).rows())
    assert (half["IDP"], half["IDR"]) == ("1.000", "0.333")
    assert (half["precision"], half["recall"]) == ("1.000", "0.333")

    bare = compare(posed(), people([(0, 1, (0.0, 0.0, 100.0, 200.0))]))
    assert bare.poses is None
    assert "OKS" not in dict(bare.rows())
    assert dict(bare.rows())["missed boxes"] == "2"


def test_a_table_has_no_numbers_where_there_was_nobody() -> None:
    nobody = posed(n=0)
    rows = dict(compare(nobody, nobody).rows())
    shares = ("IDF1", "IDP", "IDR", "MOTA", "recall", "precision", "box IoU", "OKS", "PCK@0.1")
    assert {rows[name] for name in shares} == {"-"}
    assert rows["joint distance, median"] == rows["joint distance, p95"] == "-"
    assert (rows["matched boxes"], rows["ids, result"]) == ("0", "0")
    missed = dict(compare(posed(), nobody).rows())
    assert (missed["IDF1"], missed["recall"], missed["precision"]) == ("0.000", "0.000", "-")


def test_compare_passes_its_options_on() -> None:
    scores = np.full((3, 17), 0.2, np.float32)
    truth = posed(keypoint_scores=scores)
    both = compare(truth, posed(), frames=np.array([0, 1]), min_score=0.3)
    assert both.poses is not None
    assert both.poses.joints == 0
    assert len(both.tracks.pairs) == 2
    shifted = replace(truth, boxes=truth.boxes + np.float32(20))
    assert len(compare(truth, shifted, iou=0.9).tracks.pairs) == 0
