"""What the page of a meter point shows: the answer first, then all that it rests on."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.contrib.admin.views import main
from django.core import paginator
from django.urls import reverse

from warehouse import codes, models
from warehouse.admin import addresses, charts, raw_lines, remedies, words
from warehouse.queries import history


ROWS_A_PAGE = 100
MOST_CHARTS = 12
_LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """The file and the line that a row comes from, with the ways there."""

    file_name: str
    file_url: str
    line_number: int
    line_url: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Issue:
    """What is wrong with the line of a reading, where that is told, and what to do about it."""

    finding: str
    url: str
    remedy: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadingRow:
    key: int
    url: str
    read_at: str
    serial_number: str
    register: str
    value: str
    standing: str
    advance: str
    advance_since: str
    kind: str
    is_doubted: bool
    remarks: Sequence[str]
    issues: Sequence[Issue]
    source: Source
    is_visit: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class VisitRow:
    at: str
    text: str
    additional_information: str
    serial_number: str
    source: Source
    is_visit: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegisterRow:
    identifier: str
    is_maximum_demand: bool
    latest: ReadingRow | None
    reading_count: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeterCard:
    key: int
    serial_number: str
    read_between: str
    registers: Sequence[RegisterRow]
    more: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Placed:
    """A reading at its register and meter."""

    meter: history.MeterHistory
    register: history.RegisterHistory
    entry: history.Entry


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Known:
    """What is known beside readings and visits: the time, their files, issues of their lines."""

    now: datetime.datetime
    files: Mapping[int, models.FlowFile]
    issues: Mapping[int, Sequence[models.LineIssue]]


def context(mpan_core: str, page: str, now: datetime.datetime) -> dict[str, Any]:
    """Return what the page's template asks for; `page` counts the pages of the history."""
    found = history.of_meter_point(mpan_core)
    shown = paginator.Paginator(_timeline(found), ROWS_A_PAGE).get_page(page)
    cards = [(meter, _registers_shown(meter)) for meter in found.meters[: history.MOST_METERS]]
    latest = [
        register.latest.reading
        for _, registers in cards
        for register in registers
        if register.latest
    ]
    on_page = [row.entry.reading for row in shown.object_list if isinstance(row, _Placed)]
    known = _Known(now=now, files=found.files, issues=history.issues_of([*latest, *on_page]))
    drawn = [
        chart
        for meter, registers in cards
        for register in registers
        for chart in [charts.of_register(words.visible(meter.meter.serial_number), register)]
        if chart
    ]
    issues = f"{reverse('admin:warehouse_lineissue_changelist')}?{main.SEARCH_VAR}={mpan_core}"
    readings = f"{reverse('admin:warehouse_reading_changelist')}?{main.SEARCH_VAR}={mpan_core}"
    return {
        "title": f"Meter point {mpan_core}",
        "subtitle": None,
        "meters": [_meter_card(meter, registers, known) for meter, registers in cards],
        "more_meters": words.more(found.meter_count, len(cards), history.MOST_COUNTED),
        "charts": drawn[:MOST_CHARTS],
        "more_charts": words.more(len(drawn), MOST_CHARTS, len(drawn)),
        "issues": _issues_in_words(found),
        "page": shown,
        "rows": [
            _reading_row(row, known) if isinstance(row, _Placed) else _visit_row(row, known)
            for row in shown.object_list
        ],
        "history": found,
        "standings": words.STANDINGS,
        "most_readings": history.MOST_READINGS,
        "issues_url": issues,
        "readings_url": readings,
    }


def _registers_shown(meter: history.MeterHistory) -> Sequence[history.RegisterHistory]:
    """Return as many registers as a card has room for, those that were read before others."""
    read_first = sorted(meter.registers, key=lambda register: not register.entries)
    return sorted(read_first[: history.MOST_REGISTERS], key=lambda register: register.identifier)


def _issues_in_words(found: history.History) -> str:
    rejected, warnings = found.rejected_line_count, found.warning_count
    if rejected + warnings > history.MOST_COUNTED:
        return f"More than {history.MOST_COUNTED:,} issues"
    if not rejected + warnings:
        return ""
    lines = "line" if rejected == 1 else "lines"
    return f"{rejected} rejected {lines}, {warnings} {'warning' if warnings == 1 else 'warnings'}"


def _meter_card(
    meter: history.MeterHistory,
    registers: Sequence[history.RegisterHistory],
    known: _Known,
) -> MeterCard:
    serial_number = words.visible(meter.meter.serial_number)
    between = meter.read_between
    return MeterCard(
        key=meter.meter.pk,
        serial_number=serial_number,
        read_between=" to ".join(dict.fromkeys(words.day(moment) for moment in between))
        if between
        else "never",
        registers=[
            RegisterRow(
                identifier=words.visible(register.identifier),
                is_maximum_demand=register.is_maximum_demand,
                latest=_reading_row(_Placed(meter=meter, register=register, entry=latest), known)
                if latest
                else None,
                reading_count=len(register.entries),
            )
            for register in registers
            for latest in [register.latest]
        ],
        more=words.more(meter.register_count, len(registers), history.MOST_COUNTED),
    )


