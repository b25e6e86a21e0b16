"""What a sweep says: tables, JSON with every run, and what is stored for a file."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from tests.benchmarks.loading import bench
from tests.benchmarks.loading import report as loading_report
from tests.benchmarks.sweep import figures, measuring, stores, verdict


_QUIET = 0.7  # the load of a machine on which nothing else runs


def tables(curves: figures.Curves) -> str:
    """Return a table for each thing measured: a line a size, a column a store and checkout."""
    kinds = list(dict.fromkeys((curve.what, curve.meters) for curve in curves))
    return "\n\n".join("\n".join(_table(curves, what, meters)) for what, meters in kinds)


def stored_bytes(growths: Sequence[stores.Growth]) -> Iterator[str]:
    for growth in growths:
        parts = ", ".join(
            f"{table} {_mib(size)}"
            for table, size in sorted(growth.tables.items(), key=lambda item: -item[1])
            if size >= bench.MIB
        )
        yield (
            f"{growth.checkout}: {growth.readings:,} readings, meters {growth.meters}, with their"
            f" raw lines: {_mib(sum(growth.tables.values()))} ({parts or 'all tables small'})"
        )


def words(found: verdict.Verdict) -> str:
    if found.faults:
        heading = f"Not as wanted, {len(found.faults)}:"
    else:
        heading = "As wanted: no size is slow, and what is stored costs no more than it may."
    unjudged = [f"Not judged: {text}." for text in found.unjudged]
    return "\n".join([heading, *(f"- {fault}" for fault in found.faults), *unjudged])


def warnings(laboratory: bench.Bench, plan: measuring.Plan) -> Iterator[str]:
    """Yield what somebody who reads the figures should know about them."""
    if plan.by_cpu:
        yield (
            "Seconds are CPU time, of the command and of the server for it. Pages are timed by the"
            " clock, and not judged."
        )
    elif (laboratory.load_before or 0) > _QUIET:
        yield (
            f"Something else was running at the start (load {laboratory.load_before:.1f}):"
            " don't believe the figures; see --by-cpu."
        )


def as_json(
    laboratory: bench.Bench, sweep: measuring.Sweep, plan: measuring.Plan, found: verdict.Verdict
) -> Any:
    return {
        "measured_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": loading_report.machine(laboratory),
        "load_before": laboratory.load_before,
        "plan": dataclasses.asdict(plan),
        "verdict": dataclasses.asdict(found),
        "stored_bytes": [dataclasses.asdict(growth) for growth in sweep.stores.growths],
        "curves": [
            {
                **dataclasses.asdict(curve),
                "points": [
                    {**dataclasses.asdict(point), "seconds": point.seconds} for point in points
                ],
            }
            for curve, points in sweep.figures.curves().items()
        ],
    }


def _table(curves: figures.Curves, what: str, meters: str) -> Iterator[str]:
    shown = {
        curve: {point.readings: point for point in points}
        for curve, points in curves.items()
        if (curve.what, curve.meters) == (what, meters)
    }
    stored = list(dict.fromkeys(curve.stored for curve in shown))
    checkouts = list(dict.fromkeys(curve.checkout for curve in shown))
    titles = ["readings"]
    for lines in stored:
        titles += [_title(lines, checkout, checkouts) for checkout in checkouts]
        titles += [f"{checkouts[0]} / {other}" for other in checkouts[1:]]
    yield f"{what}, meters {meters}, in seconds"
    yield ""
    yield f"| {' | '.join(titles)} |"
    yield f"|{' ---: |' * len(titles)}"
    for readings in sorted({size for points in shown.values() for size in points}):
        cells = [f"{readings:,}"]
        for lines in stored:
            points = [
                shown.get(
                    figures.Curve(checkout=checkout, what=what, meters=meters, stored=lines), {}
                ).get(readings)
                for checkout in checkouts
            ]
            cells += [_seconds(point) for point in points]
            cells += [_ratio(points[0], other) for other in points[1:]]
        yield f"| {' | '.join(cells)} |"


def _title(lines: int, checkout: str, checkouts: Sequence[str]) -> str:
    name = figures.store_name(lines)
    return f"{name}, {checkout}" if len(checkouts) > 1 else name


def _seconds(point: figures.Point | None) -> str:
    if point is None:
        return "-"
    return f"{point.seconds:.3f}" if point.limit is None else f"> {point.limit:g}"


def _ratio(ours: figures.Point | None, other: figures.Point | None) -> str:
    if ours is None or other is None or ours.limit is not None:
        return "-"
    ratio = ours.seconds / other.seconds
    return f"{ratio:.2f}" if other.limit is None else f"< {ratio:.2g}"


def _mib(size: float) -> str:
    return f"{size / bench.MIB:,.0f} MiB"
