"""The rows: one thing more on in each, the last one is the program as it is."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hpe_volleyball.bench.rows import candidate_rows, coarser_rows, cumulative_rows
from hpe_volleyball.models.devices import Precision
from hpe_volleyball.options import InferOptions, Tuning

FULL = InferOptions(det=Path("d.onnx"), pose=Path("p.onnx"), precision="fp32")


def flat(options: InferOptions) -> dict[str, Any]:
    """Every setting by name."""
    values = {f.name: getattr(options, f.name) for f in fields(options)}
    tuning = values.pop("tuning")
    return {**values, **{f.name: getattr(tuning, f.name) for f in fields(tuning)}}


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_each_row_differs_from_the_one_above_in_one_setting(precision: Precision) -> None:
    rows = cumulative_rows(replace(FULL, precision=precision))
    changed = []
    for above, row in pairwise(rows):
        before, after = flat(above.options), flat(row.options)
        changed.append([name for name in before if before[name] != after[name]])
    wanted = ["graph_optimisation", "fitted_input", "pose_tracked", "pose_batch"]
    wanted += ["det_interval", "overlap"]
    assert changed == [[name] for name in wanted + ["precision"] * (precision == "auto")]
    assert len({row.key for row in rows}) == len(rows)


def test_the_first_row_has_nothing_on_and_the_last_one_all() -> None:
    rows = cumulative_rows(replace(FULL, precision="auto"))
    off = Tuning(graph_optimisation=False, fitted_input=False, pose_tracked=False, overlap=False)
    assert rows[0].options == replace(FULL, det_interval=1, pose_batch=1, tuning=off)
    assert rows[-1].options == replace(FULL, precision="auto")
    assert cumulative_rows(FULL)[-1].options == FULL


def test_no_row_for_what_is_not_used() -> None:
    plain = replace(FULL, det_interval=1, pose_batch=1)
    keys = [row.key for row in cumulative_rows(plain)]
    assert keys == ["baseline", "graph", "fitted", "tracked", "overlap"]


def test_candidates_change_nothing_that_changes_results() -> None:
    rows = candidate_rows(FULL)
    assert [row.key for row in rows] == ["no_batch", "no_overlap", "few"]
    for row in rows:
        before, after = flat(FULL), flat(row.options)
        changed = [name for name in before if before[name] != after[name]]
        assert changed in (["pose_batch"], ["overlap"])
        assert not row.listed


def test_a_row_with_fewer_poses_is_shown_where_every_frame_has_some() -> None:
    [row] = coarser_rows(FULL)
    assert row.options == replace(FULL, pose_interval=2)
    assert row.listed
    assert row.coarser
    assert coarser_rows(replace(FULL, pose_interval=2)) == []
    assert coarser_rows(replace(FULL, det_interval=1)) == []
    assert not any(row.coarser for row in cumulative_rows(FULL) + candidate_rows(FULL))
