"""A whole match: memory stays flat over 360,000 frames."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from hpe_volleyball.output.results import read_results
from tests.clips import fixed_rate
from tests.looped import looped
from tests.recorded import record
from tests.runs import Models, names

START = "import sys; from hpe_volleyball.cli import main; sys.argv[0] = 'hpe-volleyball'; main()"
WARM_S = 300
ALLOWED_MB = 50
EVERY_S = 5.0


def resident_mb(process: int) -> float:
    """Memory that a process holds now, in MB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(("kind", "frames"), [("constant", 360_000), ("demo", 12_000)])
def test_memory_stays_flat(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, frames: int
) -> None:
    models: Models = request.getfixturevalue(f"{kind}_models")
    if kind == "constant":
        no_b_frames = (("preset", "ultrafast"), ("bf", "0"), ("g", "50"))
        short = fixed_rate(
            tmp_path / "short.mp4", 250, rate=Fraction(50), audio="aac", options=no_b_frames
        )
    else:
        short = request.getfixturevalue("rally_clip")
    clip = looped(short, tmp_path / "long.mp4", frames)
    out = tmp_path / "out"
    arguments = ("infer", clip, *models.options, "--output-dir", out, "--device", "cpu", "-q")
    begun = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - this Python, and the line above
        [sys.executable, "-c", START, *map(str, arguments)]
    ) as process:
        samples: list[tuple[float, float, bool]] = []
        while process.poll() is None:
            finishing = any(name.endswith(".finishing") for name in names(out))
            seconds = time.monotonic() - begun
            samples.append((round(seconds), round(resident_mb(process.pid), 1), finishing))
            time.sleep(EVERY_S)
    assert process.returncode == 0
    running = [(s, mb) for s, mb, finishing in samples if mb and not finishing]
    warm = next((mb for s, mb in running if s >= WARM_S), running[len(running) // 4][1])
    last = running[-1][1]
    while_finishing = max((mb for _, mb, finishing in samples if finishing), default=None)
    data = out / "long.poses.h5"
    record(
        f"long_run_{kind}",
        {
            "frames": frames,
            "models": kind,
            "picture": [96, 64] if kind == "constant" else [640, 360],
            "niceness": os.nice(0),
            "seconds": running[-1][0],
            "mb_after_300_s": warm,
            "mb_at_the_end": last,
            "mb_while_finishing": while_finishing,
            "data_mb": round(data.stat().st_size / 1e6, 1),
            "overlay_mb": round((out / "long.overlay.mp4").stat().st_size / 1e6, 1),
            "memory_mb": [[s, mb] for s, mb, _ in samples][:: max(1, len(samples) // 60)],
        },
    )
    assert len(read_results(data, end_s=1.0).frame_index) > 0
    assert last - warm <= ALLOWED_MB
