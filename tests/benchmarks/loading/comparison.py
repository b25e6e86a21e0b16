"""The rows of the table: what was measured, against what it is held."""

from __future__ import annotations

import dataclasses

from tests.benchmarks.loading import bench, session


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; `is_met` is None where no target was set."""

    case: str
    what: str
    ours: str
    other: str
    ratio: str
    target: str
    is_met: bool | None
    cpu_ratio: str = "-"


def ratio(
    case: str,
    what: str,
    ours: session.Measured,
    name: str,
    other: session.Measured,
    *,
    at_most: float | None = None,
    by: str = "seconds",
) -> Row:
    numbers: tuple[float, float] = getattr(ours, by), getattr(other, by)
    return Row(
        case=case,
        what=what,
        ours=seconds(numbers[0]),
        other=f"{name} {seconds(numbers[1])}",
        ratio=f"{numbers[0] / numbers[1]:.2f} x",
        target="-" if at_most is None else f"≤ {at_most} x",
        is_met=None if at_most is None else numbers[0] <= at_most * numbers[1],
        cpu_ratio=_cpu_ratio(ours, other) if by == "seconds" else "-",
    )


def faster(
    case: str,
    what: str,
    ours: session.Measured,
    name: str,
    other: session.Measured,
    *,
    at_least: float | None = None,
) -> Row:
    return Row(
        case=case,
        what=what,
        ours=seconds(ours.seconds),
        other=f"{name} {seconds(other.seconds)}",
        ratio=f"{other.seconds / ours.seconds:.1f} x faster",
        target="-" if at_least is None else f"≥ {at_least} x faster",
        is_met=None if at_least is None else other.seconds >= at_least * ours.seconds,
        cpu_ratio=_cpu_ratio(ours, other),
    )


def _cpu_ratio(ours: session.Measured, other: session.Measured) -> str:
    # Below a tenth of a second the system's ticks of a hundredth are too coarse.
    return f"{ours.cpu_seconds / other.cpu_seconds:.2f} x" if other.cpu_seconds > 0.1 else "-"


def limit(case: str, what: str, ours: float, *, at_most: float) -> Row:
    return Row(
        case=case,
        what=what,
        ours=seconds(ours),
        other="-",
        ratio="-",
        target=f"≤ {seconds(at_most)}",
        is_met=ours <= at_most,
    )


def seconds(number: float) -> str:
    return f"{number * 1000:.0f} ms" if number < 1 else f"{number:.1f} s"


def mib(size: float) -> str:
    return f"{size / bench.MIB:.0f} MiB"
