"""Charts of a register's readings: what was used a day, and the total, as SVG and in words."""

from __future__ import annotations

import dataclasses
import datetime
import statistics
from collections.abc import Iterator, Sequence

from django.utils import safestring

from warehouse import words
from warehouse.admin import drawing
from warehouse.queries import history, register_history


MOST_CHARTS = 12
MOST_POINTS = 200
_MOST_DOTS = 60  # more of them would hide the line
# What is so many times the median is drawn as an arrow, since it would flatten all others.
_OUTLYING = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chart:
    """
    One register, or those of one name of meters that followed one another.

    A register of maximum demand has neither bars nor a line, as its values do not add up.
    """

    title: str
    description: str
    per_day: safestring.SafeString
    total: safestring.SafeString


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Series:
    identifier: str
    serial_numbers: Sequence[str]
    registers: Sequence[register_history.RegisterHistory]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Bar:
    since: datetime.datetime
    until: datetime.datetime
    per_day: float
    is_doubted: bool


def of_registers(
    found: history.History,
    shown: Sequence[Sequence[register_history.RegisterHistory]],
    now: datetime.datetime,
) -> Sequence[Chart]:
    """Return the charts of these registers, of which at least two readings have to count."""
    return [
        chart
        for series in _series(found, shown)
        for chart in [_chart(series, found, now)]
        if chart
    ]


def _series(
    found: history.History, shown: Sequence[Sequence[register_history.RegisterHistory]]
) -> Sequence[_Series]:
    """Join registers of one name whose meters were read one after the other, as in exchanges."""
    joined: list[_Series] = []
    for meter, registers in zip(found.meters, shown, strict=False):  # the newest first
        for register in registers:
            if not register.entries:
                continue
            one = _Series(
                identifier=register.identifier,
                serial_numbers=[words.visible(meter.meter.serial_number)],
                registers=[register],
            )
            for place, later in enumerate(joined):
                if later.identifier == one.identifier and _ends_before(register, later):
                    joined[place] = _Series(
                        identifier=one.identifier,
                        serial_numbers=[*one.serial_numbers, *later.serial_numbers],
                        registers=[*one.registers, *later.registers],
                    )
                    break
            else:
                joined.append(one)
    return joined


def _ends_before(register: register_history.RegisterHistory, later: _Series) -> bool:
    end = register.entries[-1].reading.read_at
    is_demand = later.registers[0].is_maximum_demand
    return (
        end <= later.registers[0].entries[0].reading.read_at
        and register.is_maximum_demand == is_demand
    )


def _chart(series: _Series, found: history.History, now: datetime.datetime) -> Chart | None:
    entries = [entry for register in series.registers for entry in register.entries]
    counting = [entry for entry in entries if entry.standing == "current"]
    if len(counting) < 2:  # noqa: PLR2004 - one dot says less than its number
        return None

    doubted = {
        entry.reading.id
        for entry in entries
        if register_history.is_doubted(entry.reading) or entry.reading.read_at > now
    }

    def is_doubted(entry: register_history.Entry) -> bool:
        return entry.reading.id in doubted

    trusted = [entry for entry in counting if not is_doubted(entry)]
    scaled = trusted if len(trusted) > 1 else counting
    moments = [entry.reading.read_at for entry in scaled]
    first, last = min(moments), max(moments)
    marks = [*_exchanges(series), *_visits(found, series)]
    name = (
        f"Register {words.visible(series.identifier)} of meter {', '.join(series.serial_numbers)}"
    )
    is_demand = series.registers[0].is_maximum_demand
    bars = [] if is_demand else list(_bars(series, is_doubted))
    return Chart(
        title=name,
        description=_in_words(counting, entries, sum(map(is_doubted, counting))),
        per_day=_draw_bars(bars, first, last, marks, f"{name}, used a day")
        if bars
        else safestring.SafeString(),
        total=_draw_total(series, scaled, is_doubted, marks, f"{name}, readings"),
    )


def _in_words(
    counting: Sequence[register_history.Entry],
    entries: Sequence[register_history.Entry],
    doubted: int,
) -> str:
    first, last = counting[0].reading, counting[-1].reading
    values = [entry.reading.value for entry in counting]
    crossed = sum(entry.standing in words.NOT_COUNTING for entry in entries)
    span = (
        f"from {first.value} on {words.day(first.read_at)} to {last.value} on"
        f" {words.day(last.read_at)}; the lowest is {min(values)}, the highest {max(values)}."
    )
    told = [f"{len(counting):,} readings that count, {span}"]
    if len(counting) > MOST_POINTS:
        told.append(f"Drawn as at most {MOST_POINTS} points.")
    if doubted:
        told.append(f"Failed validation, suspect or in the future, drawn hollow: {doubted}.")
    if crossed:
        told.append(f"Not counted, marked by crosses: {crossed}.")
    return " ".join(told)


