"""The three files of a run: exact names, formats and contents."""

from __future__ import annotations

import hashlib
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import h5py
import numpy as np
import pytest

from hpe_volleyball.media.frame_reader import read_frames
from hpe_volleyball.media.orientation import Orientation
from hpe_volleyball.media.video import probe
from hpe_volleyball.output.results import read_results
from hpe_volleyball.skeleton import COCO17
from tests import graphs
from tests.clips import FRONT_INDEX, NTSC, fixed_rate, number_of, variable_rate
from tests.runs import Cli, Models, names, rate, sound_packets, stamps

FRAMES = 22


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def run(cli: Cli, clip: Path, models: Models, out: Path, *more: object) -> None:
    outcome = cli("infer", clip, *models.options, "--output-dir", out, *more)
    assert (outcome.code, outcome.err) == (0, "")


def overlay_of(clip: Path, out: Path) -> Path:
    return out / f"{clip.stem}.overlay.mp4"


def test_three_files_and_no_more(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES)
    run(cli, clip, constant_models, out)
    assert names(out) == ["match.overlay.mp4", "match.poses.h5", "match.run.json"]


@pytest.mark.parametrize(
    ("option", "left"),
    [
        (["--no-video"], ["match.poses.h5", "match.run.json"]),
        (["--no-data"], ["match.overlay.mp4", "match.run.json"]),
        (["--no-video", "--no-data"], ["match.run.json"]),
    ],
)
def test_files_that_are_not_wanted(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path, option: list[str], left: list[str]
) -> None:
    run(cli, fixed_rate(tmp_path / "match.mp4", 5), constant_models, out, *option)
    assert names(out) == left


def test_the_data_file_is_as_designed(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES)
    run(cli, clip, constant_models, out, "--det-interval", 3)
    with h5py.File(out / "match.poses.h5", "r") as file:
        rows = len(file["people/frame"])
        shapes = {
            "frames/index": (np.int64, (FRAMES,)),
            "frames/time_s": (np.float64, (FRAMES,)),
            "frames/keyframe": (np.bool_, (FRAMES,)),
            "people/frame": (np.int64, (rows,)),
            "people/track_id": (np.int32, (rows,)),
            "people/bbox": (np.float32, (rows, 4)),
            "people/bbox_score": (np.float32, (rows,)),
            "people/detected": (np.bool_, (rows,)),
            "people/keypoints": (np.float32, (rows, 17, 2)),
            "people/keypoint_scores": (np.float32, (rows, 17)),
            "people/pose_estimated": (np.bool_, (rows,)),
        }
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if hasattr(item, "dtype") else None)
        assert sorted(found) == sorted(shapes)
        for name, (dtype, shape) in shapes.items():
            column = file[name]
            assert (column.dtype, column.shape) == (np.dtype(dtype), shape), name
            assert column.chunks is not None, name
            assert column.compression is not None, name
        _check_attributes(dict(file.attrs), clip, constant_models)


