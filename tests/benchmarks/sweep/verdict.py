"""
Whether the curves are as wanted: no size is slow, and what is stored costs next to nothing.

The line through the neighbors of a point is the straight one in (readings, seconds), whatever the
axes of the picture: what a size would cost if, between the next smaller and the next larger one
measured, each reading added the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from tests.benchmarks.sweep import figures


# Times the cost in an empty database, for meters known: up to so many lines stored, and beyond.
FEW_LINES, OVER_EMPTY, OVER_EMPTY_BEYOND = 4_800_000, 1.3, 2.0
OVER_LINE = 4 / 3
# A difference that the clock of such short processes cannot tell from chance.
NOISE = 0.01  # seconds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is not as wanted, and what could not be judged, in words."""

    faults: Sequence[str]
    unjudged: Sequence[str]


def judge(curves: figures.Curves) -> Verdict:
    return Verdict(
        faults=[*_too_long(curves), *_above_empty(curves), *_above_line(curves)],
        unjudged=list(_unjudged(curves)),
    )


def line_through(before: figures.Point, after: figures.Point, readings: int) -> float:
    """Return the seconds of the straight line through two points, at a size between them."""
    share = (readings - before.readings) / (after.readings - before.readings)
    return before.seconds + share * (after.seconds - before.seconds)


def _too_long(curves: figures.Curves) -> Iterator[str]:
    for curve, points in curves.items():
        for point in points:
            if point.limit is not None:
                yield f"{_name(curve, point)}: more than {point.limit:g} s, then it was stopped"


def _above_empty(curves: figures.Curves) -> Iterator[str]:
    for curve, points in curves.items():
        if not curve.stored or curve.meters != "known":
            continue
        most = OVER_EMPTY if curve.stored <= FEW_LINES else OVER_EMPTY_BEYOND
        in_empty = {point.readings: point for point in curves.get(_in_empty(curve), ())}
        for point in points:
            other = in_empty.get(point.readings)
            if other and other.limit is None and _exceeds(point, most * other.seconds):
                yield (
                    f"{_name(curve, point)}: {point.seconds:.3f} s,"
                    f" {point.seconds / other.seconds:.1f} times the {other.seconds:.3f} s in an"
                    f" empty database, wanted {most:g} at most"
                )


def _above_line(curves: figures.Curves) -> Iterator[str]:
    for curve, points in curves.items():
        for before, point, after in zip(points, points[1:], points[2:], strict=False):
            line = line_through(before, after, point.readings)
            if _exceeds(point, OVER_LINE * line):
                yield (
                    f"{_name(curve, point)}: {point.seconds:.3f} s,"
                    f" {point.seconds / line:.1f} times the {line:.3f} s of the straight line"
                    f" between {before.readings:,} and {after.readings:,} readings,"
                    f" wanted {OVER_LINE:.2f} at most"
                )


def _unjudged(curves: figures.Curves) -> Iterator[str]:
    if not any(
        curve.stored and curve.meters == "known" and _in_empty(curve) in curves for curve in curves
    ):
        yield "the cost of what is stored: an empty database and another are needed, meters known"
    if all(len(points) < 3 for points in curves.values()):
        yield "spikes: three sizes are needed"


def _in_empty(curve: figures.Curve) -> figures.Curve:
    return dataclasses.replace(curve, stored=0)


def _exceeds(point: figures.Point, most: float) -> bool:
    # One that was stopped is told of as such.
    return point.limit is None and point.seconds > most + NOISE


def _name(curve: figures.Curve, point: figures.Point) -> str:
    return f"{curve}, {point.readings:,} readings"
