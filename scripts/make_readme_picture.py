"""Makes docs/overlay.jpg, the picture of the README: one frame of a synthetic rally.

python scripts/make_readme_picture.py
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from hpe_volleyball import FrameResult, InferOptions, iter_results
from hpe_volleyball.output.draw import OverlayPainter
from hpe_volleyball.records import Image
from hpe_volleyball.skeleton import COCO17
from hpe_volleyball.synthetic import Rally, RallyConfig, render_video, write_demo_models

TARGET = Path(__file__).parents[1] / "docs" / "overlay.jpg"
RALLY = RallyConfig(width=1280, height=720, fps=Fraction(25), seconds=2.0, seed=3)
FRAME = 38
QUALITY = 85


def overlay(folder: Path) -> Image:
    """The overlay of the frame, after a run up to it; `folder` gets clip and models."""
    det, pose = write_demo_models(folder)
    clip = render_video(Rally(RALLY), folder / "rally.mp4")
    options = InferOptions(det=det, pose=pose, device="cpu")
    result: FrameResult = next(
        result for result in iter_results(clip, options) if result.frame.index == FRAME
    )
    return OverlayPainter(COCO17, RALLY.width, RALLY.height).paint(result)


def main() -> None:
    """Write the picture and say how large it is."""
    with TemporaryDirectory() as folder:
        image = overlay(Path(folder))
    TARGET.parent.mkdir(exist_ok=True)
    if not cv2.imwrite(str(TARGET), image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        raise OSError(f"{TARGET} cannot be written")
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
