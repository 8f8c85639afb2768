"""The one table of the models that can be asked for by name, and of the modes that pair them.

Names, addresses and accuracies are those of OpenMMLab's model zoo (RTMDet, RTMPose and RTMW in
mmdetection and mmpose), but for the AP of models with 26 keypoints, of which it gives PCK and AUC:
that is in the README of rtmlib. OpenMMLab publishes no checksums; the sha256 values are those that
several public projects pin.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from hpe_volleyball.errors import ModelError

Role = Literal["det", "pose"]
ROLE_NAMES: dict[Role, str] = {"det": "detector", "pose": "pose model"}

Mode = Literal["auto", "lightweight", "balanced", "performance"]
LOWEST_SCORE = 0.1
"""Of detections; ByteTrack's second association wants weak ones (arXiv 2110.06864, section 3)."""
SIZE_STEP = 32
"""Sides of RTMDet's input are multiples of the coarsest stride of its feature pyramid."""

_RTMPOSE = "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/"
_RTMW = "https://download.openmmlab.com/mmpose/v1/projects/rtmw/onnx_sdk/"

LICENCE = (
    "Weights: OpenMMLab, Apache-2.0. The detectors were trained on COCO and Objects365, which is "
    "offered for academic use; the pose models on several public data sets with terms of their own."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that can be asked for by name."""

    name: str
    role: Role
    url: str
    """Zip that holds the model as `end2end.onnx`."""
    sha256: str | None
    """Of the ONNX file, in hex; None where nobody publishes it."""
    input_size: tuple[int, int]
    """Width and height in pixels."""
    keypoints: int | None = None
    """Of a pose model."""
    ap: float
    """Average precision in percent, on the data set that `ap_on` names."""
    ap_on: str
    params_m: float | None
    """Millions of parameters; None where not published."""
    gflops: float

    @property
    def file(self) -> str:
        """Name of the ONNX file in a folder of models."""
        return f"{self.name}.onnx"

    @property
    def zip_name(self) -> str:
        """Name of the file to download."""
        return self.url.rpartition("/")[2]


def _det(
    name: str,
    file: str,
    sha256: str,
    *,
    size: tuple[int, int],
    ap: float,
    cost: tuple[float, float],
) -> Model:
    return Model(
        name=name,
        role="det",
        url=f"{_RTMPOSE}{file}.zip",
        sha256=sha256,
        input_size=size,
        ap=ap,
        ap_on="COCO persons",
        params_m=cost[0],
        gflops=cost[1],
    )


def _pose(
    name: str,
    file: str,
    sha256: str | None,
    *,
    size: tuple[int, int],
    keypoints: int,
    ap: float,
    cost: tuple[float | None, float],
    base: str = _RTMPOSE,
) -> Model:
    ap_on = {17: "COCO", 26: "Body8", 133: "COCO-WholeBody"}[keypoints]
    return Model(
        name=name,
        role="pose",
        url=f"{base}{file}.zip",
        sha256=sha256,
        input_size=size,
        keypoints=keypoints,
        ap=ap,
        ap_on=ap_on,
        params_m=cost[0],
        gflops=cost[1],
    )


_SMALL, _LARGE = (192, 256), (288, 384)

MODELS: tuple[Model, ...] = (
    _det(
        "rtmdet-nano",
        "rtmdet_nano_8xb32-100e_coco-obj365-person-05d8511e",
        "8297e829ccc5590c8e2d32d5a211f322a0585fb7467eec85eb12c9525b0b95d6",
        size=(320, 320),
        ap=40.3,
        cost=(0.99, 0.31),
    ),
    _det(
        "rtmdet-m",
        "rtmdet_m_8xb32-100e_coco-obj365-person-235e8209",
        "4f4d7e07350b1753299111d1ae500fd64447a5b0e38e4bacbefab6573c742d30",
        size=(640, 640),
        ap=62.5,
        cost=(24.66, 38.95),
    ),
    _pose(
        "rtmpose-t",
        "rtmpose-t_simcc-body7_pt-body7_420e-256x192-026a1439_20230504",
        "a6c2f6a3896a4d51131d14d7a80a3d08b50f559af5a58a45d5b098aef510a70f",
        size=_SMALL,
        keypoints=17,
        ap=65.9,
        cost=(3.34, 0.36),
    ),
    _pose(
        "rtmpose-s",
        "rtmpose-s_simcc-body7_pt-body7_420e-256x192-acd4a1ef_20230504",
        "9aeb635b83f86aea45cf45d85798f7eba1a162de8e0d721c44e54fe5eebaf47d",
        size=_SMALL,
        keypoints=17,
        ap=69.7,
        cost=(5.47, 0.68),
    ),
    _pose(
        "rtmpose-m",
        "rtmpose-m_simcc-body7_pt-body7_420e-256x192-e48f03d0_20230504",
        "5c0a4bf67953e6d2ac43ce15e77dc9d5d354ae18430a47d2c5963a7bc5683e3c",
        size=_SMALL,
        keypoints=17,
        ap=74.9,
        cost=(13.59, 1.93),
    ),
    _pose(
        "rtmpose-l",
        "rtmpose-l_simcc-body7_pt-body7_420e-256x192-4dba18fc_20230504",
        "cff059fd58a2c0d5fabaddcd66a96abcfb327563bcb0149ea59c9de4a8990fe2",
        size=_SMALL,
        keypoints=17,
        ap=76.7,
        cost=(27.66, 4.16),
    ),
    _pose(
        "rtmpose-l-384",
        "rtmpose-l_simcc-body7_pt-body7_420e-384x288-3f5a1437_20230504",
        "62425affc6b9edba8f8a65f55f5e278fec5d905d0c90578e0f8503bdf3954587",
        size=_LARGE,
        keypoints=17,
        ap=78.3,
        cost=(27.79, 9.35),
    ),
    _pose(
        "rtmpose-x-384",
        "rtmpose-x_simcc-body7_pt-body7_700e-384x288-71d7b7e9_20230629",
        "df0c0fa91e9870b1515dcaff741fd76cc753dcfb12786862f61b243bae81cd52",
        size=_LARGE,
        keypoints=17,
        ap=78.8,
        cost=(49.43, 17.22),
    ),
    _pose(
        "rtmpose-t-halpe26",
        "rtmpose-t_simcc-body7_pt-body7-halpe26_700e-256x192-6020f8a6_20230605",
        None,
        size=_SMALL,
        keypoints=26,
        ap=68.0,
        cost=(3.51, 0.37),
    ),
    _pose(
        "rtmpose-s-halpe26",
        "rtmpose-s_simcc-body7_pt-body7-halpe26_700e-256x192-7f134165_20230605",
        None,
        size=_SMALL,
        keypoints=26,
        ap=72.0,
        cost=(5.70, 0.70),
    ),
    _pose(
        "rtmpose-m-halpe26",
        "rtmpose-m_simcc-body7_pt-body7-halpe26_700e-256x192-4d3e73dd_20230605",
        "26f3a19e61304a600dfb82d1001d41d24343b89fc70a33ffc84657e0b0bf2ecf",
        size=_SMALL,
        keypoints=26,
        ap=76.7,
        cost=(13.93, 1.95),
    ),
    _pose(
        "rtmpose-l-halpe26",
        "rtmpose-l_simcc-body7_pt-body7-halpe26_700e-256x192-2abb7558_20230605",
        None,
        size=_SMALL,
        keypoints=26,
        ap=78.4,
        cost=(28.11, 4.19),
    ),
    _pose(
        "rtmpose-x-384-halpe26",
        "rtmpose-x_simcc-body7_pt-body7-halpe26_700e-384x288-7fb6e239_20230606",
        "21bdaefd1a9b7934160987e754d8eca191bc44cccbfa3ba2ef71142c6dd05a9a",
        size=_LARGE,
        keypoints=26,
        ap=80.0,
        cost=(50.00, 17.29),
    ),
    _pose(
        "dwpose-l-384",
        "rtmpose-l_simcc-ucoco_dw-ucoco_270e-384x288-2438fd99_20230728",
        "8cfecfc2226d8e14b510c2fd28442226c518b4d60690535753187877411d4005",
        size=_LARGE,
        keypoints=133,
        ap=66.5,
        cost=(None, 10.07),
    ),
    _pose(
        "rtmw-l-384",
        "rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122",
        "bd033156e5104c4f5d2edfe0453e02661e30a2f3da453ec93c8764d561b83054",
        size=_LARGE,
        keypoints=133,
        ap=70.1,
        cost=(None, 17.7),
        base=_RTMW,
    ),
)
"""All models, detectors first, each kind from fast to exact."""

BY_NAME = {model.name: model for model in MODELS}

MODES: dict[Mode, tuple[str, str]] = {
    "lightweight": ("rtmdet-nano", "rtmpose-t"),
    "balanced": ("rtmdet-m", "rtmpose-m"),
    "performance": ("rtmdet-m", "rtmpose-x-384"),
}
"""Detector and pose model of each mode but "auto"."""

AUTO_MODES: tuple[Mode, Mode] = ("lightweight", "balanced")
"""What "auto" stands for: on a GPU the second, elsewhere the first."""


def by_sha256(sha256: str) -> Model | None:
    """The model whose file has this hash."""
    return next((model for model in MODELS if model.sha256 == sha256), None)


def model_named(name: str) -> Model:
    """The model with this name.

    Raises:
        ModelError: there is none.
    """
    if name not in BY_NAME:
        raise ModelError(
            f"{name}: expected the name of a model or the path of an ONNX file, found neither; "
            f"{_suggestion(name)}"
        )
    return BY_NAME[name]


def _suggestion(name: str) -> str:
    close = get_close_matches(name, BY_NAME, n=3)
    ask = "`hpe-volleyball models list` shows all names"
    return f"did you mean {' or '.join(close)}? {ask}" if close else ask
