"""Writes a rally to a video file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hpe_volleyball.files import replacing
from hpe_volleyball.synthetic.rally import Rally

_AUDIO_RATE = 48_000
_TONE_HZ = 440.0
_BT601, _LIMITED_RANGE = 6, 1
"""Codes of ITU-T H.273."""


def render_video(rally: Rally, path: Path, *, audio: bool = False) -> Path:
    """Write H.264 yuv420p of high quality (crf 12) at the rally's exact frame rate.

    The file appears under its name only when it is complete.

    Args:
        rally: What to film; width and height have to be even.
        path: Ends in the name of a container that PyAV knows, such as .mp4 or .mkv.
        audio: Add a quiet tone as AAC.

    Returns:
        `path`.

    Raises:
        ValueError: width or height is odd, which yuv420p cannot store.
    """
    config = rally.config
    if config.width % 2 or config.height % 2:
        raise ValueError(
            f"render_video: expected even width and height, found {config.width}x{config.height}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as fresh, av.open(str(fresh), "w") as container:
        _write(rally, container, audio=audio)
    return path


def _write(rally: Rally, container: av.container.OutputContainer, *, audio: bool) -> None:
    config = rally.config
    fps = Fraction(config.fps)
    video = container.add_stream("libx264", rate=fps, options={"crf": "12", "preset": "veryfast"})
    video.width, video.height, video.pix_fmt = config.width, config.height, "yuv420p"
    video.codec_context.time_base = 1 / fps
    # What PyAV converts by; HD that names no matrix is read by another one.
    video.codec_context.colorspace, video.codec_context.color_range = _BT601, _LIMITED_RANGE
    sound = container.add_stream("aac", rate=_AUDIO_RATE, layout="mono") if audio else None
    for index, image in enumerate(rally.frames()):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts, frame.time_base = index, 1 / fps
        container.mux(video.encode(frame))
    container.mux(video.encode())
    if sound is not None:
        seconds = float(rally.n_frames / fps)
        _write_tone(sound, container, seconds)


def _write_tone(
    sound: av.audio.AudioStream, container: av.container.OutputContainer, seconds: float
) -> None:
    block = 1024
    for start in range(0, round(seconds * _AUDIO_RATE), block):
        times = (start + np.arange(block)) / _AUDIO_RATE
        tone = (0.05 * np.sin(2 * np.pi * _TONE_HZ * times)).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = _AUDIO_RATE, start
        frame.time_base = Fraction(1, _AUDIO_RATE)
        container.mux(sound.encode(frame))
    container.mux(sound.encode())
