"""From frames to results, with the models and the options of a run."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import partial

from hpe_volleyball.court import PeopleFilter
from hpe_volleyball.loaded import Models
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.models.devices import PROVIDERS
from hpe_volleyball.options import InferOptions
from hpe_volleyball.pipeline import run_pipeline
from hpe_volleyball.records import Frame, FrameResult
from hpe_volleyball.timing import StageClocks
from hpe_volleyball.tracking.tracker import PlayerTracker


def new_tracker(info: VideoInfo, options: InferOptions) -> PlayerTracker:
    """A tracker as the options ask for it."""
    return PlayerTracker(
        rate=float(info.rate),
        det_interval=options.det_interval,
        pose_interval=options.pose_interval,
        start_score=options.det_score,
        lookahead=options.lookahead,
        pose_tracked=options.tuning.pose_tracked,
    )


def process(
    frames: Iterable[Frame],
    models: Models,
    tracker: PlayerTracker,
    clocks: StageClocks,
    options: InferOptions,
) -> Generator[FrameResult]:
    """The results of frames, of those people who take part.

    Raises:
        HpeError: from a stage or from `frames`, see `run_pipeline`.
    """
    run = partial(
        run_pipeline,
        frames,
        tracker=tracker,
        poser=models.poser,
        clocks=clocks,
        beside=options.tuning.overlap and models.provider == PROVIDERS["cpu"],
    )
    if options.court is None and options.max_people is None:
        return run(detector=models.detector)
    people = PeopleFilter(
        models.detector,
        court=options.court,
        max_people=options.max_people,
        shown_score=options.det_score,
    )
    return people.mark(run(detector=people))
