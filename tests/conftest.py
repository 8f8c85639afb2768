"""What every test file may use: models and clips, real and made here, and the command line."""

import os
import signal
import sys
from fractions import Fraction
from pathlib import Path

import onnxruntime
import pytest

from hpe_volleyball.cli.app import main
from hpe_volleyball.synthetic import Rally, RallyConfig, render_video, write_demo_models
from tests import graphs
from tests.runs import Cli, Models, Outcome

SHARED = Path(__file__).parents[2] / "shared"


def pytest_configure() -> None:
    """Take Ctrl-C also where a shell that runs the tests in its background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """The versions that decide about numbers."""
    return f"onnxruntime {onnxruntime.__version__} {onnxruntime.get_available_providers()}"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real models and clips; without it the test is skipped, in CI it fails."""
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{SHARED} is missing; CI must have the real models and clips")
        pytest.skip(f"{SHARED} is not here")
    return SHARED


@pytest.fixture(scope="session")
def real_detector(shared: Path) -> Path:
    """A real RTMDet-nano with free batch, height and width."""
    return shared / "models" / "rtmdet-nano-person.onnx"


@pytest.fixture(scope="session")
def real_pose(shared: Path) -> Path:
    """A real pose model with RTMPose's inputs and outputs, 17 keypoints."""
    return shared / "models" / "tinypose-256x192-simcc.onnx"


@pytest.fixture(scope="session")
def real_models(real_detector: Path, real_pose: Path) -> Models:
    """Both real models."""
    return Models(real_detector, real_pose)


@pytest.fixture(scope="session")
def constant_models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """A detector that sees the same two people everywhere, and a pose model to go with it."""
    folder = tmp_path_factory.mktemp("constant_models")
    people = [[6.0, 9.0, 36.0, 57.0, 0.9], [51.0, 9.0, 81.0, 57.0, 0.8]]
    peaks = [(3 + 5 * k, 2 + 7 * k, 0.9, 0.8) for k in range(17)]
    return Models(
        graphs.detector(folder / "det.onnx", people, [0, 0], image=(1, 3, 96, 96)),
        graphs.pose(folder / "pose.onnx", peaks, size=(48, 64)),
    )


@pytest.fixture(scope="session")
def demo_models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The models that read synthetic rallies."""
    return Models(*write_demo_models(tmp_path_factory.mktemp("demo_models")))


@pytest.fixture(scope="session")
def rally_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a rally of two against two, with sound."""
    config = RallyConfig(width=640, height=360, fps=Fraction(25), seconds=0.6, team_size=2)
    return render_video(Rally(config), tmp_path_factory.mktemp("rally") / "match.mp4", audio=True)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs the command line in this process."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["hpe-volleyball", *map(str, arguments)])
        capfd.readouterr()
        code, handler = 0, signal.getsignal(signal.SIGTERM)
        try:
            main()
        except SystemExit as stop:
            code = 0 if stop.code is None else int(stop.code)
        finally:
            signal.signal(signal.SIGTERM, handler)
        return Outcome(code, *capfd.readouterr())

    return run
