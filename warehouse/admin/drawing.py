"""A plot over time as SVG: axes with ticks, bars, lines, dots, arrows for what lies outside."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

from django.utils import html, safestring, timezone

from warehouse.queries import register_history


Judge = Callable[[register_history.Entry], bool]

# The text is drawn at 16 units, so that it can be read where 480 of them are 340 pixels.
_WIDTH, _HEIGHT = 480, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 14, 32, 28
_DAY = datetime.timedelta(days=1)
_MOST_TICKS = 4
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600)
_NARROWEST_BAR = 0.8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    at: datetime.datetime
    text: str
    is_exchange: bool


class _Axes:
    """A scale of time and one of values, and where a moment or a value lies in the picture."""

    def __init__(
        self,
        *,
        first: datetime.datetime,
        last: datetime.datetime,
        lowest: float,
        highest: float,
        height: int,
    ) -> None:
        self.bottom = height - _BOTTOM
        self.first = first
        self.last = last if last > first else first + _DAY
        step = _nice((highest - lowest or max(abs(highest), 1.0)) / _MOST_TICKS)
        self._step = step
        self.low = math.floor(lowest / step) * step
        self.high = max(math.ceil(highest / step) * step, self.low + step)

    def svg(self) -> Iterator[str]:
        right, bottom = _WIDTH - _RIGHT, self.bottom
        for place in range(round((self.high - self.low) / self._step) + 1):
            value = self.low + place * self._step
            y = self.y(value)
            yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
            text = f"{value:,.0f}" if self._step >= 1 else f"{value:,.{_decimals(self._step)}f}"
            yield f'<text x="{_LEFT - 6}" y="{y + 5:.1f}" text-anchor="end">{text}</text>'
        for at, text in self._times():
            x = self.x(at)
            yield f'<path class="axis" d="M{x:.1f} {bottom}v5"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 22}" text-anchor="middle">{text}</text>'
        yield f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>'

    def _times(self) -> Iterator[tuple[datetime.datetime, str]]:
        """Yield first days of months or, of a short time, days, and what to write below them."""
        first, last = timezone.localtime(self.first), timezone.localtime(self.last)
        days = (last - first) / _DAY
        if days < 75:  # noqa: PLR2004 - fewer than three months have no ticks of their own
            step = max(1, math.ceil(days / _MOST_TICKS))
            start = first.replace(hour=0, minute=0, second=0, microsecond=0)
            for place in range(0, math.floor(days) + 1, step):
                at = start + place * _DAY
                if at >= first:
                    yield at, f"{at.day} {at:%b}"
            return
        months = next((step for step in _MONTHS if days / 30.4 / step <= _MOST_TICKS), _MONTHS[-1])
        number = first.year * 12 + first.month - 1
        number = -(-number // months) * months
        while number // 12 <= last.year:
            at = first.replace(
                year=number // 12, month=number % 12 + 1, day=1, hour=0, minute=0, second=0
            )
            if at > last:
                return
            if at >= first:
                yield at, f"{at:%Y}" if months % 12 == 0 else f"{at:%b %Y}"
            number += months

    def has_time(self, at: datetime.datetime) -> bool:
        return self.first <= at <= self.last

    def has(self, at: datetime.datetime, value: float) -> bool:
        return self.low <= value <= self.high and self.has_time(at)

    def x(self, at: datetime.datetime) -> float:
        passed = (at - self.first) / (self.last - self.first)
        return _LEFT + min(max(passed, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        risen = (value - self.low) / (self.high - self.low)
        return self.bottom - min(max(risen, 0.0), 1.0) * (self.bottom - _TOP)


class Plot:
    """Collects what is drawn between a first and a last moment, a lowest and a highest value."""

    def __init__(
        self,
        *,
        first: datetime.datetime,
        last: datetime.datetime,
        lowest: float,
        highest: float,
        height: int = _HEIGHT,
    ) -> None:
        self._height = height
        self._axes = _Axes(first=first, last=last, lowest=lowest, highest=highest, height=height)
        self._drawn: list[str] = []

    def bar(
        self,
        since: datetime.datetime,
        until: datetime.datetime,
        value: float,
        label: str,
        *,
        is_hollow: bool = False,
    ) -> None:
        left, right, top = self._axes.x(since), self._axes.x(until), self._axes.y(value)
        middle = (left + right) / 2
        if not is_hollow:
            if right > left:
                base = self._axes.y(0)
                width = max(right - left - 0.6, _NARROWEST_BAR)
                self._draw(
                    f'rect class="mark" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}"'
                    f' height="{max(base - top, 0.6):.1f}"',
                    label,
                )
        elif self._axes.has(until, value):
            self._draw(f'circle class="mark doubted" cx="{right:.1f}" cy="{top:.1f}" r="4"', label)
        if not self._axes.has(until, value):
            self._arrow(min(max(middle, _LEFT), _WIDTH - _RIGHT), until, value, label)

    def line(self, points: Sequence[tuple[datetime.datetime, float]]) -> None:
        places = " ".join(
            f"{self._axes.x(at):.1f},{self._axes.y(value):.1f}" for at, value in points
        )
        self._drawn.append(f'<polyline points="{places}"/>')

    def dot(
        self,
        at: datetime.datetime,
        value: float,
        label: str,
        *,
        is_hollow: bool = False,
        is_small: bool = False,
    ) -> None:
        x, y = self._axes.x(at), self._axes.y(value)
        if is_hollow and not self._axes.has(at, value):
            self._arrow(x, at, value, label)
            return
        hollow = " doubted" if is_hollow else ""
        radius = "1" if is_small else "3.5"
        self._draw(f'circle class="mark{hollow}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"', label)

    def cross(self, at: datetime.datetime, value: float, label: str) -> None:
        x, y = self._axes.x(at), self._axes.y(value)
        if not self._axes.has(at, value):
            self._arrow(x, at, value, label)
            return
        self._draw(f'path class="mark cross" d="M{x:.1f} {y:.1f}m-4-4l8 8m0-8l-8 8"', label)

    def svg(self, title: str, unit: str, events: Sequence[Event]) -> safestring.SafeString:
        parts = [
            f'<svg viewBox="0 0 {_WIDTH} {self._height}" role="img">',
            f"<title>{html.escape(title)}</title>",
            '<g aria-hidden="true">',
            f'<text class="unit" x="2" y="14">{html.escape(unit)}</text>',
            *self._axes.svg(),
            *self._drawn,
            *itertools.chain.from_iterable(map(self._event, events)),
            "</g></svg>",
        ]
        # All that is foreign in it, the labels, is escaped where it is put in.
        return safestring.mark_safe("".join(parts))  # noqa: S308

    def _draw(self, shape: str, label: str) -> None:
        self._drawn.append(_labelled(shape, label))

    def _arrow(self, x: float, at: datetime.datetime, value: float, label: str) -> None:
        """Draw an arrow at the rim towards what lies outside, with its value beside it."""
        is_left = x > _WIDTH * 0.6
        if value > self._axes.high:
            y, shape = float(_TOP), "m-5 9l5-8l5 8z"
        elif value < self._axes.low:
            y, shape = float(self._axes.bottom), "m-5-9l5 8l5-8z"
        else:
            y = self._axes.y(value)
            shape = "m-9-5l8 5l-8 5z" if at > self._axes.last else "m9-5l-8 5l8 5z"
        self._draw(f'path class="mark arrow" d="M{x:.1f} {y:.1f}{shape}"', label)
        anchor, beside = ("end", x - 9) if is_left else ("start", x + 9)
        below = y - 4 if value < self._axes.low else max(y + 4, 13)
        self._drawn.append(
            f'<text class="value" x="{beside:.1f}" y="{below:.1f}" text-anchor="{anchor}">'
            f"{value:,.0f}</text>"
        )

    def _event(self, event: Event) -> Iterator[str]:
        if not self._axes.has_time(event.at):
            return
        x = self._axes.x(event.at)
        if event.is_exchange:
            line = f'path class="mark exchange" d="M{x:.1f} {_TOP}V{self._axes.bottom}"'
            yield _labelled(line, event.text)
            is_left = x > _WIDTH / 2
            beside, anchor = (x - 4, "end") if is_left else (x + 4, "start")
            yield f'<text class="event" x="{beside:.1f}" y="{_TOP - 6}"'
            yield f' text-anchor="{anchor}">new meter</text>'
        else:
            wedge = f'path class="mark visit" d="M{x:.1f} {self._axes.bottom}l-5-9h10z"'
            yield _labelled(wedge, event.text)


def _labelled(shape: str, label: str) -> str:
    """Return an element that tells its label to who points at it; its name stands first."""
    return f"<{shape}><title>{html.escape(label)}</title></{shape.partition(' ')[0]}>"


def _nice(step: float) -> float:
    """Return the next 1, 2 or 5 with zeros or places behind it."""
    size = 10.0 ** math.floor(math.log10(step))
    return next(nice * size for nice in (1, 2, 5, 10) if nice * size >= step * 0.999)


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step)))
