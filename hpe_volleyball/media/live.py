"""Frames of a live source: the newest ones, however slow the reader, through lost connections."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from threading import Condition, Event, Thread
from time import monotonic
from types import TracebackType
from typing import Self

import av
from av.video.frame import VideoFrame

from hpe_volleyball.errors import SourceDamaged, SourceError
from hpe_volleyball.media.damage import Damage
from hpe_volleyball.media.decoded import Converter, DecodedFrame
from hpe_volleyball.media.live_address import without_secrets
from hpe_volleyball.media.live_clock import TICKS, LiveClock, measured_rate
from hpe_volleyball.media.live_link import Link
from hpe_volleyball.media.orientation import UPRIGHT
from hpe_volleyball.media.video import Colour, VideoInfo
from hpe_volleyball.records import Frame
from hpe_volleyball.timing import StageClocks

_WAITING_S = 0.25
"""Pictures that may wait to be taken: enough for streams that come in bursts."""
_MOST_WAITING = 12
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_LOOK_S = 0.1
_PATIENCE_S = 2.0
"""For a thread that hangs in a read; later it ends with the read's own time limit."""
_MEASURED = 12
"""Pictures to measure the rate of a stream by that does not name it."""


@dataclass(slots=True)
class LiveReport:
    """What was lost of a live source so far."""

    dropped: int = 0
    """Pictures passed over because those before were still being worked on."""
    reconnects: int = 0
    lost_s: float = 0.0
    """Seconds without a connection, those at the end of the run included."""


class LiveReader:
    """Iterator over the `Frame`s of a live source; close it, or use it in a `with`.

    A thread receives and decodes without a break. Frames that nobody takes in time are dropped,
    the oldest first, so no frame waits for more than a quarter of a second. Where decoding itself
    is half a second behind, pictures are left out up to the next keyframe
    (`hpe_volleyball.media.live_backlog`). A connection that breaks is made again, after pauses that
    double from 0.5 to 10 s, until the reader is closed.
    Time goes by the time stamps of the stream; over a lost connection, and where stamps jump, by
    the clock of this computer. The run begins with the first picture, at time 0.

    Args:
        source: Number of a camera, address of a stream, path of a pipe or device.
        max_frames: End after so many frames; None for no end.
        max_seconds: End so many seconds after the first picture; None for no end.
        clocks: Take the time of each conversion as stage "capture".

    Attributes:
        info: What the stream is; its `path` is a name for the results.
        damage: Packets that could not be decoded.
        report: What was dropped and lost.
        poll: Called before each frame and many times a second while there is none; a
            KeyboardInterrupt that it raises is the regular end of the frames.

    Raises:
        SourceError: the source does not answer or has no pictures.
    """

    def __init__(
        self,
        source: str,
        *,
        max_frames: int | None = None,
        max_seconds: float | None = None,
        clocks: StageClocks | None = None,
    ) -> None:
        self.damage = Damage()
        self.report = LiveReport()
        self.poll: Callable[[], None] = lambda: None
        self._ended = False
        self._stop = Event()
        self._receiver = _Receiver(source, self._stop, self.damage, self.report)
        self.info = self._receiver.info
        self._max_frames = max_frames
        self._max_seconds = max_seconds
        self._clocks = clocks
        self._converter = Converter(self.info.width, self.info.height)
        self._frames = self._all_frames()
        self._thread = Thread(target=self._receiver.run, name="live", daemon=True)
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        return next(self._frames)

    def end(self) -> None:
        """Give no more frames."""
        self._ended = True

    def close(self) -> None:
        """Let go of the source; may be called again."""
        self._stop.set()
        self._thread.join(_PATIENCE_S)
        self._frames.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _all_frames(self) -> Generator[Frame]:
        started = monotonic()
        limit_s = float("inf") if self._max_seconds is None else self._max_seconds
        index = 0
        while not self._ended and (self._max_frames is None or index < self._max_frames):
            try:
                self.poll()
            except KeyboardInterrupt:
                return
            taken = self._receiver.take(_LOOK_S)
            if taken is None:
                if monotonic() - started >= limit_s:
                    return
                continue
            ticks, picture = taken
            if ticks >= limit_s * TICKS:
                return
            self.damage.flawed += picture.is_corrupt
            with self._clocks.time("capture") if self._clocks else nullcontext():
                frame = DecodedFrame(index, ticks / TICKS, ticks, picture, self._converter)
            yield frame
            index += 1


