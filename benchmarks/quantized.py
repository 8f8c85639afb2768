"""What cutting, FP16 and INT8 cost real models on real clips."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from quantized_bytes import byte_lines, byte_rows
from writing import RESULTS, origin, origin_line, write_results

from hpe_volleyball.console.conversion import last_line, rows
from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.models.opening import open_session
from hpe_volleyball.models.rtmdet import RTMDet
from hpe_volleyball.quantize.convert import convert_model
from hpe_volleyball.quantize.cut import cut_detector
from hpe_volleyball.quantize.graph import read_source
from hpe_volleyball.quantize.report import Report, Request
from hpe_volleyball.quantize.runtime import open_model
from hpe_volleyball.quantize.samples import Samples
from hpe_volleyball.quantize.simplify import simplified
from hpe_volleyball.quantize.subject import DetectorSubject, PoseSubject, Subject, boxes_by
from hpe_volleyball.quantize.validation import rounded
from hpe_volleyball.records import Floats, Frame

EVERY = 40
"""Every so many frames one validates, and the one in the middle between two calibrates."""

SIZES = (320, 640)


def frames_of(clips: list[Path], every: int, first: int = 0) -> Iterator[Frame]:
    """Frames of all clips, numbered through."""
    number = 0
    for clip in clips:
        with read_frames(clip) as source:
            for frame in source:
                if frame.index % every == first:
                    yield Frame(number, frame.time_s, frame.image)
                    number += 1


def samples_of(clips: list[Path], every: int = EVERY) -> Samples:
    """Pictures of the clips to calibrate and to validate on."""
    validation = list(frames_of(clips, every))
    calibration = [
        Frame(len(validation) + frame.index, frame.time_s, frame.image)
        for frame in frames_of(clips, every, every // 2)
    ]
    return Samples("three real clips", calibration, validation, None)


def cut_difference(detector: Path, clips: list[Path], size: int, every: int = 1) -> dict[str, Any]:
    """The largest difference between a detector and itself cut, over the frames of the clips."""
    with tempfile.TemporaryDirectory() as folder:
        cut = simplified(cut_detector(read_source(detector)), detector.name)
        one = RTMDet(open_session(detector, "cpu"), size=size)
        other = RTMDet(open_model(cut, Path(folder) / "cut.onnx"), size=size)
    frames = boxes = 0
    px = score = 0.0
    same = True
    for frame in frames_of(clips, every):
        expected, found = one.detect(frame), other.detect(frame)
        frames += 1
        boxes += len(expected.boxes)
        if expected.boxes.shape != found.boxes.shape:
            same = False
        elif len(found.boxes):
            px = max(px, float(np.abs(expected.boxes - found.boxes).max()))
            score = max(score, float(np.abs(expected.scores - found.scores).max()))
    return {
        "size": size,
        "frames": frames,
        "boxes": boxes,
        "same_boxes": same,
        "max_px": px,
        "max_score": score,
    }


def subjects(samples: Samples, boxes: dict[int, Floats]) -> dict[str, Subject]:
    """The detector at both sizes, and the pose model on its boxes."""
    return {
        **{f"detector at {size}": DetectorSubject(samples, size) for size in SIZES},
        "pose model": PoseSubject(samples, boxes),
    }


def convert(
    det: Path, pose: Path, asked: dict[str, Subject], request: Request
) -> dict[str, Report]:
    """Convert both models; the detector once for each size."""
    return {
        name: convert_model(pose if subject.role == "pose" else det, subject, request)
        for name, subject in asked.items()
    }


def _told(report: Report) -> dict[str, Any]:
    return {
        "verdict": report.verdict,
        **rounded(report.agreement),
        "speed": round(report.speed, 2),
        "bytes_before": report.bytes_before,
        "bytes_after": report.bytes_after,
        "kept": report.kept,
        "nodes": report.nodes,
        "search": {
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in asdict(report.search).items()
            if key != "kept"
        },
        "last_line": last_line(report).partition(";")[0],
    }


def _page(
    cuts: list[dict[str, Any]],
    in_bytes: list[dict[str, Any]],
    reports: dict[str, dict[str, Report]],
) -> str:
    lines = ["# Converted models on the real clips", "", "## Detector without its NMS", ""]
    lines += ["| input | frames | boxes | same boxes, same order | max px | max score |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {c['size']} | {c['frames']} | {c['boxes']} | {'yes' if c['same_boxes'] else 'no'} | "
        f"{c['max_px']:.1e} | {c['max_score']:.1e} |"
        for c in cuts
    ]
    lines += ["", *byte_lines(in_bytes)]
    for precision, found in reports.items():
        for name, report in found.items():
            lines += ["", f"## {precision.upper()}: {name}", "", "| | |", "|---|---|"]
            lines += [f"| {key} | {value} |" for key, value in rows(report)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, metavar="DIR", required=True, help="real clips")
    parser.add_argument("--det", type=Path, metavar="FILE", required=True, help="RTMDet model")
    parser.add_argument("--pose", type=Path, metavar="FILE", required=True, help="RTMPose model")
    parser.add_argument("--budget", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    given = parser.parse_args()
    det, pose, clips = given.det, given.pose, sorted(given.clips.glob("*.mp4"))
    cuts = [cut_difference(det, clips, size) for size in SIZES]
    samples = samples_of(clips)
    boxes = boxes_by(open_session(det, "cpu"), samples)
    in_bytes = byte_rows(det, pose, samples, boxes)
    reports: dict[str, dict[str, Report]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("fp16", "int8"):
            request = Request(
                precision=precision,
                output_dir=Path(folder),
                keep_anyway=True,
                budget_s=given.budget,
            )
            reports[precision] = convert(det, pose, subjects(samples, boxes), request)
    content = {
        **origin(),
        "cut": cuts,
        "bytes": in_bytes,
        "converted": {
            precision: {name: _told(report) for name, report in found.items()}
            for precision, found in reports.items()
        },
    }
    text = f"{_page(cuts, in_bytes, reports)}\n{origin_line(content)}\n"
    write_results("quantized", content, text, given.results)


if __name__ == "__main__":
    main()
