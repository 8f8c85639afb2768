"""A long video made of a short one, packet by packet, over and over."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import av


def looped(source: Path, target: Path, frames: int) -> Path:
    """Write the coded pictures and sound of `source` again and again until there are `frames`.

    The source must have no B-frames and begin at time 0.
    """
    with av.open(str(source)) as short:
        packets = [p for p in short.demux() if p.size and p.pts is not None and p.pts >= 0]
        length = max((p.pts or 0) * p.time_base for p in packets if p.stream.type == "video")
        rate = short.streams.video[0].average_rate
        assert rate is not None
        length += 1 / rate
        with av.open(str(target), "w") as out:
            streams = {s.index: out.add_stream_from_template(s) for s in short.streams}
            bases = {s.index: s.time_base for s in short.streams}
            stamps = [
                (p.stream.index, p.pts or 0, p.dts or 0, bytes(p), p.duration) for p in packets
            ]
            written = 0
            for turn in count():
                for index, pts, dts, content, duration in stamps:
                    base = bases[index]
                    assert base is not None
                    shift = round(turn * length / base)
                    is_video = index == short.streams.video[0].index
                    if is_video and written == frames:
                        return target
                    written += is_video
                    packet = av.Packet(content)
                    packet.stream, packet.time_base = streams[index], base
                    packet.pts, packet.dts = pts + shift, dts + shift
                    packet.duration = duration
                    packet.is_keyframe = is_video and pts == 0
                    out.mux(packet)
    raise AssertionError("the loop ends by returning")
