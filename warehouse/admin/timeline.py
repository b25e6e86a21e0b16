"""The history of a meter point as a table: in order, narrowed by what is asked, page by page."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.core import paginator
from django.http import QueryDict

from warehouse import codes, models, words
from warehouse.admin import reading_rows
from warehouse.queries import arrivals, files, history, register_history


ROWS_A_PAGE = 50
MOST_TOGETHER = 8  # readings of a row; no meter is known that has more registers at once
_LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


class Placed(NamedTuple):
    """A reading and the serial number of its meter."""

    entry: register_history.Entry
    serial_number: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """A box to choose from: its name in the address, its words, and what there is to choose."""

    name: str
    label: str
    chosen: str
    options: Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """What the history is narrowed to; what is empty narrows nothing."""

    since: datetime.date | None
    until: datetime.date | None
    register: str
    kind: str
    standing: str

    @property
    def is_narrowed(self) -> bool:
        return any([self.since, self.until, self.register, self.kind, self.standing])

    def takes(self, row: Placed | history.Visit) -> bool:
        moment = row.entry.reading.read_at if isinstance(row, Placed) else row.at
        if self.since and (moment is None or moment < arrivals.midnight(self.since)):
            return False
        if self.until and (moment is None or moment >= arrivals.day_after(self.until)):
            return False
        if isinstance(row, history.Visit):
            return not (self.register or self.kind or self.standing)
        reading = row.entry.reading
        return (
            self.register in {"", reading.identifier}
            and self.kind in {"", reading.reading_type}
            and self.standing in {"", row.entry.standing}
        )


def read(parameters: QueryDict) -> Asked:
    """Return what an address asks for; a date that is none is not asked."""
    return Asked(
        since=words.read_day(parameters.get("since", "")),
        until=words.read_day(parameters.get("until", "")),
        register=parameters.get("register", ""),
        kind=parameters.get("type", ""),
        standing=parameters.get("standing", ""),
    )


def page_of(
    found: history.History, asked: Asked, page: str
) -> paginator.Page[tuple[Placed, ...] | history.Visit]:
    """Return a page of rows, the newest first; those read together are one row."""
    rows = _timeline(found)
    if asked.is_narrowed:
        rows = [row for row in rows if asked.takes(row)]
    return paginator.Paginator(list(_together(rows)), ROWS_A_PAGE).get_page(page)


def readings_on(shown: Iterable[tuple[Placed, ...] | history.Visit]) -> Sequence[models.Reading]:
    return [placed.entry.reading for row in shown if isinstance(row, tuple) for placed in row]


def rows_of(
    shown: Iterable[tuple[Placed, ...] | history.Visit], known: reading_rows.Known
) -> Sequence[reading_rows.ReadingRow | reading_rows.VisitRow]:
    return [
        _row(row, known) if isinstance(row, tuple) else reading_rows.of_visit(row, known)
        for row in shown
    ]


def _row(together: tuple[Placed, ...], known: reading_rows.Known) -> reading_rows.ReadingRow:
    first, *others = [
        reading_rows.of_reading(placed.entry, placed.serial_number, known) for placed in together
    ]
    return dataclasses.replace(first, others=others)


def choices(found: history.History, asked: Asked) -> Sequence[Choice]:
    """Return what the history can be narrowed by: registers, types and standings that it has."""
    entries = [
        entry
        for meter in found.meters
        for register in meter.registers
        for entry in register.entries
    ]
    registers = sorted({entry.reading.identifier for entry in entries})[: files.MOST_CHOICES]
    kinds = sorted({entry.reading.reading_type for entry in entries})
    standings = {entry.standing for entry in entries}
    worded = {code: word for code, word in words.STANDING_WORDS.items() if code in standings}
    return [
        _choice("register", asked.register, {one: words.visible(one) for one in registers}),
        _choice(
            "type", asked.kind, {one: words.in_words(codes.ReadingType, one) for one in kinds}
        ),
        _choice("standing", asked.standing, worded),
    ]


def _choice(name: str, chosen: str, known: Mapping[str, str]) -> Choice:
    """Return a box; what is asked for and not there is offered too, since it narrows as well."""
    missing = {} if chosen in {"", *known} else {chosen: words.visible(chosen)}
    options = [("", "all"), *known.items(), *missing.items()]
    return Choice(name=name, label=name.capitalize(), chosen=chosen, options=options)


def _timeline(found: history.History) -> Sequence[Placed | history.Visit]:
    """Return readings and visits, the newest first; a visit follows the reading it belongs to."""
    placed = [
        Placed(entry, meter.meter.serial_number)
        for meter in found.meters
        for register in meter.registers
        for entry in register.entries
    ]
    places = {
        row.entry.reading.id: register_history.place_in_time(row.entry.reading) for row in placed
    }
    rows: list[tuple[tuple[object, ...], Placed | history.Visit]] = [
        ((*place, True), row) for place, row in zip(places.values(), placed, strict=True)
    ]
    for visit in found.visits:
        elsewhere = (visit.at or _LONG_AGO, False, _LONG_AGO, 0)
        rows.append(((*places.get(visit.visit.reading_id or 0, elsewhere), False), visit))
    rows.sort(key=lambda row: row[0], reverse=True)
    return [row for _, row in rows]


def _together(
    rows: Iterable[Placed | history.Visit],
) -> Iterator[tuple[Placed, ...] | history.Visit]:
    """Put readings into one row that one file has of several registers of a meter at one time."""
    group: list[Placed] = []
    told: object = None
    for row in rows:
        if isinstance(row, Placed):
            before, told = told, _alike(row)
            if group and (len(group) == MOST_TOGETHER or told != before):
                yield tuple(group)
                group = []
            group.insert(0, row)  # as the file has them
        else:
            if group:
                yield tuple(group)
                group = []
            yield row
    if group:
        yield tuple(group)


def _alike(row: Placed) -> object:
    """Return all that a row tells once for its registers; one that does not count stands alone."""
    entry, reading = row.entry, row.entry.reading
    is_lower = entry.advance is not None and entry.advance < 0
    if entry.standing != "current" or is_lower or reading.md_reset_count or reading.md_reset_at:
        return reading.pk
    return (
        reading.flow_file_id,
        reading.serial_key,
        reading.read_at,
        reading.reading_type,
        reading.validation_status,
        reading.reading_flag,
        reading.reading_method,
        reading.reason_code,
        reading.reading_status,
        entry.advance_since,
    )
