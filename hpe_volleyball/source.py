"""The source of a run: a file, read ahead, or live pictures as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hpe_volleyball.errors import OptionError
from hpe_volleyball.interrupt import interrupt_run
from hpe_volleyball.media.frame_reader import FrameReader, read_frames
from hpe_volleyball.media.live import LiveReader
from hpe_volleyball.media.live_address import is_live
from hpe_volleyball.media.video import VideoInfo, probe
from hpe_volleyball.options import InferOptions
from hpe_volleyball.timing import StageClocks

Source = FrameReader | LiveReader


def fitted(video: str | Path, options: InferOptions) -> InferOptions:
    """The options as this source allows them: live pictures cannot be looked ahead into.

    Raises:
        OptionError: a part of a live source is asked for, or to go on with one.
    """
    if not is_live(str(video)):
        return options
    if options.start_s or options.end_s is not None:
        raise OptionError(
            "--start and --end are for files, found a live source; use --max-seconds to end by "
            "itself"
        )
    if options.resume:
        raise OptionError("--resume is for files, found a live source; leave --resume out")
    return replace(options, lookahead=False)


def open_source(video: str | Path, options: InferOptions, clocks: StageClocks) -> Source:
    """Open a video or connect to a live source.

    Raises:
        SourceError: it cannot be opened or holds no pictures.
    """
    if is_live(str(video)):
        return LiveReader(
            str(video),
            max_frames=options.max_frames,
            max_seconds=options.max_seconds,
            clocks=clocks,
        )
    return read_frames(
        Path(video),
        start_s=options.start_s,
        end_s=options.stop_s,
        max_frames=options.max_frames,
        ahead=options.tuning.overlap,
        clocks=clocks,
    )


def length_of(info: VideoInfo) -> float | None:
    """Length in seconds of a video, as far as its header tells."""
    if info.duration_s is None and info.n_frames is not None:
        return float(info.n_frames / info.rate)
    return info.duration_s


def expected_frames(video: str | Path, options: InferOptions) -> int | None:
    """How many frames a run will have, as far as the source's header tells.

    Raises:
        SourceError: the video cannot be opened or holds no pictures.
    """
    if is_live(str(video)):
        return options.max_frames
    info = probe(Path(video))
    length_s = length_of(info)
    ends = [end for end in (options.stop_s, length_s) if end is not None]
    frames = round((min(ends) - options.start_s) * info.rate) if ends else None
    counts = [count for count in (frames, options.max_frames) if count is not None]
    return max(0, min(counts)) if counts else None


def ended_by(source: Source, check: Callable[[], None]) -> Callable[[], None]:
    """What to call behind each frame, so that `check`, which may interrupt, stops the run.

    Ctrl-C is how a recording of live pictures ends: there it ends the frames, and the run is
    complete.
    """
    if isinstance(source, FrameReader):
        return check
    source.poll = check
    return lambda: None


def quit_by(source: Source) -> Callable[[], None]:
    """What closing the window of a run does: stops it, or ends a live recording."""
    return interrupt_run if isinstance(source, FrameReader) else source.end
