"""Continues an interrupted run: finds it, reads the source again from shortly before its end."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hpe_volleyball.errors import OutputError, ResultError, SourceError
from hpe_volleyball.media.frame_reader import FrameReader, read_frames
from hpe_volleyball.media.kept_pictures import KeptPictures
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output.data_file import DataHeader
from hpe_volleyball.output.earlier import Earlier, find_earlier
from hpe_volleyball.output.run_files import RunFiles
from hpe_volleyball.output.summary import Seam
from hpe_volleyball.records import Frame, FrameResult
from hpe_volleyball.timing import StageClocks
from hpe_volleyball.tracking.roster import KEEP_ID_S
from hpe_volleyball.tracking.seam import SeamIds

_RUN_UP_S = 2 * KEEP_ID_S
"""Twice the time for which a person who is not found keeps the id: who was lost when the earlier
run stopped is seen in the run-up, and the tracker comes to know what it knew then."""
_READS_OTHERWISE = (
    "{path} reads otherwise than before: frame {what}; the run cannot be resumed; start anew with "
    "--overwrite"
)


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a run needs to go on where an earlier one stopped."""

    earlier: Earlier
    kept: KeptPictures | None
    first: int
    """First frame of the run-up."""
    ids: SeamIds

    def source(self, info: VideoInfo, options: InferOptions, clocks: StageClocks) -> FrameReader:
        """The frames from `first` on, numbered as in the earlier run."""

        def opened(start_s: float, skipped: int, clocks: StageClocks | None) -> FrameReader:
            """The frames from a time on, before which the earlier run had skipped some."""
            left = None if options.max_frames is None else options.max_frames - skipped
            return read_frames(
                info.path,
                start_s=start_s,
                end_s=options.stop_s,
                max_frames=left,
                first_index=skipped,
                ahead=options.tuning.overlap,
                clocks=clocks,
            )

        start_s, skipped = float(self.earlier.time_s[self.first]), self.first
        try:
            for _ in self._checked(opened(start_s, skipped, None), self.earlier.frames):
                pass
        except SourceError:
            # Where time stamps jump, only reading from the start gives the same ones again.
            start_s, skipped = options.start_s, 0
        reader = opened(start_s, skipped, clocks)
        frames = self._checked(reader, None)
        return FrameReader(info, frames, reader.damage)

    def results(self, results: Iterable[FrameResult]) -> Iterator[FrameResult]:
        """The results behind the earlier run, with its ids; those of the run-up are compared."""
        for result in results:
            if result.frame.index < self.earlier.frames:
                self.ids.compare(result)
            else:
                yield self.ids.translate(result)

    def seam(self) -> Seam:
        """What came of it, once the results have ended."""
        return Seam(
            frame=self.earlier.frames,
            time_s=float(self.earlier.time_s[-1]),
            run_up=self.earlier.frames - self.first,
            across=self.ids.across,
            broken=self.ids.broken,
        )

    def _checked(self, reader: FrameReader, end: int | None) -> Generator[Frame]:
        """The frames from `first` up to `end`.

        Raises:
            SourceError: those of the run-up are not where they were in the earlier run.
        """
        times, path = self.earlier.time_s, reader.info.path
        with reader:
            at = -1
            for at, frame in ((frame.index, frame) for frame in reader):
                if at < len(times) and frame.time_s != times[at]:
                    found = f"is at {frame.time_s:.3f} s, was at {times[at]:.3f} s"
                    raise SourceError(_READS_OTHERWISE.format(path=path, what=f"{at} {found}"))
                if at >= self.first:
                    yield frame
                if at + 1 == end:
                    return
            if at + 1 < len(times):
                raise SourceError(_READS_OTHERWISE.format(path=path, what=f"{at + 1} is missing"))


def find_resumption(
    files: RunFiles, header: DataHeader, info: VideoInfo, options: InferOptions
) -> Resumption | None:
    """The interrupted run that `files` asks to continue, made ready; None to begin anew.

    Raises:
        OutputError: the earlier run had other settings, models or another source and shall not be
            overwritten, or its files cannot be written.
        ResultError: its data file is damaged, likewise.
    """
    if not files.resumes:
        return None
    try:
        earlier = find_earlier(files, header)
    except (OutputError, ResultError):
        if not options.overwrite:
            raise
        earlier = None
    if earlier is None:
        files.clear(overwrite=True)
        return None
    kept = earlier.cut(files, info)
    first = _run_up_start(earlier, options)
    rows = earlier.last_rows(files, first)
    bounds = np.searchsorted(rows.person_frame, np.append(rows.frame_index, earlier.frames))
    boxes = {
        int(frame): (rows.track_id[start:end], rows.bbox[start:end])
        for frame, start, end in zip(rows.frame_index, bounds[:-1], bounds[1:], strict=True)
    }
    return Resumption(earlier, kept, first, SeamIds(boxes, earlier.ids))


def _run_up_start(earlier: Earlier, options: InferOptions) -> int:
    """A frame from which the keyframes fall on the same frames as in the earlier run.

    With look-ahead they are the multiples of the interval, and frames in the middle of windows;
    without, the interval counts anew from each keyframe.
    """
    wanted = int(np.searchsorted(earlier.time_s, earlier.time_s[-1] - _RUN_UP_S))
    starts = np.flatnonzero(earlier.keyframe[: wanted + 1])
    if options.lookahead:
        starts = starts[starts % options.det_interval == 0]
    return int(starts[-1]) if len(starts) else 0
