"""What decides on a result: the worse of two agreements, the time it takes, and a true cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hpe_volleyball.models.devices import Granted
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.quantize import convert
from hpe_volleyball.quantize.convert import convert_model
from hpe_volleyball.quantize.float16 import emulated
from hpe_volleyball.quantize.graph import read_source, write_model
from hpe_volleyball.quantize.report import Request
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.quantize.samples import Samples
from hpe_volleyball.quantize.search import Found
from hpe_volleyball.quantize.steps import Conversion
from hpe_volleyball.quantize.subject import DetectorSubject, PoseSubject


@pytest.fixture(scope="module")
def coarse_pose(small_pose: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small pose model with 2048 added to its input and taken away again.

    In float32 that does nothing; in float16 there are only even numbers from 2048 on.
    """
    model = onnx.load(str(small_pose))
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["same" if name == "input" else name for name in node.input]
    graph.node.insert(0, helper.make_node("Add", ["input", "much"], ["more"]))
    graph.node.insert(1, helper.make_node("Sub", ["more", "much"], ["same"]))
    graph.initializer.append(numpy_helper.from_array(np.array(2048, np.float32), "much"))
    path = tmp_path_factory.mktemp("coarse") / "coarse-pose.onnx"
    write_model(model, path)
    return path


def pose_subject(samples: Samples) -> PoseSubject:
    assert samples.boxes is not None
    return PoseSubject(samples, samples.boxes)


def request(folder: Path, device: Granted = "cpu") -> Request:
    """A conversion in which there is no time for a search."""
    return Request(
        precision="fp16", output_dir=folder, device=device, keep_anyway=True, budget_s=0.001
    )


def test_rounding_that_only_a_gpu_would_do_counts_on_a_cpu(
    coarse_pose: Path, samples: Samples, tmp_path: Path
) -> None:
    subject = pose_subject(samples)
    report = convert_model(coarse_pose, subject, request(tmp_path))
    assert report.result is not None
    one, other = (open_session(path, "cpu") for path in (coarse_pose, report.result))
    assert subject.agreement(one, other, proof=True).value > 0.98
    assert report.agreement.value < 0.9
    assert report.verdict == "not recommended"


@pytest.mark.parametrize(
    ("device", "real", "rounding", "good"),
    [
        ("cpu", "fine", "fine", True),
        ("cpu", "coarse", "fine", False),
        ("cpu", "fine", "coarse", False),
        ("cuda", "fine", "coarse", True),  # a GPU rounds by itself
    ],
)
def test_the_worse_of_the_real_and_the_emulated_result_counts(
    small_pose: Path,
    coarse_pose: Path,
    samples: Samples,
    tmp_path: Path,
    device: Granted,
    real: str,
    rounding: str,
    good: bool,
) -> None:
    models = {"fine": read_source(small_pose), "coarse": read_source(coarse_pose)}
    before = open_session(small_pose, "cpu")
    after = open_model(emulated(models[real], ()), tmp_path / "after.onnx", optimised=False)
    work = Conversion(small_pose, pose_subject(samples), request(tmp_path, device), tmp_path)
    nothing_kept = Found(frozenset(), 1, True, 1, 0, False)
    agreement = work.agreement(before, after, nothing_kept, models[rounding])
    assert (agreement.value > 0.95) == good
    assert (agreement.value < 0.8) != good


def test_speed_is_how_many_times_as_fast_the_result_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def taking(*first_s: float, then_s: float) -> Callable[[], object]:
        """A call that takes so long the first times, and then always the same."""

        def durations() -> Iterator[float]:
            yield from first_s
            while True:
                yield then_s

        left = durations()

        def call() -> None:
            nonlocal now
            now += next(left)

        return call

    monkeypatch.setattr(convert, "time", SimpleNamespace(perf_counter=lambda: now))
    assert convert._speed(taking(then_s=3), taking(then_s=2)) == pytest.approx(1.5)
    # Neither the first call nor one that was held up changes it.
    slow = taking(500, 0.5, 40, then_s=2)
    assert convert._speed(slow, taking(1, 1, 90, then_s=4)) == pytest.approx(0.5)


@pytest.mark.parametrize("change", [(1, 1, 1, 1, 0), (0, 0, 0, 0, 0.001)])
def test_a_cut_that_changes_boxes_or_scores_is_not_used(
    small_detector: Path, samples: Samples, tmp_path: Path, change: tuple[float, ...]
) -> None:
    """As of a model that does something more after its NMS."""
    model = onnx.load(str(small_detector))
    graph = model.graph
    for node in graph.node:
        node.output[:] = ["found" if name == "dets" else name for name in node.output]
    graph.node.append(helper.make_node("Add", ["found", "change"], ["dets"]))
    graph.initializer.append(numpy_helper.from_array(np.array(change, np.float32), "change"))
    path = tmp_path / "changed-det.onnx"
    write_model(model, path)
    subject = DetectorSubject(samples, 160)
    work = Conversion(path, subject, request(tmp_path), tmp_path)
    base, why = work.prepared(read_source(path))
    assert why == "not cut: the cut model gives other boxes"
    assert [value.name for value in base.graph.output] == ["dets", "labels"]
    work = Conversion(small_detector, subject, request(tmp_path), tmp_path)
    assert work.prepared(read_source(small_detector))[1] == ""
