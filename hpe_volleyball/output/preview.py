"""Shows results in a window while a run goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

import cv2

from hpe_volleyball.errors import OutputError
from hpe_volleyball.records import FrameResult, Image


class Preview:
    """A window with the overlay; pressing q ends the run.

    Args:
        title: Of the window.
        draw: Makes the picture of a result.
        on_quit: Called when q was pressed.

    Raises:
        OutputError: there is no display to open a window on.
    """

    def __init__(
        self, title: str, draw: Callable[[FrameResult], Image], on_quit: Callable[[], None]
    ) -> None:
        _check_display()
        self._title = title
        self._draw = draw
        self._on_quit = on_quit
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)

    def write(self, result: FrameResult) -> None:
        """Show a result and look whether q was pressed."""
        cv2.imshow(self._title, self._draw(result))
        if cv2.waitKey(1) & 0xFF == ord("q"):
            self._on_quit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        cv2.destroyWindow(self._title)


def _check_display() -> None:
    """Raise OutputError where no window can be opened.

    OpenCV ends the whole process where there is no display, so another one tries first.
    """
    trial = "import cv2; cv2.namedWindow('hpe-volleyball'); cv2.destroyAllWindows()"
    ended = subprocess.run(  # noqa: S603 - this Python, and the line above
        [sys.executable, "-c", trial], check=False, capture_output=True
    )
    if ended.returncode:
        raise OutputError(
            "--show needs a display on which OpenCV can open a window, found none; leave --show "
            "out, or check the display (on Linux: DISPLAY)"
        )