def _check_attributes(attributes: dict[str, Any], clip: Path, models: Models) -> None:
    listed = json.loads(attributes.pop("models"))
    for model, path in zip(listed, models, strict=True):
        assert model["name"] == path.stem
        assert model["file"] == str(path)
        assert model["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert model["precision"] == "fp32"
    assert tuple(attributes.pop("keypoint_names")) == COCO17.names
    edges = attributes.pop("skeleton_edges")
    np.testing.assert_array_equal(edges, np.array(COCO17.edges))
    assert attributes.pop("command").startswith(f"hpe-volleyball infer {clip} --det ")
    assert attributes.pop("package_version")
    assert json.loads(attributes.pop("settings"))["det_interval"] == 3
    assert attributes.pop("source_fingerprint")
    assert attributes.pop("resumed_at").tolist() == []
    assert attributes == {
        "format": 1,
        "source": str(clip),
        "width": 96,
        "height": 64,
        "fps": "30000/1001",
        "pixel_aspect": "1/1",
        "provider": "CPUExecutionProvider",
        "det_interval": 3,
        "complete": True,
    }


def test_rows_of_the_data_file_make_sense(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES)
    run(cli, clip, constant_models, out)
    found = read_results(out / "match.poses.h5")
    np.testing.assert_array_equal(found.frame_index, np.arange(FRAMES))
    np.testing.assert_allclose(found.time_s, np.arange(FRAMES) / float(NTSC), atol=1e-4)
    assert found.keyframe[0]
    assert (np.diff(found.person_frame) >= 0).all()
    pairs = set(zip(found.person_frame.tolist(), found.track_id.tolist(), strict=True))
    assert len(pairs) == len(found.track_id)
    assert found.track_id.min() >= 1
    # Who was detected was detected on a keyframe.
    assert found.keyframe[found.person_frame[found.detected]].all()
    assert not found.detected.all()
    for scores in (found.bbox_score, found.keypoint_scores):
        assert ((scores >= 0) & (scores <= 1)).all()


def test_the_run_file_tells_how_it_was_made(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES)
    run(cli, clip, constant_models, out)
    told = json.loads((out / "match.run.json").read_text(encoding="utf-8"))
    assert told["command"].startswith(f"hpe-volleyball infer {clip}")
    assert told["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"hpe-volleyball", "av", "numpy", "opencv-python"} <= set(told["versions"])
    assert [m["sha256"] for m in told["models"]] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in constant_models
    ]
    assert told["source"]["path"] == str(clip)
    assert (told["source"]["width"], told["source"]["height"]) == (96, 64)
    assert told["source"]["fps"] == "30000/1001"
    assert told["options"]["det_interval"] == 4
    summary = told["summary"]
    assert summary["provider"] == "CPUExecutionProvider"
    assert (summary["complete"], summary["frames"]) == (True, FRAMES)
    assert summary["detector_calls"] >= summary["keyframes"] >= FRAMES // 4
    stages = {stage["stage"]: stage for stage in summary["stages"]}
    assert list(stages) == ["capture", "detect", "track", "pose", "draw", "write"]
    for stage in stages.values():
        assert stage["calls"] > 0
        assert 0 <= stage["median_ms"] <= stage["p95_ms"]
        assert stage["total_s"] == pytest.approx(stage["share"] * summary["wall_s"], rel=1e-2)
    for key in ("fps", "realtime_factor", "wall_s"):
        assert summary[key] > 0
    assert summary["outputs"] == {
        "overlay": str(out / "match.overlay.mp4"),
        "data": str(out / "match.poses.h5"),
        "run": str(out / "match.run.json"),
    }


def test_the_table_has_the_numbers_of_the_run_file(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES)
    outcome = cli("infer", clip, *constant_models.options, "--output-dir", out)
    summary = json.loads((out / "match.run.json").read_text(encoding="utf-8"))["summary"]
    lines = outcome.out.splitlines()
    for stage in summary["stages"]:
        line = next(line for line in lines if line.startswith(f"│ {stage['stage']} "))
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        numbers = [stage[name] for name in ("mean_ms", "median_ms", "p95_ms")]
        assert cells[1:5] == [str(stage["calls"]), *(f"{number:.2f}" for number in numbers)]
        assert cells[6] == f"{100 * stage['share']:.0f}"
        assert ("*" in cells[0]) == stage["overlaps"]
    speed = f"{summary['fps']:.1f} fps, {summary['realtime_factor']:.2f} x real time"
    assert f"{FRAMES} frames in {summary['wall_s']:.1f} s: {speed}" in outcome.out
    assert f"{summary['detector_calls']} detector calls" in outcome.out


def test_a_constant_rate_of_29_97_is_kept_exactly(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES)
    run(cli, clip, constant_models, out)
    overlay = overlay_of(clip, out)
    assert rate(overlay) == NTSC
    assert stamps(overlay) == stamps(clip)
    assert len(stamps(overlay)) == FRAMES


def test_variable_rates_are_kept_frame_by_frame(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = variable_rate(tmp_path / "match.mp4", FRAMES)
    run(cli, clip, constant_models, out)
    overlay = overlay_of(clip, out)
    assert stamps(overlay) == stamps(clip)
    # The average counts the length of the last picture, which the source tells nobody.
    assert float(rate(overlay)) == pytest.approx(float(rate(clip)), rel=1 / FRAMES)
    times = read_results(out / "match.poses.h5").time_s
    np.testing.assert_allclose(times, stamps(clip), atol=1e-9)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotated_clips_come_out_upright(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path, rotation: int
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES, rotation=rotation)
    run(cli, clip, constant_models, out)
    overlay = overlay_of(clip, out)
    assert stamps(overlay) == stamps(clip)
    with read_frames(overlay) as reader:
        frame = next(reader)
    assert reader.info.orientation == Orientation()
    size = (96, 64) if rotation == 180 else (64, 96)
    assert (reader.info.width, reader.info.height) == size
    assert frame.image.shape == (*size[::-1], 3)
    with h5py.File(out / "match.poses.h5", "r") as file:
        assert (file.attrs["width"], file.attrs["height"]) == size


@pytest.mark.parametrize(("rotation", "told"), [(0, "4/3"), (90, "3/4")])
def test_pixels_that_are_not_square_are_told_and_stay_so(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path, rotation: int, told: str
) -> None:
    """Camcorders store 1440x1080; a jump and a run are only comparable in equal units."""
    aspect = Fraction(4, 3)
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES, rotation=rotation, pixel_aspect=aspect)
    run(cli, clip, constant_models, out)
    assert probe(overlay_of(clip, out)).sample_aspect == Fraction(told)
    record = json.loads((out / "match.run.json").read_text(encoding="utf-8"))
    assert record["source"]["pixel_aspect"] == told
    assert read_results(out / "match.poses.h5").attributes["pixel_aspect"] == told


def test_pictures_stay_in_their_order(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    """Each picture shows its number below the overlay's time stamp."""
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES, size=(960, 640))
    nobody = tmp_path / "nobody.onnx"
    graphs.detector(nobody, [[0, 0, 1, 1, 0.01]], [0], image=(1, 3, 96, 96))
    run(cli, clip, Models(nobody, constant_models.pose), out)
    with read_frames(overlay_of(clip, out)) as reader:
        numbers = [number_of(np.roll(frame.image, -60, axis=0)) for frame in reader]
    assert numbers == list(range(FRAMES))


def test_sound_is_copied_bit_by_bit(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", FRAMES, audio="aac")
    run(cli, clip, constant_models, out)
    wanted = sound_packets(clip)
    assert wanted
    assert sound_packets(overlay_of(clip, out)) == wanted


def test_a_browser_can_play_the_overlay(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mkv", FRAMES, codec="libvpx-vp9", options=())
    run(cli, clip, constant_models, out)
    overlay = overlay_of(clip, out)
    with av.open(str(overlay)) as container:
        assert "mp4" in container.format.name
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
    content = overlay.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "plays only once it is downloaded"


@pytest.mark.parametrize("size", [(98, 66), (97, 65), (1, 1)])
def test_any_size_of_picture(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path, size: tuple[int, int]
) -> None:
    clip = fixed_rate(
        tmp_path / "match.mkv", 6, size=size, codec="ffv1", pix_fmt="bgr0", options=()
    )
    run(cli, clip, constant_models, out)
    with read_frames(overlay_of(clip, out)) as reader:
        assert len(list(reader)) == 6
    # 4:2:0 needs even sides.
    even = tuple(side + side % 2 for side in size)
    assert (reader.info.width, reader.info.height) == even
    with h5py.File(out / "match.poses.h5", "r") as file:
        assert (file.attrs["width"], file.attrs["height"]) == size


def test_a_part_of_the_video(cli: Cli, tmp_path: Path, constant_models: Models, out: Path) -> None:
    clip = fixed_rate(
        tmp_path / "match.mp4", 75, rate=Fraction(25), container=FRONT_INDEX, audio="aac"
    )
    run(cli, clip, constant_models, out, "--start", "0:01", "--end", "0:00:02.2")
    times = read_results(out / "match.poses.h5").time_s
    np.testing.assert_allclose(times, 1 + np.arange(30) / 25, atol=1e-6)
    np.testing.assert_allclose(stamps(overlay_of(clip, out)), np.arange(30) / 25, atol=1e-6)


def test_nothing_is_printed_when_quiet(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    outcome = cli("infer", clip, *constant_models.options, "--output-dir", out, "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert len(names(out)) == 3


def test_an_earlier_run_is_replaced_only_when_asked_for(
    cli: Cli, tmp_path: Path, constant_models: Models, out: Path
) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 5)
    arguments = ("infer", clip, *constant_models.options, "--output-dir", out)
    assert cli(*arguments).code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    again = cli(*arguments)
    assert again.code == 1
    assert "use --overwrite" in again.err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert cli(*arguments, "--overwrite", "--max-frames", 2).code == 0
    assert len(read_results(out / "match.poses.h5").frame_index) == 2
