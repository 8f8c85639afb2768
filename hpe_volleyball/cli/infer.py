"""`hpe-volleyball infer`: a video through the whole program."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpe_volleyball.choices import Quality
from hpe_volleyball.cli.common import (
    INTERRUPTED,
    Det,
    DetInterval,
    DeviceOption,
    Mirror,
    ModelsDir,
    ModeOption,
    Offline,
    OutputDir,
    Overwrite,
    Pose,
    PrecisionOption,
    Quiet,
    parse_polygon,
    parse_time,
    print_all,
    print_line,
    run_options,
)
from hpe_volleyball.files import is_directory
from hpe_volleyball.models.catalogue import LOWEST_SCORE

if TYPE_CHECKING:
    from hpe_volleyball.options import InferOptions


def infer(
    videos: Annotated[
        list[str],
        typer.Argument(
            metavar="VIDEO...",
            help="The video: MP4, MOV, MKV, AVI, ...; or several, or directories of them (not what "
            "lies deeper); or one "
            "live source: the number of a camera, rtsp://..., http://..., a named pipe.",
        ),
    ],
    mode: ModeOption = "auto",
    det: Det = None,
    pose: Pose = None,
    models_dir: ModelsDir = None,
    offline: Offline = False,
    mirror: Mirror = None,
    output_dir: OutputDir = Path("output"),
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    det_interval: DetInterval = 4,
    pose_interval: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="M",
            help="Find poses on every M-th frame, M at most N; in between they lie on straight "
            "lines. Faster, less exact.",
        ),
    ] = 1,
    no_lookahead: Annotated[
        bool,
        typer.Option(
            "--no-lookahead",
            show_default="off",
            help="Settle every frame at once instead of waiting for the next detections: lowest "
            "latency, less exact boxes.",
        ),
    ] = False,
    det_size: Annotated[
        int | None,
        typer.Option(
            min=32,
            metavar="PIXELS",
            show_default="the model's, else 640",
            help="Longer side of the detector's input, a multiple of 32, for models with a free "
            "input size.",
        ),
    ] = None,
    det_score: Annotated[
        float,
        typer.Option(
            min=LOWEST_SCORE,
            max=1.0,
            metavar="SCORE",
            help="Detector score from which an unknown person gets an id; weaker detections, from "
            f"{LOWEST_SCORE} up, only continue a known track.",
        ),
    ] = 0.4,
    court: Annotated[
        str | None,
        typer.Option(
            metavar="X1,Y1,...",
            show_default="the whole picture",
            help="Track only people whose feet are inside this polygon: corners in pixels of the "
            "video, or a JSON file with [[x, y], ...].",
        ),
    ] = None,
    max_people: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default="no limit",
            help="Track at most so many people, those that the detector is surest of.",
        ),
    ] = None,
    pose_batch: Annotated[
        int, typer.Option(min=1, metavar="N", help="Most people in one call of the pose model.")
    ] = 16,
    start: Annotated[
        float,
        typer.Option(
            parser=parse_time,
            metavar="TIME",
            show_default="the beginning of the video",
            help="First time: seconds or h:mm:ss.",
        ),
    ] = 0.0,
    end: Annotated[
        float | None,
        typer.Option(
            parser=parse_time,
            metavar="TIME",
            show_default="the end of the video",
            help="Time to stop before: seconds or h:mm:ss.",
        ),
    ] = None,
    max_frames: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default="all", help="Stop after so many frames."),
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            parser=parse_time,
            metavar="TIME",
            show_default="all, live: until Ctrl-C",
            help="Stop after so much time: seconds or h:mm:ss.",
        ),
    ] = None,
    no_video: Annotated[
        bool, typer.Option("--no-video", show_default="off", help="Write no overlay video.")
    ] = False,
    video_height: Annotated[
        int | None,
        typer.Option(
            min=16,
            metavar="PIXELS",
            show_default="the source's",
            help="Height of the overlay video, where the source is higher: faster, smaller.",
        ),
    ] = None,
    video_quality: Annotated[
        Quality, typer.Option(help="How much of the pictures the overlay video keeps.")
    ] = "medium",
    no_data: Annotated[
        bool, typer.Option("--no-data", show_default="off", help="Write no data file.")
    ] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show", show_default="off", help="Show the overlay in a window; q stops the run."
        ),
    ] = False,
    overwrite: Overwrite = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            show_default="off",
            help="Go on where an interrupted run with the same settings stopped.",
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            show_default="off",
            help="Stop when the overlay video cannot be written, also if the data could go on.",
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Track the players of a video and find their poses.

    Writes NAME.overlay.mp4 (to look at), NAME.poses.h5 (all numbers) and NAME.run.json (how they
    were made, and where the time went). Of several videos those are skipped whose results are
    there already, made with the same settings.
    """
    _infer(videos, options_from(locals()), quiet=quiet)


