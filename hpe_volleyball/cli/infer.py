"""`hpe-volleyball infer`: a video through the whole program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpe_volleyball.cli.common import (
    INTERRUPTED,
    Det,
    DetInterval,
    Device,
    DeviceOption,
    Mirror,
    Mode,
    ModelsDir,
    ModeOption,
    Offline,
    OutputDir,
    Overwrite,
    Pose,
    Quiet,
    VideoQuality,
    parse_polygon,
    parse_time,
    print_all,
)

if TYPE_CHECKING:
    from hpe_volleyball.options import InferOptions


def infer(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO", help="The video: MP4, MOV, MKV, AVI, ...")
    ],
    mode: ModeOption = Mode.AUTO,
    det: Det = None,
    pose: Pose = None,
    models_dir: ModelsDir = None,
    offline: Offline = False,
    mirror: Mirror = None,
    output_dir: OutputDir = Path("output"),
    device: DeviceOption = Device.AUTO,
    det_interval: DetInterval = 4,
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
            help="Side of the detector's input, a multiple of 32, for models with a free input "
            "size.",
        ),
    ] = None,
    det_score: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=1.0,
            metavar="SCORE",
            help="Detector score from which an unknown person gets an id; weaker detections, from "
            "0.1 up, only continue a known track.",
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
        VideoQuality, typer.Option(help="How much of the pictures the overlay video keeps.")
    ] = VideoQuality.MEDIUM,
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
    quiet: Quiet = False,
) -> None:
    """Track the players of a video and find their poses.

    Writes NAME.overlay.mp4 (to look at), NAME.poses.h5 (all numbers) and NAME.run.json (how they
    were made, and where the time went).
    """
    from hpe_volleyball.options import InferOptions

    options = InferOptions(
        det=det,
        pose=pose,
        mode=mode.value,
        models_dir=models_dir,
        offline=offline,
        mirror=mirror,
        output_dir=output_dir,
        device=device.value,
        det_interval=det_interval,
        lookahead=not no_lookahead,
        det_size=det_size,
        det_score=det_score,
        court=parse_polygon(court),
        max_people=max_people,
        pose_batch=pose_batch,
        start_s=start,
        end_s=end,
        max_frames=max_frames,
        video=not no_video,
        video_height=video_height,
        video_quality=video_quality.value,
        data=not no_data,
        show=show,
        overwrite=overwrite,
    )
    _infer(video, options, quiet=quiet)


def _infer(video: Path, options: InferOptions, *, quiet: bool) -> None:
    from hpe_volleyball.console.progress import Progress
    from hpe_volleyball.console.report import run_facts, timing_table
    from hpe_volleyball.infer import expected_frames, infer_video

    with Progress(expected_frames(video, options), quiet=quiet) as progress:
        summary = infer_video(video, options, on_frame=progress.advance)
    if not quiet:
        print_all(timing_table(summary), run_facts(summary))
    if not summary.complete:
        raise typer.Exit(INTERRUPTED)
