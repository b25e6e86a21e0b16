"""The picture of a sweep: seconds over size, a curve for each store."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Iterable, Iterator, Sequence

from tests.benchmarks.sweep import figures


_WIDTH, _HEIGHT = 470, 360  # of a panel, with its labels
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 36, 44, 52
_LEGEND_ROW = 22
_COLORS = ("#0072b2", "#009e73", "#cc79a7", "#d55e00", "#6a51a3", "#8c6d31")
_DASHES = ("", "6 4", "2 3")
_TITLES = {"known": "Meters known", "new": "Meters new"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Scale:
    """Powers of ten on one axis."""

    first: int
    last: int
    start: float
    end: float

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> Iterator[int]:
        yield from range(self.first, self.last + 1)


def draw(curves: figures.Curves) -> str:
    """
    Return an SVG of what loading one file took: a panel for known meters, and one for new ones.

    Both axes are logarithmic. A run that was stopped is a hollow point at its limit.
    """
    drawn = {curve: points for curve, points in curves.items() if curve.what == figures.LOAD}
    kinds = [kind for kind in _TITLES if any(curve.meters == kind for curve in drawn)]
    stored = sorted({curve.stored for curve in drawn})
    checkouts = list(dict.fromkeys(curve.checkout for curve in drawn))
    keys = [(lines, checkout) for checkout in checkouts for lines in stored]
    width = _WIDTH * max(len(kinds), 1)
    height = _HEIGHT + _LEGEND_ROW * math.ceil(len(keys) / _columns(width)) + 12
    seconds = [point.seconds for points in drawn.values() for point in points]
    sizes = [point.readings for points in drawn.values() for point in points]
    parts = [f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for place, kind in enumerate(kinds):
        left = place * _WIDTH
        across = _scale(sizes, start=left + _LEFT, end=left + _WIDTH - _RIGHT)
        up = _scale(seconds, start=_HEIGHT - _BOTTOM, end=_TOP)
        parts += _axes(across, up, _TITLES[kind])
        parts += _limits(
            {
                point.limit
                for curve, points in drawn.items()
                for point in points
                if curve.meters == kind and point.limit is not None
            },
            across,
            up,
        )
        for curve, points in drawn.items():
            if curve.meters == kind:
                color, dashes = _style(curve, stored, checkouts)
                parts += _curve(points, across, up, color, dashes)
    parts += _legend(keys, stored, checkouts, width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="12">\n'
        "<title>Seconds to load a file, by its size and by what is stored</title>\n"
        "<style>text { fill: #24292f } .title { font-size: 14px; font-weight: 600 }"
        " .grid { stroke: #d8dee4 } .axis { stroke: #57606a }"
        " .curve { fill: none; stroke-width: 2 }</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _scale(values: Sequence[float], *, start: float, end: float) -> _Scale:
    first = math.floor(math.log10(min(values, default=1)))
    last = math.ceil(math.log10(max(values, default=10)))
    return _Scale(first=first, last=max(last, first + 1), start=start, end=end)


def _axes(across: _Scale, up: _Scale, title: str) -> Iterator[str]:
    for power in across.ticks():
        x = across.place(10.0**power)
        yield f'<line class="grid" x1="{x:.1f}" y1="{up.start}" x2="{x:.1f}" y2="{up.end}"/>'
        yield (f'<text x="{x:.1f}" y="{up.start + 16}" text-anchor="middle">{10**power:,}</text>')
    for power in up.ticks():
        y = up.place(10.0**power)
        ends = f'x1="{across.start}" y1="{y:.1f}" x2="{across.end}" y2="{y:.1f}"'
        yield f'<line class="grid" {ends}/>'
        yield (
            f'<text x="{across.start - 6}" y="{y + 4:.1f}" text-anchor="end">{_time(power)}</text>'
        )
    yield (
        f'<path class="axis" fill="none"'
        f' d="M {across.start} {up.end} V {up.start} H {across.end}"/>'
    )
    middle = (across.start + across.end) / 2
    yield f'<text class="title" x="{middle}" y="20" text-anchor="middle">{title}</text>'
    yield f'<text x="{across.start - 52}" y="36">time to load one file</text>'
    below = f'x="{middle}" y="{up.start + 36}" text-anchor="middle"'
    yield f"<text {below}>readings in the file</text>"


def _limits(limits: Iterable[float], across: _Scale, up: _Scale) -> Iterator[str]:
    for limit in limits:
        y = up.place(limit)
        ends = f'x1="{across.start}" y1="{y:.1f}" x2="{across.end}" y2="{y:.1f}"'
        yield f'<line class="axis" stroke-dasharray="1 3" {ends}/>'
        yield (
            f'<text x="{across.end}" y="{y - 6:.1f}" text-anchor="end">'
            f"stopped at {limit:g} s</text>"
        )


def _curve(
    points: Sequence[figures.Point], across: _Scale, up: _Scale, color: str, dashes: str
) -> Iterator[str]:
    places = [(across.place(point.readings), up.place(point.seconds)) for point in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline class="curve" stroke="{color}" stroke-dasharray="{dashes}" points="{path}"/>'
    for point, (x, y) in zip(points, places, strict=True):
        is_stopped = point.limit is not None
        fill = "#ffffff" if is_stopped else color
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{fill}" stroke="{color}">'
            f"<title>{point.readings:,} readings: {'more than ' if is_stopped else ''}"
            f"{point.seconds:.3g} s</title></circle>"
        )


def _legend(
    keys: Sequence[tuple[int, str]], stored: Sequence[int], checkouts: Sequence[str], width: int
) -> Iterator[str]:
    columns = _columns(width)
    for number, (lines, checkout) in enumerate(keys):
        curve = figures.Curve(checkout=checkout, what=figures.LOAD, meters="", stored=lines)
        color, dashes = _style(curve, stored, checkouts)
        x = _LEFT + number % columns * (width - _LEFT) / columns
        y = _HEIGHT + 8 + number // columns * _LEGEND_ROW
        name = figures.store_name(lines) + (f", {checkout}" if len(checkouts) > 1 else "")
        yield (
            f'<path class="curve" stroke="{color}" stroke-dasharray="{dashes}"'
            f' d="M {x:.1f} {y} h 28"/>'
        )
        yield f'<text x="{x + 36:.1f}" y="{y + 4}">{html.escape(name)}</text>'


def _columns(width: int) -> int:
    return max(1, width // 300)


def _style(
    curve: figures.Curve, stored: Sequence[int], checkouts: Sequence[str]
) -> tuple[str, str]:
    color = _COLORS[stored.index(curve.stored) % len(_COLORS)]
    return color, _DASHES[checkouts.index(curve.checkout) % len(_DASHES)]


def _time(power: int) -> str:
    return f"{10**power:,} s" if power >= 0 else f"{10 ** (power + 3):g} ms"
