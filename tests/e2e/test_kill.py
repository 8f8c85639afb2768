"""kill -9 in the middle of a run: what was done is readable, and `--resume` completes it."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hpe_volleyball.media.kept_pictures import count_pictures
from hpe_volleyball.output.results import Results, read_results
from tests.clips import fixed_rate
from tests.recorded import record
from tests.runs import Models, names, sound_packets, stamps

RUN = """
import os, sys, time
from pathlib import Path
from hpe_volleyball import InferOptions, infer_video
video, det, pose, out, frames, log, pause_s = sys.argv[1:]
journal = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
options = InferOptions(
    det=Path(det), pose=Path(pose), output_dir=Path(out), device="cpu", max_frames=int(frames)
)
def tell(result):
    os.write(journal, b"%d %f\\n" % (result.frame.index, time.monotonic()))
    time.sleep(float(pause_s))
infer_video(video, options, on_frame=tell)
"""
"""A run that notes when each frame was handed to the files, and waits a little after each, so that
a fast machine comes to write some of them before it is killed."""
START = "import sys; from hpe_volleyball.cli import main; sys.argv[0] = 'hpe-volleyball'; main()"
COLUMNS = (
    *("frame_index", "time_s", "keyframe", "person_frame", "track_id", "bbox", "bbox_score"),
    *("detected", "keypoints", "keypoint_scores"),
)
PATIENCE_S = 600
FLUSH_S = 5.0
LOSS_S = 10.0


def journal(path: Path) -> list[float]:
    """When each frame was handed over; the last line may be torn."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [float(line.split()[1]) for line in lines]


def killed(run: list[str], log: Path, after: int, delay_s: float) -> float:
    """Start a run and kill it some time after a frame; the moment, or when it had ended."""
    with subprocess.Popen([sys.executable, "-c", RUN, *run]) as process:  # noqa: S603
        deadline = time.monotonic() + PATIENCE_S
        while len(journal(log)) <= after and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(delay_s)
        process.kill()
        return time.monotonic()


def assert_rows_before(part: Results, whole: Results) -> int:
    """What was kept is the beginning of the whole; its number of frames."""
    frames = len(part.frame_index)
    rows = int(np.searchsorted(whole.person_frame, frames))
    for name in COLUMNS:
        kept = frames if name in {"frame_index", "time_s", "keyframe"} else rows
        np.testing.assert_array_equal(getattr(part, name)[:kept], getattr(whole, name)[:kept])
    return frames


def likeness(both: Results, whole: Results, seam: int) -> dict[str, float]:
    """How a resumed run compares with one without interruption.

    "equal_outside": part of the rows of people that are the same bit by bit, of those before the
    seam and of tracks that do not cross it; "equal": of all rows; "p95_px" and "furthest_px": how
    far the boxes' edges are apart behind the seam, of the tracks that cross it, where both runs
    have the same people in the same frames, else -1.
    """
    same_people = np.array_equal(both.person_frame, whole.person_frame) and np.array_equal(
        both.track_id, whole.track_id
    )
    if not same_people:
        return {"equal": 0.0, "equal_outside": 0.0, "p95_px": -1.0, "furthest_px": -1.0}
    equal = np.ones(len(whole.track_id), np.bool_)
    for name in COLUMNS[5:]:
        one, other = (getattr(r, name).reshape(len(equal), -1) for r in (both, whole))
        equal &= (one == other).all(axis=1)
    before = whole.person_frame < seam
    across = np.isin(whole.track_id, whole.track_id[before]) & ~before
    apart = np.abs(both.bbox - whole.bbox)[across].max(axis=1)
    return {
        "equal": float(equal.mean()),
        "equal_outside": float(equal[~across].mean()) if (~across).any() else 1.0,
        "crossing": len(np.unique(whole.track_id[across])),
        "p95_px": round(float(np.quantile(apart, 0.95)), 2) if len(apart) else 0.0,
        "furthest_px": round(float(apart.max(initial=0)), 2),
    }


def kill_and_resume(
    clip: Path,
    models: Models,
    folder: Path,
    *,
    frames: int,
    pause_s: float,
    moments: list[tuple[int, float]],
) -> list[dict[str, float]]:
    """Kill a run at each moment (frame, and seconds after it) and resume it; what came of it."""
    reference = folder / "whole"
    options = (*models.options, "--device", "cpu", "--max-frames", str(frames), "--quiet")
    resume = [sys.executable, "-c", START, "infer", str(clip), *options, "--output-dir"]
    subprocess.run([*resume, str(reference)], check=True, timeout=PATIENCE_S)  # noqa: S603
    whole = read_results(reference / f"{clip.stem}.poses.h5")
    rows, lock = [], f".{clip.stem}.lock"
    for number, (after, delay_s) in enumerate(moments):
        out, log = folder / f"out{number}", folder / f"log{number}"
        run = [str(given) for given in (clip, *models, out, frames, log, pause_s)]
        moment = killed(run, log, after, delay_s)
        assert not [name for name in names(out) if ".partial." not in name and name != lock]
        part = read_results(out / f"{clip.stem}.poses.partial.h5")
        pictures = count_pictures(out / f"{clip.stem}.overlay.partial.mp4")
        kept = min(assert_rows_before(part, whole), pictures)
        handled = journal(log)
        lost_s = moment - handled[kept] if kept < len(handled) else 0.0
        done = subprocess.run(  # noqa: S603
            [*resume, str(out), "--resume"],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert lock not in names(out)
        both = read_results(out / f"{clip.stem}.poses.h5")
        overlay = f"{clip.stem}.overlay.mp4"
        assert stamps(out / overlay) == stamps(reference / overlay)
        rows.append(
            {
                "handled": len(handled),
                "kept": kept,
                "lost_s": round(lost_s, 2),
                **likeness(both, whole, kept),
            }
        )
        assert lost_s <= LOSS_S
    return rows


def test_a_killed_run_is_completed(tmp_path: Path, constant_models: Models) -> None:
    clip = fixed_rate(tmp_path / "match.mp4", 900, audio="aac")
    [row] = kill_and_resume(
        clip, constant_models, tmp_path, frames=900, pause_s=0.01, moments=[(700, 0.3)]
    )
    assert 200 < row["kept"] <= row["handled"] < 900
    assert row["equal"] == 1.0
    overlay = "match.overlay.mp4"
    assert sound_packets(tmp_path / "out0" / overlay) == sound_packets(tmp_path / "whole" / overlay)


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_twenty_kills(tmp_path: Path, shared: Path, real_models: Models) -> None:
    clip = shared / "clips" / "one-by-one-10fps.mp4"
    frames, kills, pause_s = 600, 20, 0.02
    # From when something is on the disk to the end; somebody is in the picture in most frames.
    begin = round(FLUSH_S / pause_s)
    rng = random.Random(8)  # noqa: S311 - not for secrets
    moments = [(rng.randrange(begin, frames - 20), rng.uniform(0, 0.5)) for _ in range(kills)]
    rows = kill_and_resume(
        clip, real_models, tmp_path, frames=frames, pause_s=pause_s, moments=moments
    )
    content = {
        "clip": clip.name,
        "frames": frames,
        "models": [real_models.det.stem, real_models.pose.stem],
        "worst_loss_s": max(row["lost_s"] for row in rows),
        "kills": rows,
    }
    record("kills", content)
    assert min(row["equal_outside"] for row in rows) == 1.0
    assert all(row["kept"] > 0 and row["furthest_px"] >= 0 for row in rows)
    assert sum(row["crossing"] > 0 for row in rows) >= kills / 2