class _Receiver:
    """Connects, decodes and keeps the newest pictures; `run` is the thread's work."""

    def __init__(self, source: str, stop: Event, damage: Damage, report: LiveReport) -> None:
        self._source = source
        self._stop = stop
        self._damage = damage
        self._report = report
        self._changed = Condition()
        self._waiting: deque[tuple[int, VideoFrame]] = deque()
        self._error: BaseException | None = None
        self._clock = LiveClock()
        self._link = Link(source, stop, damage, self._left_out)
        self._pictures = self._link.pictures()
        self._first = self._first_pictures()
        self.info = self._describe()
        self._depth = min(_MOST_WAITING, max(2, round(_WAITING_S * self.info.rate)))

    def take(self, patience_s: float) -> tuple[int, VideoFrame] | None:
        """The oldest picture that waits, with its time stamp; None where none comes in time.

        Raises:
            SourceDamaged: the pictures have changed their size.
            BaseException: whatever else ended the receiving.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._error, patience_s)
            if self._waiting:
                return self._waiting.popleft()
            if self._error is not None:
                raise self._error
            return None

    def run(self) -> None:
        """Receive until the end is asked for."""
        try:
            for picture in self._first:
                self._offer(picture)
            self._receive()
            while self._reconnect():
                self._receive()
        except BaseException as error:  # noqa: BLE001 - raised again by take()
            with self._changed:
                self._error = error
                self._changed.notify_all()
        finally:
            self._link.close()

    def _receive(self) -> None:
        """All pictures of the connection; it is closed behind them."""
        with suppress(av.FFmpegError, OSError):
            for picture in self._pictures:
                self._offer(picture)
                if self._stop.is_set():
                    break
        self._link.close()

    def _reconnect(self) -> bool:
        """Connect again, however long it takes; False if the end is asked for before."""
        lost_at = monotonic()
        before_s = self._report.lost_s
        pause_s = _FIRST_PAUSE_S
        while not self._stop.wait(pause_s):
            self._report.lost_s = before_s + monotonic() - lost_at
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            picture = self._connect()
            if picture is None:
                self._link.close()
                continue
            self._report.lost_s = before_s + monotonic() - lost_at
            self._report.reconnects += 1
            self._clock.restart()
            self._offer(picture)
            return True
        self._report.lost_s = before_s + monotonic() - lost_at
        return False

    def _connect(self) -> VideoFrame | None:
        """The first picture of a new connection; None where there is none."""
        try:
            self._link = Link(self._source, self._stop, self._damage, self._left_out)
            self._pictures = self._link.pictures()
            return next(self._pictures, None)
        except (SourceError, av.FFmpegError, OSError):
            return None

    def _offer(self, picture: VideoFrame) -> None:
        if (picture.width, picture.height) != (self.info.width, self.info.height):
            raise SourceDamaged(
                f"{self.info.name}: the picture size changes from {self.info.width}x"
                f"{self.info.height} to {picture.width}x{picture.height}; expected one size"
            )
        ticks = self._clock.stamp(self._link.ticks(picture), monotonic())
        with self._changed:
            if len(self._waiting) >= self._depth:
                self._waiting.popleft()
                self._report.dropped += 1
            self._waiting.append((ticks, picture))
            self._changed.notify_all()

    def _left_out(self) -> None:
        self._report.dropped += 1

    def _first_pictures(self) -> list[VideoFrame]:
        """The first picture; more where the rate must be measured.

        Raises:
            SourceError: the stream has no picture that can be decoded.
        """
        name = without_secrets(self._source)
        wanted = 1 if self._link.rate else _MEASURED
        found: list[VideoFrame] = []
        try:
            while len(found) < wanted and (picture := next(self._pictures, None)) is not None:
                found.append(picture)
        except (av.FFmpegError, OSError) as error:
            self._link.close()
            raise SourceError(f"{name} breaks off ({error.strerror}); start it again") from error
        if not found:
            self._link.close()
            raise SourceError(f"{name} has no picture that can be decoded; check what it sends")
        return found

    def _describe(self) -> VideoInfo:
        first, codec = self._first[0], self._link.codec
        return VideoInfo(
            path=Path(datetime.now().astimezone().strftime("live-%Y%m%d-%H%M%S")),
            width=first.width,
            height=first.height,
            rate=self._link.rate or measured_rate([self._link.ticks(p) for p in self._first]),
            time_base=Fraction(1, TICKS),
            start_pts=0,
            n_frames=None,
            duration_s=None,
            orientation=UPRIGHT,
            sample_aspect=self._link.sample_aspect,
            codec=codec.codec.canonical_name,
            has_audio=False,
            colour=Colour(codec.color_primaries, codec.color_trc, codec.colorspace),
            live_from=without_secrets(self._source),
        )
