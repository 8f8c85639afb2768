"""A made-up result whose numbers are known."""

from __future__ import annotations

from dataclasses import replace

from hpe_volleyball.bench.result import Agreement, BenchResult, RowResult

SAME = Agreement(1.0, 0, 1.0, 0.0)
BASELINE = RowResult(
    key="baseline",
    name="baseline",
    listed=True,
    settings={"pose_batch": 1},
    detector_calls=100,
    total_ms=[100.0, 110.0, 300.0],
    stage_ms={"capture": [10.0, 20.0, 30.0], "pose": [60.0, 80.0, 200.0]},
    overlapping=[],
    agreement=SAME,
    truth=Agreement(0.9, 2, 0.95, 4.0),
)
BATCH = replace(
    BASELINE,
    key="batch",
    name="+ batched pose",
    settings={"pose_batch": 16},
    total_ms=[50.0, 44.0, 100.0],
    stage_ms={"capture": [10.0, 20.0, 40.0], "pose": [30.0, 30.0, 60.0]},
    overlapping=["capture"],
    agreement=Agreement(0.98, 1, None, None),
)
CANDIDATE = replace(BATCH, key="few", name="all, pose in batches of 4", listed=False)
RESULT = BenchResult(
    clip="rally",
    nets="as seen by the models",
    frames=100,
    rounds=3,
    provider="CPUExecutionProvider",
    models=[
        {"role": "det", "name": "d", "sha256": "0123456789", "precision": "fp32"},
        {"role": "pose", "name": "p", "sha256": "9876543210", "precision": "fp32"},
    ],
    machine={"processor": "Abacus", "cores": 2, "gpus": []},
    versions={"onnxruntime": "1.32"},
    rows=[BASELINE, BATCH, CANDIDATE, replace(CANDIDATE, key="fastest", listed=True)],
    fastest="few",
    remarks=["no FP16 row"],
)