def _exchanges(series: _Series) -> Iterator[drawing.Event]:
    for serial_number, register in zip(
        series.serial_numbers[1:], series.registers[1:], strict=True
    ):
        at = register.entries[0].reading.read_at
        yield drawing.Event(
            at=at, text=f"meter {serial_number} from {words.day(at)}", is_exchange=True
        )


def _visits(found: history.History, series: _Series) -> Iterator[drawing.Event]:
    for visit in found.visits:
        if visit.at and words.visible(visit.serial_number) in {"", *series.serial_numbers}:
            what = words.site_visit(visit.visit.check_code)
            text = f"site visit {words.day(visit.at)}: {what}"
            yield drawing.Event(at=visit.at, text=text, is_exchange=False)


def _bars(series: _Series, is_doubted: drawing.Judge) -> Iterator[_Bar]:
    """Yield what was used a day between readings; many are joined, but none that went down."""
    advances = [
        entry
        for register in series.registers
        for entry in register.entries
        if entry.advance is not None
    ]
    size = -(-len(advances) // MOST_POINTS)
    group: list[register_history.Entry] = []
    for entry in advances:
        is_odd = is_doubted(entry) or (entry.advance or 0) < 0
        if group and (
            is_odd or len(group) == size or entry.advance_since != group[-1].reading.read_at
        ):
            yield _bar(group)
            group = []
        if is_odd:
            yield _bar([entry], is_doubted=is_doubted(entry))
        else:
            group.append(entry)
    if group:
        yield _bar(group)


def _bar(group: Sequence[register_history.Entry], *, is_doubted: bool = False) -> _Bar:
    until = group[-1].reading.read_at
    since = group[0].advance_since or until  # there is one where there is an advance
    used = sum(float(entry.advance or 0) for entry in group)
    days = (until - since) / datetime.timedelta(days=1)
    return _Bar(since=since, until=until, per_day=used / days, is_doubted=is_doubted)


def _draw_bars(
    bars: Sequence[_Bar],
    first: datetime.datetime,
    last: datetime.datetime,
    marks: Sequence[drawing.Event],
    title: str,
) -> safestring.SafeString:
    usual = [bar.per_day for bar in bars if not bar.is_doubted and bar.per_day >= 0]
    most = _OUTLYING * statistics.median(usual) if usual else 0
    highest = max((value for value in usual if value <= most), default=max(usual, default=1.0))
    plot = drawing.Plot(first=first, last=last, lowest=0, highest=highest or 1.0)
    for bar in bars:
        label = f"{bar.per_day:,.1f} a day, {words.day(bar.since)} to {words.day(bar.until)}" + (
            ", doubted" if bar.is_doubted else ""
        )
        plot.bar(bar.since, bar.until, bar.per_day, label, is_hollow=bar.is_doubted)
    return plot.svg(title, "a day", marks)


def _draw_total(
    series: _Series,
    scaled: Sequence[register_history.Entry],
    is_doubted: drawing.Judge,
    marks: Sequence[drawing.Event],
    title: str,
) -> safestring.SafeString:
    entries = [entry for register in series.registers for entry in register.entries]
    moments = [entry.reading.read_at for entry in scaled]
    values = [float(entry.reading.value) for entry in scaled]
    plot = drawing.Plot(
        first=min(moments), last=max(moments), lowest=min(values), highest=max(values)
    )
    is_sparse = len(entries) <= _MOST_DOTS
    for register in series.registers:
        counting = [entry for entry in register.entries if entry.standing == "current"]
        trusted = _some([entry for entry in counting if not is_doubted(entry)])
        if not register.is_maximum_demand:
            plot.line([(one.reading.read_at, float(one.reading.value)) for one in trusted])
        for entry in trusted:
            plot.dot(*_place(entry), is_small=not is_sparse and not register.is_maximum_demand)
        for entry in counting:
            if is_doubted(entry):
                plot.dot(*_place(entry, ", doubted"), is_hollow=True)
    for entry in _some([one for one in entries if one.standing in words.NOT_COUNTING]):
        plot.cross(*_place(entry, f", {words.STANDING_WORDS[entry.standing]}"))
    return plot.svg(title, "reading", marks)


def _place(
    entry: register_history.Entry, remark: str = ""
) -> tuple[datetime.datetime, float, str]:
    reading = entry.reading
    label = f"{reading.value} on {words.day(reading.read_at)}{remark}"
    return reading.read_at, float(reading.value), label


def _some(entries: Sequence[register_history.Entry]) -> Sequence[register_history.Entry]:
    """Return at most so many of them, evenly taken, the first and the last among them."""
    if len(entries) <= MOST_POINTS:
        return entries
    step = (len(entries) - 1) / (MOST_POINTS - 1)
    return [entries[round(place * step)] for place in range(MOST_POINTS)]
