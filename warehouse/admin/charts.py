"""A chart of a register's readings: numbers for an SVG, and the same in words."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from warehouse.admin import words
from warehouse.queries import history


WIDTH, HEIGHT = 640, 180
# On a phone the text is half as large again, as the whole is drawn half as large.
_LEFT, _RIGHT, _TOP, _BOTTOM = 104, 12, 14, 28


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mark:
    """A reading's place, and the words for it."""

    x: float
    y: float
    label: str
    is_doubted: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chart:
    """
    All that an SVG of `WIDTH` by `HEIGHT` shows of one register.

    Readings that count are dots on a line, hollow where they are doubted; those that don't count
    are crosses beside it. A register of maximum demand has no line, as its values do not add up.
    """

    title: str
    description: str
    dots: Sequence[Mark]
    crosses: Sequence[Mark]
    line: str
    lowest: str
    highest: str
    first: str
    last: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    label: int = _LEFT - 6
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def of_register(serial_number: str, register: history.RegisterHistory) -> Chart | None:
    """Return the chart of a register, or None where fewer than two readings of it count."""
    counting = [entry for entry in register.entries if entry.standing == "current"]
    if len(counting) < 2:  # noqa: PLR2004 - one dot says less than its number
        return None
    others = [entry for entry in register.entries if entry.standing in {"superseded", "withdrawn"}]
    scale = _Scale(counting)
    dots = [scale.mark(entry) for entry in counting]
    doubted = sum(dot.is_doubted for dot in dots)
    first, last = counting[0].reading, counting[-1].reading
    values = [entry.reading.value for entry in counting]
    name = f"Register {words.visible(register.identifier)} of meter {serial_number}"
    return Chart(
        title=name,
        description=(
            f"{len(counting)} readings that count, from {first.value} on"
            f" {words.clock_time(first.read_at)} to {last.value} on"
            f" {words.clock_time(last.read_at)}; the lowest is {min(values)}, the highest"
            f" {max(values)}."
            + (f" Failed validation or suspect, drawn hollow: {doubted}." if doubted else "")
            + (f" Not counted, marked by crosses: {len(others)}." if others else "")
        ),
        dots=dots,
        crosses=[scale.mark(entry) for entry in others],
        line="" if register.is_maximum_demand else " ".join(f"{dot.x},{dot.y}" for dot in dots),
        lowest=str(scale.lowest),
        highest=str(scale.highest),
        first=words.day(scale.first),
        last=words.day(scale.last),
    )


class _Scale:
    """
    Where a time and a value stand in the picture.

    It is drawn for the readings that count; a wild value that does not ends up on the rim.
    """

    def __init__(self, entries: Sequence[history.Entry]) -> None:
        moments = [entry.reading.read_at for entry in entries]
        values = [entry.reading.value for entry in entries]
        self.first: datetime.datetime = min(moments)
        self.last: datetime.datetime = max(moments)
        self.lowest, self.highest = min(values), max(values)

    def mark(self, entry: history.Entry) -> Mark:
        reading = entry.reading
        width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
        seconds = (self.last - self.first).total_seconds()
        passed = (reading.read_at - self.first).total_seconds() / seconds if seconds else 0.5
        span = self.highest - self.lowest
        risen = float((reading.value - self.lowest) / span) if span else 0.5
        is_doubted = history.is_doubted(reading)
        passed, risen = (min(max(share, 0.0), 1.0) for share in (passed, risen))
        return Mark(
            x=round(_LEFT + passed * width, 1),
            y=round(HEIGHT - _BOTTOM - risen * height, 1),
            label=f"{reading.value} on {words.clock_time(reading.read_at)}, {entry.standing}"
            + (", doubted" if is_doubted else ""),
            is_doubted=is_doubted,
        )
