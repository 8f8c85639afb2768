"""What is measured: a row for each optimisation, on top of those before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hpe_volleyball.options import InferOptions

BASELINE, FASTEST = "baseline", "fastest"

_POSE_INTERVAL = 2
"""Tried where every frame has poses."""

_FEW = 4
"""People in one call of the pose model, tried besides the batch that was asked for."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One optimisation, and how a run does without it."""

    key: str
    name: str
    off: Callable[[InferOptions], InferOptions]


@dataclass(frozen=True, slots=True)
class Row:
    """A run to be measured."""

    key: str
    name: str
    options: InferOptions
    listed: bool = True
    """False: measured in the search for the fastest combination only."""
    coarser: bool = False
    """It gives other results than the program as it is; never called the fastest."""


def switches(options: InferOptions) -> list[Switch]:
    """The optimisations that `options` uses, in the order of the rows."""
    found = [
        Switch("graph", "optimised nets", lambda o: _tuned(o, graph_optimisation=False)),
        Switch("fitted", "fitted input", lambda o: _tuned(o, fitted_input=False)),
        Switch("tracked", "tracked poses", lambda o: _tuned(o, pose_tracked=False)),
        Switch("batch", "batched pose", lambda o: replace(o, pose_batch=1)),
        Switch(
            "interval",
            f"detect every {options.det_interval}",
            lambda o: replace(o, det_interval=1),
        ),
        Switch("overlap", "overlap", lambda o: _tuned(o, overlap=False)),
        Switch("fp16", "FP16", lambda o: replace(o, precision="fp32")),
    ]
    return [switch for switch in found if switch.off(options) != options]


def cumulative_rows(options: InferOptions) -> list[Row]:
    """From none of the optimisations to all that `options` uses, each row adding one."""
    used = switches(options)
    rows = []
    for count in range(len(used) + 1):
        without = options
        for switch in used[count:]:
            without = switch.off(without)
        row = used[count - 1] if count else None
        rows.append(
            Row(row.key, f"+ {row.name}", without) if row else Row(BASELINE, "baseline", without)
        )
    return rows


def coarser_rows(options: InferOptions) -> list[Row]:
    """All that `options` uses and poses on fewer frames: what that gains, and what it costs."""
    if options.pose_interval > 1 or options.det_interval < _POSE_INTERVAL:
        return []
    fewer = replace(options, pose_interval=_POSE_INTERVAL)
    return [Row("pose_interval", f"all, poses every {_POSE_INTERVAL}", fewer, coarser=True)]


def candidate_rows(options: InferOptions) -> list[Row]:
    """Other combinations that give the same results and may be faster on some machine."""
    rows = [
        Row(f"no_{switch.key}", f"all but {switch.name}", switch.off(options), listed=False)
        for switch in switches(options)
        if switch.key in {"batch", "overlap"}
    ]
    if options.pose_batch > _FEW:
        fewer = replace(options, pose_batch=_FEW)
        rows.append(Row("few", f"all, pose in batches of {_FEW}", fewer, listed=False))
    return rows


def settings(options: InferOptions) -> dict[str, Any]:
    """What sets the rows apart, by name."""
    return {
        "det_interval": options.det_interval,
        "pose_interval": options.pose_interval,
        "pose_batch": options.pose_batch,
        "graph_optimisation": options.tuning.graph_optimisation,
        "fitted_input": options.tuning.fitted_input,
        "pose_tracked": options.tuning.pose_tracked,
        "overlap": options.tuning.overlap,
        "precision": options.precision,
    }


def _tuned(options: InferOptions, **changes: bool) -> InferOptions:
    return replace(options, tuning=replace(options.tuning, **changes))
