"""Measures what detection every N frames costs and saves; writes track_interval.json and .md.

On the synthetic scenarios results are scored against the truth; on real clips (with --clips, --det
and --pose) the results at N = 4 and 8 against those at N = 1 of the same detections.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from clips import CLIPS, Clip, load_detector
from interval_tables import tables
from runs import Method, Run, run
from scenarios import SCENARIOS, UNSEEN, Court, Scenario
from writing import RESULTS, origin, write_results

from hpe_volleyball.demo import truth_of
from hpe_volleyball.evaluation.metrics import compare
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmpose import RTMPose
from hpe_volleyball.records import TRUSTED_SCORE

METHODS = (
    *(Method(f"ours, N = {n}", n) for n in (1, 2, 4, 8)),
    Method("ours, N = 4, no look-ahead", 4, lookahead=False),
    Method("ByteTrack, every frame", 1, bytetrack=True),
    *(Method(f"ByteTrack, N = {n}, straight lines", n, bytetrack=True) for n in (4, 8)),
)
REAL_METHODS = (Method("N = 1", 1), Method("N = 4", 4), Method("N = 8", 8))
TIMED = (10, 13, 15)
"""Scenarios with 12 people: a rally, a game at the net, a defence."""
_ROUNDS = 3


def main() -> None:
    """Run everything and write the results."""
    options = _options()
    # One thread per process: the processes that measure inherit this.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    content: dict[str, Any] = origin()
    content["runs"] = [row for rows in _in_processes(options.workers, UNSEEN) for row in rows]
    content["track_ms"] = _timings()
    if options.clips:
        content["clips"] = _clip_rows(options.clips, options.det, options.pose)
    markdown = tables(content, [method.name for method in METHODS])
    write_results("track_interval", content, markdown, options.results)
    print(markdown)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--clips", type=Path, metavar="DIR", help=f"holds {', '.join(CLIPS)} (.mp4)"
    )
    parser.add_argument("--det", type=Path, metavar="FILE", help="RTMDet model for the clips")
    parser.add_argument("--pose", type=Path, metavar="FILE", help="RTMPose model for the clips")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    options = parser.parse_args()
    if len({options.clips is None, options.det is None, options.pose is None}) > 1:
        parser.error("--clips, --det and --pose belong together")
    return options


def _in_processes(workers: int, scenarios: tuple[Scenario, ...]) -> list[list[dict[str, Any]]]:
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(pool.map(score_scenario, scenarios))


def score_scenario(scenario: Scenario) -> list[dict[str, Any]]:
    """All methods on one scenario, against its truth."""
    court = Court(scenario)
    truth = truth_of(court.rally)
    rows = []
    for method in METHODS:
        found = run(method, court.frames(), scenario.fps, court.detector, court.poser)
        scores = compare(truth, found.people, frames=np.arange(found.frames))
        tracks, poses = scores.tracks, scores.poses
        minutes = found.frames / scenario.fps / 60
        rows.append(
            {
                "method": method.name,
                "scenario": scenario.name,
                "idf1": tracks.idf1,
                "switches_per_min": tracks.switches / minutes,
                "fragmentations_per_min": tracks.fragmentations / minutes,
                "recall": tracks.recall,
                "precision": tracks.precision,
                "box_iou": tracks.box_iou,
                "pck": poses.pck if poses else None,
                "oks": poses.oks if poses else None,
                "ids": tracks.result_ids,
                **_cost(found),
            }
        )
    return rows


def _cost(found: Run) -> dict[str, Any]:
    return {
        "calls": found.detector_calls / found.frames,
        **{f"calls, {why}": n / found.frames for why, n in sorted(found.extra_calls.items())},
        "crops_per_row": found.crops / max(1, len(found.people.frame)),
    }


def _timings() -> dict[str, float]:
    """By method, milliseconds of the tracking stage per frame, in one process of one thread."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(time_methods).result()


def time_methods() -> dict[str, float]:
    """Time all methods on the scenarios `TIMED`."""
    import cv2  # noqa: PLC0415 - only the process that measures needs it

    cv2.setNumThreads(1)
    courts = [Court(SCENARIOS[number]) for number in TIMED]
    frames = sum(court.rally.n_frames for court in courts)
    return {
        method.name: 1e3 * sum(_least_track_s(method, court) for court in courts) / frames
        for method in METHODS
    }


def _least_track_s(method: Method, court: Court) -> float:
    """Seconds of the tracking stage, the least of some rounds: other processes only add."""
    fps = court.scenario.fps
    return min(
        run(method, court.frames(), fps, court.detector, court.poser).track_s
        for _ in range(_ROUNDS)
    )


def _clip_rows(folder: Path, det: Path, pose: Path) -> list[dict[str, Any]]:
    """Agreement with N = 1 on real clips; the detector looks at every frame once."""
    detector, poser = load_detector(det), RTMPose(open_session(pose, "cpu"))
    rows = []
    for name in CLIPS:
        clip = Clip(folder / f"{name}.mp4", detector)
        reference = None
        for method in REAL_METHODS:
            found = run(method, clip.frames(), clip.rate, clip, poser)
            reference = reference or found
            scores = compare(
                reference.people,
                found.people,
                frames=np.arange(found.frames),
                min_score=TRUSTED_SCORE,
            )
            rows.append(
                {
                    "clip": name,
                    "method": method.name,
                    "frames": found.frames,
                    "idf1": scores.tracks.idf1,
                    "oks": scores.poses.oks if scores.poses else None,
                    "switches": scores.tracks.switches,
                    "ids": scores.tracks.result_ids,
                    **_cost(found),
                }
            )
    return rows


if __name__ == "__main__":
    main()
