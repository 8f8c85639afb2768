"""What x264's presets cost and keep: CPU time, size and PSNR on a clip's first frames.

python benchmarks/encode_presets.py CLIP
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from hpe_volleyball.media.encoders import pick_encoder
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.records import Image

_X264 = {"crf": "23", "bf": "0", "profile": "high"}
CANDIDATES = {
    "veryfast": {**_X264, "preset": "veryfast"},
    "superfast": {**_X264, "preset": "superfast"},
    "ultrafast": {**_X264, "preset": "ultrafast"},
    "ultrafast, CABAC": {**_X264, "preset": "ultrafast", "x264-params": "cabac=1"},
}
FRAMES = 90
ROUNDS = 3


def encode(pictures: list[Image], options: dict[str, str]) -> tuple[float, bytes]:
    """CPU seconds of this process and the file; conversion from BGR included."""
    begin = time.process_time()
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=50)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.options = options
        for picture in pictures:
            planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)
            container.mux(stream.encode(VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
    return time.process_time() - begin, file.getvalue()


def _even(picture: Image) -> Image:
    height, width = picture.shape[:2]
    return picture[: height // 2 * 2, : width // 2 * 2]


def psnr(pictures: list[Image], file: bytes) -> float:
    """Peak signal to noise ratio of the copy in dB, over all pictures."""
    with av.open(io.BytesIO(file), "r") as container:
        copies = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    return float(
        np.mean([cv2.PSNR(a, b.astype(np.uint8)) for a, b in zip(pictures, copies, strict=True)])
    )


def main() -> None:
    """Print a line for each preset, the rounds interleaved, the best of each taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    clip = parser.parse_args().clip
    with read_frames(clip, max_frames=FRAMES) as reader:
        pictures = [_even(frame.image) for frame in reader]
    seconds: dict[str, float] = {}
    files: dict[str, bytes] = {}
    for _ in range(ROUNDS):
        for name, options in CANDIDATES.items():
            took, files[name] = encode(pictures, options)
            seconds[name] = min(took, seconds.get(name, took))
    height, width = pictures[0].shape[:2]
    print(f"shipped: {pick_encoder(width, height)}")
    for name, took in seconds.items():
        bits = 8 * len(files[name]) / len(pictures)
        print(
            f"{name:18} {1e3 * took / len(pictures):5.1f} ms CPU  {bits / 1e3:6.0f} kbit"
            f"  {psnr(pictures, files[name]):.1f} dB a frame"
        )


if __name__ == "__main__":
    main()
