"""How a run was made: what its data file and its run.json say of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hpe_volleyball.loaded import Models
from hpe_volleyball.media.video import VideoInfo
from hpe_volleyball.options import InferOptions
from hpe_volleyball.output import provenance
from hpe_volleyball.output.data_file import DataHeader
from hpe_volleyball.output.summary import RunSummary


def data_header(
    info: VideoInfo, fingerprint: str, models: Models, options: InferOptions
) -> DataHeader:
    """What the data file says of the run; the fingerprint is that of the source."""
    skeleton = models.poser.skeleton
    return DataHeader(
        source=info.name,
        width=info.width,
        height=info.height,
        fps=info.rate,
        pixel_aspect=info.sample_aspect,
        keypoint_names=skeleton.names,
        skeleton_edges=skeleton.edges,
        models=provenance.describe_models(models.sessions),
        provider=models.provider,
        det_interval=options.det_interval,
        command=provenance.command_line(),
        package_version=provenance.versions()["hpe-volleyball"],
        settings=options.settings(),
        source_fingerprint=fingerprint,
    )


def about_source(info: VideoInfo) -> dict[str, Any]:
    """What the record says of the source; asked for before the run, it may be gone after it."""
    live = info.live_from is not None
    return {
        "path": info.name,
        "bytes": None if live else info.path.stat().st_size,
        "fingerprint": "live" if live else provenance.fingerprint(info.path),
        "width": info.width,
        "height": info.height,
        "fps": f"{info.rate.numerator}/{info.rate.denominator}",
        "pixel_aspect": f"{info.sample_aspect.numerator}/{info.sample_aspect.denominator}",
        "frames": info.n_frames,
        "duration_s": info.duration_s,
        "codec": info.codec,
        "rotation": info.orientation.rotation,
        "mirrored": info.orientation.mirrored,
    }


def run_record(
    summary: RunSummary, source: Mapping[str, Any], models: Models, options: InferOptions
) -> dict[str, Any]:
    """What run.json says of the run."""
    return {
        "format": 1,
        "command": provenance.command_line(),
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "source": source,
        "models": provenance.describe_models(models.sessions),
        "options": {k: str(v) if isinstance(v, Path) else v for k, v in asdict(options).items()},
        "summary": asdict(summary),
    }
