"""Joins one run: a video, two models, a tracker and the files that are written."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from hpe_volleyball.court import PeopleFilter, check_court
from hpe_volleyball.errors import HpeError, OutputError, SourceError
from hpe_volleyball.interrupt import interrupt_held
from hpe_volleyball.loaded import Models, load_models
from hpe_volleyball.media.live import LiveReader
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.models.devices import PROVIDERS
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.data_file import DataFile, DataHeader
from hpe_volleyball.output.draw import OverlayPainter
from hpe_volleyball.output.overlay_sink import OverlaySink, SpareSink
from hpe_volleyball.output.paths import partial_path, write_run_json
from hpe_volleyball.output.preview import Preview
from hpe_volleyball.output.run_files import DATA, OVERLAY, RUN, RunFiles, Sink
from hpe_volleyball.output.summary import RunSummary, Tally
from hpe_volleyball.pipeline import run_pipeline
from hpe_volleyball.records import Frame, FrameResult
from hpe_volleyball.resume import Resumption, find_resumption
from hpe_volleyball.run_record import about_source, data_header, run_record
from hpe_volleyball.source import Source, ended_by, fitted, open_source, quit_by
from hpe_volleyball.timing import StageClocks
from hpe_volleyball.tracking.tracker import PlayerTracker


def iter_results(
    video: str | Path, options: InferOptions, *, models: Models | None = None
) -> Generator[FrameResult]:
    """The results of a video, frame by frame; nothing is written.

    Raises:
        HpeError: the video, a model or the device; see `hpe_volleyball.errors`.
    """
    options = fitted(video, options)
    clocks = StageClocks()
    with open_source(video, options, clocks) as source:
        _check_court(source.info, options)
        tracker = _tracker(source.info, options)
        yield from _results(source, models or load_models(options), tracker, clocks, options)


def infer_video(
    video: str | Path,
    options: InferOptions,
    *,
    models: Models | None = None,
    on_frame: Callable[[FrameResult], None] | None = None,
) -> RunSummary:
    """Run a video through the whole program and write the result files.

    An interrupted run (KeyboardInterrupt) returns its summary too, with `complete` False. In the
    main thread Ctrl-C and SIGTERM wait for the end of the window at hand, so that all files hold
    the same; a second one stops at once.
    A live source has no other end than that: its run is then complete.

    Args:
        video: A file, or a live source: the number of a camera, an address, a named pipe.
        options: What to do.
        models: Loaded models; without them they are loaded here.
        on_frame: Called with every result after it was handed to the files.

    Raises:
        HpeError: see `hpe_volleyball.errors`. What was done until then is kept in files with
            "partial" in their names, which the message lists.
    """
    options = fitted(video, options)
    models = models or load_models(options)
    clocks = StageClocks()
    sinks: list[Sink] = []
    stop: KeyboardInterrupt | HpeError | None = None
    with ExitStack() as held:
        with ExitStack() as opened:
            source = open_source(video, options, clocks)
            opened.callback(source.close)
            info = source.info
            _check_court(info, options)
            about = about_source(info)
            files = held.enter_context(RunFiles(info.path, options))
            header = data_header(info, models, options)
            resumption = find_resumption(files, header, info, options)
            if resumption is not None:
                source = resumption.source(info, options, clocks)
                opened.callback(source.close)
            tracker = _tracker(info, options)
            tally = Tally(resumption.earlier if resumption else None)
            try:
                with interrupt_held() as check_interrupt, ExitStack() as stack:
                    to_open = _sinks(files, header, source, models, options, clocks, resumption)
                    sinks.extend(stack.enter_context(sink) for sink in to_open)
                    frames = _checked(source, ended_by(source, check_interrupt))
                    results = _results(frames, models, tracker, clocks, options)
                    for result in resumption.results(results) if resumption else results:
                        for sink in sinks:
                            sink.write(result)
                        tally.add(result)
                        if on_frame is not None:
                            on_frame(result)
                    if not tally.frames:
                        raise SourceError(_nothing_asked_for(info, options))
            except (KeyboardInterrupt, HpeError) as error:
                stop = error
        if stop is not None and not tally.frames:
            files.discard()
            raise stop
        summary = tally.summary(
            source=info,
            outputs={kind: str(p) for kind, p in files.written(complete=stop is None).items()},
            provider=models.provider,
            notes=models.notes,
            encoder=next(
                (sink.encoder for sink in sinks if isinstance(sink, OverlaySink | SpareSink)), None
            ),
            warnings=_warnings(source, sinks),
            live=source.report if isinstance(source, LiveReader) else None,
            detector_calls=tracker.detector_calls,
            clocks=clocks,
            complete=stop is None,
            failed=_failed(sinks),
            seam=resumption.seam() if resumption else None,
        )
        return _finish(summary, stop, run_record(summary, about, models, options))


def _finish(
    summary: RunSummary, stop: KeyboardInterrupt | HpeError | None, record: Mapping[str, Any]
) -> RunSummary:
    """Write the record of a run; raise what ended it if that was an error."""
    path = Path(summary.outputs[RUN])
    try:
        write_run_json(path, record)
        if summary.complete:  # what a stopped run said of itself that this one has continued
            partial_path(path).unlink(missing_ok=True)
    except OutputError:
        if not isinstance(stop, HpeError):
            raise
    if not isinstance(stop, HpeError):
        return summary
    kept = ", ".join(path for path in summary.outputs.values() if Path(path).exists())
    if not kept:
        raise stop
    before = "What was written until then is"
    if isinstance(stop, SourceError):
        before = f"The {summary.frames} frames before are"
    elif DATA in summary.outputs:
        kept += "; go on from there with --resume"
    raise type(stop)(f"{stop}. {before} kept in {kept}") from stop


def _checked(frames: Iterable[Frame], check: Callable[[], None]) -> Iterator[Frame]:
    """The frames, with a check before each: the results of a window are never torn apart.

    There is one more at the end: when that is read, the last frame may still wait for its turn.
    """
    for frame in frames:
        check()
        yield frame
    check()


def _results(
    source: Iterable[Frame],
    models: Models,
    tracker: PlayerTracker,
    clocks: StageClocks,
    options: InferOptions,
) -> Iterator[FrameResult]:
    run = partial(
        run_pipeline,
        source,
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


def _check_court(info: VideoInfo, options: InferOptions) -> None:
    if options.court is not None:
        check_court(options.court, info.width, info.height)


def _tracker(info: VideoInfo, options: InferOptions) -> PlayerTracker:
    return PlayerTracker(
        rate=float(info.rate),
        det_interval=options.det_interval,
        pose_interval=options.pose_interval,
        start_score=options.det_score,
        lookahead=options.lookahead,
        pose_tracked=options.tuning.pose_tracked,
    )


def _sinks(  # noqa: PLR0917 - all that a run is made of
    files: RunFiles,
    header: DataHeader,
    source: Source,
    models: Models,
    options: InferOptions,
    clocks: StageClocks,
    resumption: Resumption | None,
) -> Iterator[Sink]:
    """The sinks that the options ask for, opened one by one.

    The window comes first: the frame at which it is closed is in no file.
    """
    info = source.info
    size = info.size_at(options.video_height)
    painter = OverlayPainter(
        models.poser.skeleton, info.width, info.height, size=size, court=options.court
    )
    if options.show:
        yield Preview(info.path.name, painter.paint, quit_by(source))
    if options.data:
        yield DataFile(files[DATA], header, go_on=resumption is not None)
    if options.video:
        kept = resumption.kept if resumption else None
        overlay = OverlaySink(
            files[OVERLAY],
            info,
            painter.paint,
            clocks,
            size=size,
            quality=options.video_quality,
            behind=options.tuning.overlap,
            kept=kept,
        )
        yield overlay if options.strict or not options.data else SpareSink(overlay)


def _nothing_asked_for(info: VideoInfo, options: InferOptions) -> str:
    if info.live_from is not None:
        return f"{info.name}: stopped before the first picture came; nothing was recorded"
    end = "the end" if options.stop_s is None else f"{options.stop_s:g} s"
    length = "unknown" if info.duration_s is None else f"{info.duration_s:.1f} s"
    return (
        f"{info.path}: no frames from {options.start_s:g} s to {end}; the video's length is "
        f"{length}; change --start or --end"
    )


def _warnings(source: Source, sinks: Sequence[Sink]) -> tuple[str, ...]:
    """What went wrong without ending the run."""
    found = [w for sink in sinks if (w := getattr(sink, "warning", None)) is not None]
    if source.damage.skipped:
        found.append(f"{source.damage.skipped} damaged pictures of the source were left out")
    if source.damage.flawed:
        found.append(f"{source.damage.flawed} pictures of the source are damaged in parts")
    return tuple(found)


def _failed(sinks: Sequence[Sink]) -> dict[str, str]:
    """What went wrong with the files that the run went on without, by kind."""
    errors = [sink.error for sink in sinks if isinstance(sink, SpareSink) and sink.error]
    return {OVERLAY: errors[0]} if errors else {}
