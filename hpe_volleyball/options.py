"""What the user asks of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil
from numbers import Integral, Real
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import numpy as np

from hpe_volleyball.choices import Quality
from hpe_volleyball.errors import OptionError
from hpe_volleyball.models.catalogue import LOWEST_SCORE, SIZE_STEP, Mode
from hpe_volleyball.models.devices import Device, Precision
from hpe_volleyball.polygon import check_polygon
from hpe_volleyball.records import Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What makes a run fast. All of it is on; `bench` measures what each part gains."""

    graph_optimisation: bool = True
    """ONNX Runtime fuses operators and lays out data anew."""
    fitted_input: bool = True
    """The detector's input has the shape of the picture, where the model and the device allow."""
    pose_tracked: bool = True
    """Poses are found where tracked people are expected, not in every detection."""
    overlap: bool = True
    """Decoding, and drawing with encoding, have threads of their own; on the CPU also the detector
    and shares of a frame's poses, between which the cores are divided, and the threads of the nets
    do not wait busily."""


_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": get_args(Mode),
    "device": get_args(Device),
    "precision": get_args(Precision),
    "video_quality": get_args(Quality),
}
_MOST = 10**9
"""Of counts, and of seconds: 31 years. More is a slip, and beyond what FFmpeg and HDF5 can hold."""
_COUNTS = {
    "det_interval": (1, _MOST),
    "pose_interval": (1, _MOST),
    "pose_batch": (1, _MOST),
    "max_frames": (1, _MOST),
    "max_people": (1, _MOST),
    "video_height": (16, _MOST),
    "det_size": (32, 8192),  # no video is wider, and a larger input fits into no memory
}
"""The least and the most of each."""
_TIMES = ("start_s", "end_s", "max_seconds")
_FLAGS = ("offline", "lookahead", "video", "data", "show", "overwrite", "resume", "strict")
_PATHS = ("det", "pose", "models_dir", "output_dir")