def options_from(given: Mapping[str, Any]) -> InferOptions:
    """The options of a run from the arguments of `infer`, by name."""
    return run_options(
        det=given["det"],
        pose=given["pose"],
        mode=given["mode"],
        models_dir=given["models_dir"],
        offline=given["offline"],
        mirror=given["mirror"],
        output_dir=given["output_dir"],
        device=given["device"],
        precision=given["precision"],
        det_interval=given["det_interval"],
        pose_interval=given["pose_interval"],
        lookahead=not given["no_lookahead"],
        det_size=given["det_size"],
        det_score=given["det_score"],
        court=parse_polygon(given["court"]),
        max_people=given["max_people"],
        pose_batch=given["pose_batch"],
        start_s=given["start"],
        end_s=given["end"],
        max_frames=given["max_frames"],
        max_seconds=given["max_seconds"],
        video=not given["no_video"],
        video_height=given["video_height"],
        video_quality=given["video_quality"],
        data=not given["no_data"],
        show=given["show"],
        overwrite=given["overwrite"],
        resume=given["resume"],
        strict=given["strict"],
    )


def _infer(videos: list[str], options: InferOptions, *, quiet: bool) -> None:
    if len(videos) == 1 and not is_directory(Path(videos[0])):
        _infer_one(videos[0], options, quiet=quiet)
    else:
        _infer_all(videos, options, quiet=quiet)


def _infer_one(video: str, options: InferOptions, *, quiet: bool) -> None:
    from hpe_volleyball.models.pair import open_ahead

    # What is imported below takes as long as the models: both happen side by side.
    ahead = open_ahead(options)
    from hpe_volleyball.cli.progress import load_shown
    from hpe_volleyball.console.progress import Progress
    from hpe_volleyball.finished import is_finished
    from hpe_volleyball.infer import infer_video
    from hpe_volleyball.source import expected_frames

    frames = expected_frames(video, options)
    models = load_shown(options, quiet=quiet, ahead=ahead)
    if options.resume and is_finished(Path(video), options, models.hashes):
        # A job that is begun again does not know how far it had come.
        if not quiet:
            print_line(f"{video}: skipped, its results are there, made with the same settings")
        return
    with Progress(frames, quiet=quiet) as progress:
        summary = infer_video(video, options, models=models, on_frame=progress.advance)
    if not quiet:
        from hpe_volleyball.console.report import run_facts, timing_table

        print_all(timing_table(summary), run_facts(summary))
    for kind, reason in summary.failed.items():
        typer.echo(f"error: {kind}: {reason}. The other results are complete", err=True)
    if not summary.complete:
        raise typer.Exit(INTERRUPTED)
    if summary.failed:
        raise typer.Exit(1)


def _infer_all(paths: list[str], options: InferOptions, *, quiet: bool) -> None:
    from hpe_volleyball.batch import Batch, find_recordings
    from hpe_volleyball.cli.progress import load_shown, shown, tell
    from hpe_volleyball.console.batch_report import batch_table

    videos = find_recordings(paths)
    outcomes = []
    batch = Batch(options, load=partial(load_shown, quiet=quiet))
    for outcome in batch.run_all(videos, partial(shown, quiet=quiet)):
        outcomes.append(outcome)
        tell(outcome, quiet=quiet)
    if not quiet:
        print_all(batch_table(outcomes, len(videos)))
    states = {outcome.state for outcome in outcomes}
    if any(outcome.ends_all for outcome in outcomes):
        raise typer.Exit(INTERRUPTED)
    if "failed" in states:
        raise typer.Exit(1)