def _timeline(found: history.History) -> Sequence[_Placed | history.Visit]:
    """Return readings and visits, the newest first; a visit follows the reading it belongs to."""
    places = {
        entry.reading.pk: history.place_in_time(entry.reading)
        for meter in found.meters
        for register in meter.registers
        for entry in register.entries
    }
    rows: list[tuple[tuple[object, ...], _Placed | history.Visit]] = [
        (
            (*places[entry.reading.pk], True),
            _Placed(meter=meter, register=register, entry=entry),
        )
        for meter in found.meters
        for register in meter.registers
        for entry in register.entries
    ]
    for visit in found.visits:
        elsewhere = (visit.at or _LONG_AGO, False, _LONG_AGO, 0)
        rows.append(((*places.get(visit.visit.reading_id or 0, elsewhere), False), visit))
    rows.sort(key=lambda row: row[0], reverse=True)
    return [row for _, row in rows]


def _reading_row(placed: _Placed, known: _Known) -> ReadingRow:
    entry = placed.entry
    reading = entry.reading
    is_in_future = reading.read_at > known.now
    return ReadingRow(
        key=reading.pk,
        url=addresses.url_of_reading(reading),
        read_at=words.clock_time_tag(reading.read_at),
        serial_number=words.visible(placed.meter.meter.serial_number),
        register=words.visible(placed.register.identifier),
        value=str(reading.value),
        standing=entry.standing,
        advance="" if entry.advance is None else _signed(entry.advance),
        advance_since=words.day(entry.advance_since) if entry.advance_since else "",
        kind=_kind(reading),
        is_doubted=is_in_future or history.is_doubted(reading),
        remarks=[*(["dated in the future"] if is_in_future else []), *_remarks(entry)],
        issues=[
            Issue(
                finding=words.finding(issue.code),
                url=reverse("admin:warehouse_lineissue_change", args=[issue.pk]),
                remedy=remedies.of(issue.code),
            )
            for issue in known.issues.get(reading.pk, ())
        ],
        source=_source(reading, known),
    )


def _kind(reading: models.Reading) -> str:
    """Return type and validation in words; that it failed stands among the remarks instead."""
    kind = words.reading_type(reading)
    if reading.validation_status == codes.ValidationStatus.FAILED:
        return kind
    return f"{kind}, {words.validation_status(reading)}"


def _signed(number: decimal.Decimal) -> str:
    return f"−{-number}" if number < 0 else f"+{number}"  # noqa: RUF001 - the sign of a number


def _remarks(entry: history.Entry) -> Iterator[str]:
    reading = entry.reading
    if reading.validation_status == codes.ValidationStatus.FAILED:
        yield words.validation_status(reading)
    if reading.reading_flag == codes.ReadingFlag.SUSPECT:
        yield "flagged as suspect"
    elif reading.reading_flag not in {"", codes.ReadingFlag.VALID}:
        yield f"flag: {words.in_words(codes.ReadingFlag, reading.reading_flag)}"
    if reading.reason_code:
        yield f"reason: {words.in_words(codes.ReasonCode, reading.reason_code)}"
    if reading.reading_status:
        yield f"after checking: {words.in_words(codes.ReadingFlag, reading.reading_status)}"
    if entry.advance is not None and entry.advance < 0:
        yield "lower than before: a dial that wrapped, an estimate too high, or an error"
    if reading.md_reset_at is not None:
        yield f"maximum demand reset {words.clock_time(reading.md_reset_at)}"
    if reading.md_reset_count:
        yield f"maximum demand resets: {reading.md_reset_count}"
    if reading.reading_method == codes.ReadingMethod.VIEWED:
        yield "seen on a site visit"


def _visit_row(visit: history.Visit, known: _Known) -> VisitRow:
    text = words.in_words(codes.SiteVisitCode, visit.visit.check_code)
    moment = words.clock_time_tag(visit.at)
    return VisitRow(
        at=moment,
        text=f"{text}, reported on this day" if visit.is_reported else text,
        additional_information=words.visible(visit.visit.additional_information),
        serial_number=words.visible(visit.serial_number),
        source=_source(visit.visit, known),
    )


def _source(row: models.Reading | models.SiteVisit, known: _Known) -> Source:
    flow_file = known.files[row.flow_file_id]
    return Source(
        file_name=words.visible(flow_file.file_name),
        file_url=reverse("admin:warehouse_flowfile_change", args=[flow_file.pk]),
        line_number=row.line_number,
        line_url=raw_lines.url(row.pk, flow_file),
    )
