"""Video and sound: read frame by frame, written with the same times."""

# PyAV and OpenCV bring a libxcb each. With PyAV's loaded first, opening a window (--show) never
# returns on Linux, so OpenCV comes first wherever a module of this package is imported.
import cv2 as _cv2  # noqa: F401
