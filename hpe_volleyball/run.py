"""One run: opened, played into its files, and reported, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from hpe_volleyball.court import check_court
from hpe_volleyball.errors import HpeError, OutputError, SourceError
from hpe_volleyball.files import partial_path, write_run_json
from hpe_volleyball.interrupt import Interrupt, interrupt_held
from hpe_volleyball.loaded import Models
from hpe_volleyball.media.live import LiveReader
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.data_file import DataFile, DataHeader
from hpe_volleyball.output.draw import OverlayPainter
from hpe_volleyball.output.overlay_sink import OverlaySink, SpareSink
from hpe_volleyball.output.preview import Preview
from hpe_volleyball.output.run_files import DATA, OVERLAY, RUN, RunFiles, Sink
from hpe_volleyball.output.summary import RunSummary, RunTally
from hpe_volleyball.processing import new_tracker, process
from hpe_volleyball.records import Frame, FrameResult
from hpe_volleyball.resume import Resumption, find_resumption
from hpe_volleyball.run_record import about_source, data_header, run_record
from hpe_volleyball.source import Source, ended_by, open_source, quit_by
from hpe_volleyball.timing import StageClocks
from hpe_volleyball.tracking.tracker import PlayerTracker


@dataclass(slots=True)
class Run:
    """One run: what it reads, where it writes, and what it has done so far.

    How it can end, and what is left of it then::

        all frames done          files under their final names, a record; the summary
        Ctrl-C, SIGTERM, q       partial files and record; the summary, not `complete`
        an error                 partial files and record; the error, saying where they are
        stopped before a frame   nothing; the interrupt or the error
        the overlay alone fails  that stays partial, the others go on; the summary, with `failed`
        stopped at once, killed  partial files as they were; nothing is said
    """

    options: InferOptions
    models: Models
    clocks: StageClocks
    source: Source
    about: Mapping[str, Any]
    header: DataHeader
    files: RunFiles
    resumption: Resumption | None
    tracker: PlayerTracker
    tally: RunTally
    sinks: list[Sink] = field(default_factory=list)
    stop_asked: bool = False

    def play(
        self, on_frame: Callable[[FrameResult], None] | None
    ) -> KeyboardInterrupt | HpeError | None:
        """Bring all frames through the program and into the files; what stopped it, if anything.

        The files are closed while signals are held: under their final names if nothing did.
        """
        try:
            with interrupt_held() as interrupt, ExitStack() as stack:
                self.sinks.extend(stack.enter_context(sink) for sink in self._to_open())
                for result in stack.enter_context(closing(self._results(interrupt))):
                    for sink in self.sinks:
                        sink.write(result)
                    self.tally.add(result)
                    if on_frame is not None:
                        on_frame(result.copy())
                if not self.tally.frames:
                    raise SourceError(_nothing_asked_for(self.source.info, self.options))
        except (KeyboardInterrupt, HpeError) as error:
            return error
        finally:
            self.stop_asked = interrupt.came
        return None

    def finish(self, stop: KeyboardInterrupt | HpeError | None) -> RunSummary:
        """Write the record, once everything else is closed; raise what stopped the run.

        An interrupt is no error: it gives the summary of a run that is not complete.
        """
        if stop is not None and not self.tally.frames:
            self.files.discard()
            raise stop
        summary = self._summary(complete=stop is None)
        record = run_record(summary, self.about, self.models, self.options)
        path = Path(summary.outputs[RUN])
        try:
            write_run_json(path, record)
            if summary.complete:  # what a stopped run said of itself that this one has continued
                partial_path(path).unlink(missing_ok=True)
        except OutputError:
            if not isinstance(stop, HpeError):
                raise
        if isinstance(stop, HpeError):
            _raise_with_what_is_kept(stop, summary)
        return summary

    def _results(self, interrupt: Interrupt) -> Generator[FrameResult]:
        """The results that are still to be written."""
        frames = _checked(self.source, ended_by(self.source, interrupt.check))
        results = process(frames, self.models, self.tracker, self.clocks, self.options)
        with closing(results):
            yield from self.resumption.results(results) if self.resumption else results

    def _to_open(self) -> Iterator[Sink]:
        """The sinks that the options ask for, opened one by one.

        The window comes first: the frame at which it is closed is in no file.
        """
        info, options, files = self.source.info, self.options, self.files
        size = info.size_at(options.video_height)
        painter = OverlayPainter(
            self.models.poser.skeleton, info.width, info.height, size=size, court=options.court
        )
        if options.show:
            yield Preview(info.path.name, painter.paint, quit_by(self.source))
        if options.data:
            yield DataFile(files[DATA], self.header, go_on=self.resumption is not None)
        if options.video:
            overlay = OverlaySink(
                files[OVERLAY],
                info,
                painter.paint,
                self.clocks,
                size=size,
                quality=options.video_quality,
                behind=options.tuning.overlap,
                kept=self.resumption.kept if self.resumption else None,
            )
            yield overlay if options.strict or not options.data else SpareSink(overlay)

    def _summary(self, *, complete: bool) -> RunSummary:
        source, models = self.source, self.models
        overlays = [sink for sink in self.sinks if isinstance(sink, OverlaySink | SpareSink)]
        written = self.files.written(complete=complete)
        return self.tally.summary(
            source=source.info,
            outputs={kind: str(path) for kind, path in written.items()},
            provider=models.provider,
            notes=models.notes,
            encoder=next((overlay.encoder for overlay in overlays), None),
            warnings=_warnings(source, self.sinks),
            live=source.report if isinstance(source, LiveReader) else None,
            detector_calls=self.tracker.detector_calls,
            clocks=self.clocks,
            complete=complete,
            stop_asked=self.stop_asked,
            failed=_failed(self.sinks),
            seam=self.resumption.seam() if self.resumption else None,
        )


def open_run(
    video: str | Path, options: InferOptions, models: Models, opened: ExitStack, held: ExitStack
) -> Run:
    """Open a run: what is read is closed with `opened`, the files are let go with `held`."""
    clocks = StageClocks()
    source = open_source(video, options, clocks)
    opened.callback(source.close)
    info = source.info
    check_court(options.court, info.width, info.height)
    about = about_source(info)
    files = held.enter_context(RunFiles(info.path, options))
    header = data_header(info, about["fingerprint"], models, options)
    resumption = find_resumption(files, header, info, options)
    if resumption is not None:
        source = resumption.source(info, options, clocks)
        opened.callback(source.close)
    return Run(
        options=options,
        models=models,
        clocks=clocks,
        source=source,
        about=about,
        header=header,
        files=files,
        resumption=resumption,
        tracker=new_tracker(info, options),
        tally=RunTally(resumption.earlier if resumption else None),
    )


def _raise_with_what_is_kept(stop: HpeError, summary: RunSummary) -> NoReturn:
    """Raise the error that ended a run; it says where what was written until then is."""
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
