"""What a sweep found: curves of points, each the runs of one size."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence


LOAD = "load"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of the picture: time over size, all else being equal."""

    checkout: str
    what: str  # LOAD, a batch, another command, or a page
    meters: str  # "known" or "new"
    stored: int  # lines, before

    def __str__(self) -> str:
        return f"{self.what}, meters {self.meters}, {store_name(self.stored)}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """The runs of one size; where one took longer than the limit, that is all that is known."""

    readings: int  # in a file
    runs: Sequence[float] = ()
    limit: float | None = None

    @property
    def seconds(self) -> float:
        """The median, or the limit that was not kept."""
        return statistics.median(self.runs) if self.limit is None else self.limit


Curves = Mapping[Curve, Sequence[Point]]  # in the order of sizes


class Figures:
    """Collects points while they are measured."""

    def __init__(self) -> None:
        self._points: dict[Curve, dict[int, Point]] = {}

    def add(self, curve: Curve, readings: int, seconds: float) -> None:
        point = self._point(curve, readings)
        self._keep(curve, dataclasses.replace(point, runs=(*point.runs, seconds)))

    def add_too_long(self, curve: Curve, readings: int, limit: float) -> None:
        self._keep(curve, dataclasses.replace(self._point(curve, readings), limit=limit))

    def is_too_long(self, curve: Curve, readings: int) -> bool:
        return self._point(curve, readings).limit is not None

    def curves(self) -> Curves:
        return {
            curve: [points[readings] for readings in sorted(points)]
            for curve, points in self._points.items()
        }

    def _point(self, curve: Curve, readings: int) -> Point:
        return self._points.get(curve, {}).get(readings) or Point(readings=readings)

    def _keep(self, curve: Curve, point: Point) -> None:
        self._points.setdefault(curve, {})[point.readings] = point


def store_name(lines: int) -> str:
    return f"{lines:,} lines stored" if lines else "empty database"
