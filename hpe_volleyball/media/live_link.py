"""One connection to a live source: its pictures as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from threading import Event
from time import monotonic

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hpe_volleyball.errors import SourceError
from hpe_volleyball.media.damage import Damage
from hpe_volleyball.media.live_address import open_live, without_secrets
from hpe_volleyball.media.live_backlog import Backlog
from hpe_volleyball.media.live_clock import TICKS
from hpe_volleyball.media.video import decodable_tracks, exact, time_base_of

_RATES = (1, 240)
"""Others than these are a stream's time base, not its rate."""


class Link:
    """One connection, made at once; `close` ends it.

    Args:
        source: The live source.
        stop: Ends the waiting for the writer of a pipe.
        damage: Gets the packets that cannot be decoded.
        on_left_out: Called for each packet that is left out because decoding is behind the stream.

    Raises:
        SourceError: it cannot be made, or holds no picture track.
    """

    def __init__(
        self, source: str, stop: Event, damage: Damage, on_left_out: Callable[[], None]
    ) -> None:
        self._opened = ExitStack()
        self._container = self._opened.enter_context(open_live(source, stop))
        self._damage = damage
        self._on_left_out = on_left_out
        tracks = decodable_tracks(self._container)
        if not tracks:
            self.close()
            raise SourceError(
                f"{without_secrets(source)} has no picture track that can be decoded; expected "
                "video, such as H.264"
            )
        self._stream = tracks[0]
        self._time_base = time_base_of(self._stream)
        self.codec = self._stream.codec_context
        self.sample_aspect = exact(self._stream.sample_aspect_ratio) or Fraction(1)
        named = exact(self._stream.average_rate) or exact(self._stream.guessed_rate)
        self.rate = named if named and _RATES[0] <= named <= _RATES[1] else None
        """Frames per second; None where the stream does not say."""

    def pictures(self) -> Iterator[VideoFrame]:
        """Pictures as they come; raises FFmpeg's errors where the connection breaks.

        Where decoding, and what is done with the pictures before the next one is asked for, takes
        longer than the stream, packets are left out up to a keyframe.
        """
        begun = False
        backlog = Backlog(self.rate)
        for packet in self._container.demux(self._stream):
            begin = monotonic()
            if packet.size and not backlog.takes(_time_s(packet), keyframe=packet.is_keyframe):
                self._on_left_out()
                continue
            try:
                pictures = packet.decode()
            except (av.FFmpegError, OSError):
                # Before the first keyframe nothing can be decoded, and nothing is amiss.
                self._damage.skipped += begun
                continue
            begun = begun or bool(pictures)
            yield from pictures
            backlog.worked(monotonic() - begin)

    def ticks(self, picture: VideoFrame) -> int | None:
        """The stream's time of a picture; None where it has none."""
        return None if picture.pts is None else round(picture.pts * self._time_base * TICKS)

    def close(self) -> None:
        """End the connection; may be called again."""
        self._opened.close()


def _time_s(packet: Packet[VideoStream]) -> float | None:
    at = packet.pts if packet.dts is None else packet.dts
    return None if at is None else float(at * packet.time_base)
