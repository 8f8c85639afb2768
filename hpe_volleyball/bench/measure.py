"""Runs the rows: warm-up apart, then in turn, so that drift of the machine hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path

import numpy as np

from hpe_volleyball.bench.result import Agreement, BenchResult, RowResult
from hpe_volleyball.bench.rows import FASTEST, Row, settings
from hpe_volleyball.bench.scene import Scene
from hpe_volleyball.evaluation.compare import people_of
from hpe_volleyball.evaluation.metrics import Comparison, compare
from hpe_volleyball.evaluation.people import People
from hpe_volleyball.infer import infer_video
from hpe_volleyball.loaded import Models
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output import provenance
from hpe_volleyball.output.results import read_results
from hpe_volleyball.output.run_files import DATA
from hpe_volleyball.output.summary import RunSummary
from hpe_volleyball.records import TRUSTED_SCORE, FrameResult

WARM_UP = 6
"""Frames before the clock counts: lazy loading, arenas, the first shapes."""
BUDGET_S = 100.0
"""For all rounds together, where the number of frames is not given."""
LEAST, MOST = 12, 100
"""Frames of a run, where the number is not given."""


@dataclass(slots=True)
class _Measured:
    """One row, as its rounds are run."""

    row: Row
    runs: list[RunSummary] = field(default_factory=list)
    people: People | None = None

    @property
    def total_ms(self) -> list[float]:
        return [1e3 * run.wall_s / run.frames for run in self.runs]


class Bench:
    """Measures rows on a scene.

    Args:
        rows: What to measure; the first one is the baseline.
        scene: On what.
        folder: Gets the files of the runs.
        remarks: What the tables should say besides.
    """

    def __init__(
        self, rows: Sequence[Row], scene: Scene, folder: Path, *, remarks: Sequence[str] = ()
    ) -> None:
        self._scene = scene
        self._folder = folder
        self._remarks = list(remarks)
        self._measured = [_Measured(row) for row in rows]
        self._models: dict[InferOptions, Models] = {}

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self._measured)

    def warm_up(self, frames: int = WARM_UP) -> float:
        """Run every row for a few frames; the seconds that one frame of all rows takes.

        Raises:
            HpeError: see `infer_video`.
            KeyboardInterrupt: a run was stopped.
        """
        seconds = 0.0
        for measured in self._measured:
            self._run(measured.row, frames)
            run = self._run(measured.row, frames)
            seconds += run.wall_s / run.frames
        return seconds

    def measure(
        self, frames: int, rounds: int, on_frame: Callable[[FrameResult], None] | None = None
    ) -> BenchResult:
        """Run all rows in every round, in turn forwards and backwards.

        Args:
            frames: Of each run.
            rounds: How often each row is run.
            on_frame: Called with every result.

        Raises:
            HpeError: see `infer_video`.
            KeyboardInterrupt: a run was stopped.
        """
        for number in range(rounds):
            for measured in self._measured[:: -1 if number % 2 else 1]:
                run = self._run(measured.row, frames, on_frame)
                measured.runs.append(run)
                if measured.people is None:
                    measured.people = people_of(read_results(Path(run.outputs[DATA])))
        return self._result(rounds)

    def _models_of(self, row: Row) -> Models:
        """Loaded once for all rows that need the same."""
        key = _key(row)
        if key not in self._models:
            self._models[key] = self._scene.load(row.options)
        return self._models[key]

    def _run(
        self, row: Row, frames: int, on_frame: Callable[[FrameResult], None] | None = None
    ) -> RunSummary:
        options = replace(
            row.options,
            output_dir=self._folder / row.key,
            max_frames=frames,
            data=True,
            overwrite=True,
        )
        models = self._models_of(row)
        summary = infer_video(self._scene.clip, options, models=models, on_frame=on_frame)
        if not summary.complete:
            raise KeyboardInterrupt
        return summary

    def _result(self, rounds: int) -> BenchResult:
        baseline = self._measured[0]
        models = self._models_of(baseline.row)
        rows = [self._row_result(measured) for measured in self._measured]
        coarser = {measured.row.key for measured in self._measured if measured.row.coarser}
        fair = [row for row in rows if row.key not in coarser]
        fastest = min(fair, key=lambda row: row.total.median)
        clip, nets = self._scene.describe()
        return BenchResult(
            clip=clip,
            nets=nets,
            frames=baseline.runs[0].frames,
            rounds=rounds,
            provider=models.provider,
            models=provenance.describe_models(models.sessions),
            machine=dict(provenance.machine()),
            versions=provenance.versions(),
            rows=[*rows, replace(fastest, key=FASTEST, name="fastest found", listed=True)],
            fastest=fastest.key,
            remarks=[*self._remarks, *models.notes],
        )

    def _row_result(self, measured: _Measured) -> RowResult:
        row, runs, people = measured.row, measured.runs, measured.people
        reference = self._measured[0].people
        if people is None or reference is None:
            raise ValueError("_row_result: expected a row that was measured")
        stages: dict[str, list[float]] = {stage.stage: [] for stage in runs[0].stages}
        for run in runs:
            seconds = {stage.stage: stage.total_s for stage in run.stages}
            for name, ms in stages.items():
                ms.append(1e3 * seconds.get(name, 0.0) / run.frames)
        frames = np.arange(runs[0].frames)
        truth = self._scene.truth
        return RowResult(
            key=row.key,
            name=row.name,
            listed=row.listed,
            settings=settings(row.options),
            detector_calls=runs[0].detector_calls,
            total_ms=measured.total_ms,
            stage_ms=stages,
            overlapping=[stage.stage for stage in runs[0].stages if stage.overlaps],
            agreement=_agreement(
                compare(reference, people, frames=frames, min_score=TRUSTED_SCORE)
            ),
            truth=None if truth is None else _agreement(compare(truth, people, frames=frames)),
        )


def _key(row: Row) -> InferOptions:
    """What the models of a row depend on: all but what only the tracker looks at."""
    tuning = replace(row.options.tuning, pose_tracked=True)
    return replace(row.options, det_interval=1, pose_interval=1, tuning=tuning)


def _agreement(found: Comparison) -> Agreement:
    tracks, poses = found.tracks, found.poses
    compared = poses is not None and poses.joints > 0
    return Agreement(
        idf1=None if isnan(tracks.idf1) else tracks.idf1,
        switches=tracks.switches,
        oks=poses.oks if poses is not None and compared else None,
        p95_px=poses.p95_px if poses is not None and compared else None,
    )


def fitting_frames(
    seconds_per_frame: float, rounds: int, available: int | None, budget_s: float = BUDGET_S
) -> int:
    """Frames of a run such that all rounds fit into a budget, within limits.

    Args:
        seconds_per_frame: That one frame of all rows takes.
        rounds: How many times each row is run.
        available: Length of the clip; None if unknown.
        budget_s: Seconds for all rounds together.
    """
    fitting = int(budget_s / (rounds * seconds_per_frame))
    frames = max(LEAST, min(MOST, fitting))
    return frames if available is None else max(1, min(frames, available))
