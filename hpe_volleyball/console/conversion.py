"""What `quantize` prints of a conversion."""

from __future__ import annotations

from rich.console import RenderableType

from hpe_volleyball.console.report import score_table
from hpe_volleyball.quantize.report import Report
from hpe_volleyball.quantize.validation import SAFE, USABLE, USABLE_IOU, BoxAgreement


def conversion_table(report: Report) -> RenderableType:
    """All numbers of a conversion."""
    return score_table(f"{report.source.name} in {report.precision.upper()}", rows(report))


def rows(report: Report) -> list[tuple[str, str]]:
    """Name and value of each number."""
    agreement, search = report.agreement, report.search
    if isinstance(agreement, BoxAgreement):
        numbers = [
            ("boxes of the source", f"{agreement.boxes}"),
            ("boxes matched", f"{agreement.matched:.2%}"),
            ("mean IoU", f"{agreement.mean_iou:.4f}"),
            ("score difference, mean", f"{agreement.mean_score_difference:.4f}"),
            ("score difference, most", f"{agreement.max_score_difference:.4f}"),
            ("side difference, most", f"{agreement.max_px:.2f} px"),
        ]
        limits = f"safe from {SAFE:.0%} matched and IoU {SAFE}, usable from {USABLE:.0%} and "
        limits += f"{USABLE_IOU}"
    else:
        numbers = [
            ("people", f"{agreement.people}"),
            ("mean OKS", f"{agreement.oks:.4f}"),
            (
                "joint distance, median",
                f"{agreement.median_px:.2f} px ({agreement.median_share:.2%} of the height)",
            ),
            (
                "joint distance, p95",
                f"{agreement.p95_px:.2f} px ({agreement.p95_share:.2%} of the height)",
            ),
        ]
        limits = f"safe from OKS {SAFE}, usable from {USABLE}"
    ended = ", ended by its time" if search.out_of_time else ""
    before, after = report.bytes_before / 1e6, report.bytes_after / 1e6
    return [
        ("pictures", f"{report.pictures} of the {report.samples}"),
        *numbers,
        ("verdict", f"{report.verdict} ({limits})"),
        ("speed against FP32", f"{report.speed:.2f} x on {report.device}"),
        ("size", f"{before:.1f} MB -> {after:.1f} MB"),
        ("operators left in FP32", f"{report.kept} of {report.nodes}"),
        ("search", f"{search.trials} trials in {search.seconds:.0f} s{ended}"),
        *([("decode and NMS", report.cut or "cut off, exact")] if report.role == "det" else []),
    ]


def last_line(report: Report) -> str:
    """What the user should take away."""
    fate = f"written to {report.result}" if report.result is not None else "not kept"
    name = f"{report.source.name} in {report.precision.upper()}"
    if report.good:
        return f"{name}: {report.verdict}, {report.speed:.2f} x as fast; {fate}"
    reasons: list[str] = [report.verdict]
    if report.verdict == "not proven":
        reasons[-1] += " (too few people in the pictures; try --calibrate VIDEO)"
    if report.slower:
        if report.precision == "fp16" and report.device == "cpu":
            reasons.append(
                f"{report.speed:.2f} x as fast here: FP16 gives no speed on a CPU, only on a GPU"
            )
        else:
            reasons.append(f"slower: {report.speed:.2f} x as fast on {report.device}")
    hint = "" if report.result is not None else " (--keep-anyway keeps it)"
    return f"{name}: {', '.join(reasons)}; {fate}{hint}"
