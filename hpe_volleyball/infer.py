"""The public functions: the results of a video frame by frame, or a whole run with its files."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from pathlib import Path

from hpe_volleyball.court import check_court
from hpe_volleyball.loaded import Models, loaded
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.summary import RunSummary
from hpe_volleyball.processing import new_tracker, process
from hpe_volleyball.records import FrameResult
from hpe_volleyball.run import open_run
from hpe_volleyball.source import fitted, open_source
from hpe_volleyball.timing import StageClocks


def iter_results(
    video: str | Path, options: InferOptions, *, models: Models | None = None
) -> Generator[FrameResult]:
    """The results of a video, frame by frame; nothing is written.

    The video is opened when the first result is asked for. Results are the caller's own: what is
    written into their arrays or drawn on their pictures stays, and changes no other result.

    Raises:
        HpeError: the video, a model or the device; see `hpe_volleyball.errors`.
    """
    options = fitted(video, options)
    clocks = StageClocks()
    with open_source(video, options, clocks) as source:
        check_court(options.court, source.info.width, source.info.height)
        tracker = new_tracker(source.info, options)
        results = process(source, loaded(models, options), tracker, clocks, options)
        with closing(results):
            for result in results:
                yield result.copy()


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
    the same; a second one stops at once. To stop it from a program, raise KeyboardInterrupt in
    `on_frame`.
    A live source has no other end than that: its run is then complete.

    Args:
        video: A file, or a live source: the number of a camera, an address, a named pipe.
        options: What to do.
        models: Loaded by `load_models` in this process; without them they are loaded here.
        on_frame: Called with every result after it was handed to the files; it is a copy, which may
            be written into.

    Raises:
        HpeError: see `hpe_volleyball.errors`. What was done until then is kept in files with
            "partial" in their names, which the message lists.
    """
    options = fitted(video, options)
    models = loaded(models, options)
    with ExitStack() as held:  # until the record is written, no other run writes these files
        with ExitStack() as opened:
            run = open_run(video, options, models, opened, held)
            stop = run.play(on_frame)
        return run.finish(stop)
