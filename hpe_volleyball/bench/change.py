"""A benchmark beside an earlier one."""

from __future__ import annotations

from hpe_volleyball.bench.cells import Cells
from hpe_volleyball.bench.result import BenchResult, RowResult

_EXPECTED_SAME = ("clip", "nets", "frames", "provider")


def change_table(old: BenchResult, new: BenchResult) -> Cells:
    """Rows of both, by key, and how the time per frame changed.

    A change counts as one where the ranges of the rounds do not overlap.
    """
    before = {row.key: row for row in old.listed}
    rows = []
    for row in new.listed:
        then = before.get(row.key)
        if then is None:
            rows.append([row.name, "-", str(row.total), "new row", "-"])
        else:
            rows.append([row.name, str(then.total), str(row.total), *_changed(then, row)])
    kept = {row.key for row in new.listed}
    rows += [
        [row.name, str(row.total), "-", "row gone", "-"]
        for row in old.listed
        if row.key not in kept
    ]
    return Cells(
        "Milliseconds per frame, before and now", ["", "before", "now", "change", "IDF1"], rows
    )


def change_notes(old: BenchResult, new: BenchResult) -> list[str]:
    """What besides the program is different, which makes times hard to compare."""
    found = [
        f"{name} differs: {getattr(old, name)} before, {getattr(new, name)} now"
        for name in _EXPECTED_SAME
        if getattr(old, name) != getattr(new, name)
    ]
    if old.machine != new.machine:
        parts = [k for k in new.machine if old.machine.get(k) != new.machine[k]]
        found.append(f"the machine differs: {', '.join(parts)}")
    found += [
        f"{name} {old.versions.get(name, 'absent')} before, {new.versions.get(name, 'absent')} now"
        for name in sorted({*old.versions, *new.versions})
        if old.versions.get(name) != new.versions.get(name)
    ]
    hashes = [{m["role"]: m["sha256"] for m in result.models} for result in (old, new)]
    if hashes[0] != hashes[1]:
        found.append("the model files differ")
    return [*found, "a change is marked ~ where the rounds of both overlap"]


def _changed(then: RowResult, now: RowResult) -> tuple[str, str]:
    share = now.total.median / then.total.median - 1
    apart = max(then.total_ms) < min(now.total_ms) or max(now.total_ms) < min(then.total_ms)
    before, after = then.agreement.idf1, now.agreement.idf1
    idf1 = "-" if before is None or after is None else f"{after - before:+.3f}"
    return f"{'' if apart else '~ '}{share:+.1%}", idf1