NOT_SETTINGS = (
    # Known better by the hashes of the models and the provider.
    *("det", "pose", "mode", "models_dir", "offline", "mirror", "device"),
    *("output_dir", "show", "overwrite", "resume", "strict"),
)
"""Options that change neither the numbers nor which files there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferOptions:
    """What a run does; times in seconds from the source's first frame, sizes in pixels.

    Raises:
        OptionError: a value is none that the option can have.
    """

    det: str | Path | None = None
    """RTMDet model: a name of the catalogue or the path of an ONNX file; None: by `mode`."""
    pose: str | Path | None = None
    """RTMPose model, likewise."""
    mode: Mode = "auto"
    """Which pair of models to take where `det` or `pose` is None."""
    models_dir: Path | None = None
    """Folder of models to look through first, and for downloads."""
    offline: bool = False
    """Never download a model."""
    mirror: str | None = None
    """Address of a folder with the models' zip files, tried before the official one."""
    output_dir: Path = Path("output")
    device: Device = "auto"
    precision: Precision = "auto"
    """Of the model files; "auto" takes validated FP16 ones on a GPU, where they are there."""
    det_interval: int = 4
    """The detector runs on every n-th frame; 1: on all."""
    pose_interval: int = 1
    """Poses are found on every n-th frame, and lie on straight lines in between; at most
    `det_interval`, for keyframes always have poses."""
    lookahead: bool = True
    """Hold results back until the detections behind them are known: better boxes, later."""
    det_size: int | None = None
    """Longer side of the detector's input, for models with a free one."""
    det_score: float = 0.4
    """Detector score from which an unknown person gets an id; 0.1 at least, the detector's own."""
    court: Polygon | None = None
    """Only people whose feet are in here are tracked; None: everybody."""
    max_people: int | None = None
    """Most people in a frame, those with the best scores; None: no limit."""
    pose_batch: int = 16
    """Most people in one call of the pose model."""
    start_s: float = 0.0
    end_s: float | None = None
    max_frames: int | None = None
    max_seconds: float | None = None
    """Stop after so many seconds; of a live source those behind its first picture."""
    video: bool = True
    """Write the overlay video."""
    video_height: int | None = None
    """Height of the overlay video, where the source is higher."""
    video_quality: Quality = "medium"
    """How much of the pictures the overlay video keeps."""
    data: bool = True
    """Write the data file."""
    show: bool = False
    """Show the overlay in a window while running; `q` stops the run."""
    overwrite: bool = False
    """Replace the results of an earlier run."""
    resume: bool = False
    """Go on where an interrupted run of the same video with the same settings stopped; begin anew
    where there is none, and with `overwrite` also where it had other settings."""
    strict: bool = False
    """A failing overlay video ends the run, also where the data file could go on."""
    tuning: Tuning = Tuning()

    @property
    def stop_s(self) -> float | None:
        """The first time of a file that is no longer asked for."""
        ends = [self.end_s] if self.end_s is not None else []
        if self.max_seconds is not None:
            ends.append(self.start_s + self.max_seconds)
        return min(ends, default=None)

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            _check(name, getattr(self, name) in choices, f"one of {', '.join(choices)}", self)
        for name, (least, most) in _COUNTS.items():
            fits = _is_in(self, name, Integral, least, most)
            _check(name, fits, f"a whole number from {least} to {most}", self)
        for name in _TIMES:
            _check(name, _is_in(self, name, Real, 0, _MOST), f"0 to {_MOST} seconds", self)
        fits = _is_in(self, "det_score", Real, LOWEST_SCORE, 1)
        _check("det_score", fits, f"a number from {LOWEST_SCORE} to 1", self)
        for name in _FLAGS:
            fits = isinstance(getattr(self, name), bool | np.bool_)
            _check(name, fits, "True or False", self)
        for name in _PATHS:
            _check(name, _is_a(self, name, str | os.PathLike), "a path", self)
        for name in ("det", "pose"):
            _check(name, str(getattr(self, name)) != "", "a name or the path of a file", self)
        _check("mirror", _is_a(self, "mirror", str), "an address", self)
        _check("tuning", isinstance(self.tuning, Tuning), "a Tuning", self)
        self._make_plain()
        if self.pose_interval > self.det_interval:
            raise OptionError(
                f"--pose-interval {self.pose_interval}: expected at most --det-interval, which is "
                f"{self.det_interval}: every frame with detections has poses"
            )
        if self.det_size is not None and self.det_size % SIZE_STEP:
            fitting = ceil(self.det_size / SIZE_STEP) * SIZE_STEP
            raise OptionError(
                f"--det-size {self.det_size}: expected a multiple of {SIZE_STEP}, e.g. {fitting}"
            )
        if self.court is not None:
            object.__setattr__(self, "court", check_polygon(self.court, "court"))

    def _make_plain(self) -> None:
        """From Python, strings will do as paths, and numpy's numbers, which JSON does not know."""
        plain: dict[Callable[[Any], object], tuple[str, ...]] = {
            int: tuple(_COUNTS),
            float: (*_TIMES, "det_score"),
            bool: _FLAGS,
            Path: ("models_dir", "output_dir"),
        }
        for make, names in plain.items():
            for name in names:
                value = getattr(self, name)
                if value is not None:
                    object.__setattr__(self, name, make(value))
        for name in ("det", "pose"):  # a string is a name, too
            value = getattr(self, name)
            if isinstance(value, os.PathLike):
                object.__setattr__(self, name, Path(value))

    def settings(self) -> dict[str, object]:
        """The options, by name, that a run and its continuation must share, as JSON knows them."""
        return {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()
            if name not in NOT_SETTINGS
        }


def _check(name: str, fits: bool, expected: str, options: InferOptions) -> None:
    if not fits:
        found = getattr(options, name)
        raise OptionError(f"InferOptions.{name}: expected {expected}, found {found!r}")


def _is_a(options: InferOptions, name: str, kind: type | UnionType) -> bool:
    """Whether an option is of a kind, or None where it is so by default."""
    value = getattr(options, name)
    if value is None:
        return InferOptions.__dataclass_fields__[name].default is None
    return isinstance(value, kind)


def _is_in(
    options: InferOptions, name: str, kind: type[Integral | Real], least: float, most: float
) -> bool:
    """Whether an option is a number between these, or None where it is so by default."""
    value = getattr(options, name)
    if value is None or not isinstance(value, kind):
        return _is_a(options, name, kind)
    number: Any = value  # `Real` has no order that type checkers know
    return bool(least <= number <= most)
