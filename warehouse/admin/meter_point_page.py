"""What the page of a meter point shows: the answer first, then all that it rests on."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from warehouse import models, words
from warehouse.admin import charts, reading_rows, searching, timeline
from warehouse.queries import history, register_history


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegisterRow:
    """A register with the reading to quote, and the latest that is not to be quoted, if later."""

    identifier: str
    is_maximum_demand: bool
    quotable: reading_rows.ReadingRow | None
    doubted: reading_rows.ReadingRow | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeterCard:
    key: int
    serial_number: str
    read_between: str
    removed: str
    registers: Sequence[RegisterRow]
    more: str


def context(mpan_core: str, parameters: QueryDict, now: datetime.datetime) -> dict[str, Any]:
    """Return what the page's template asks for, narrowed as the parameters of its address say."""
    found = history.of_meter_point(mpan_core)
    cards = [(meter, _registers_shown(meter)) for meter in found.meters[: history.MOST_METERS]]
    latest = [
        entry.reading
        for _, registers in cards
        for register in registers
        for entry in (register.latest, register.quotable(now))
        if entry
    ]
    told = _history(found, parameters, now, latest)
    known = _known(told["files"], latest, now, told["issues_told"])
    drawn = charts.of_registers(found, [registers for _, registers in cards], now)
    return {
        "title": f"Meter point {mpan_core}",
        "subtitle": None,
        "mpan": words.mpan_tag(mpan_core),
        "mpan_core": mpan_core,
        "meters": [_meter_card(meter, registers, found, known) for meter, registers in cards],
        "more_meters": words.more(found.meter_count, len(cards), history.MOST_COUNTED),
        "charts": drawn[: charts.MOST_CHARTS],
        "more_charts": words.more(len(drawn), charts.MOST_CHARTS, len(drawn)),
        "issues": _issues_in_words(found),
        "issues_url": searching.search_url("lineissue_changelist", mpan_core),
        "readings_url": searching.search_url("reading_changelist", mpan_core),
        "csv_url": searching.search_url("reading_download", mpan_core),
        **told,
    }


def history_context(
    mpan_core: str, parameters: QueryDict, now: datetime.datetime
) -> dict[str, Any]:
    """Return what the history alone asks for, where the rest of the page stands already."""
    return _history(history.of_meter_point(mpan_core), parameters, now, [])


def _history(
    found: history.History,
    parameters: QueryDict,
    now: datetime.datetime,
    beside: Sequence[models.Reading],
) -> dict[str, Any]:
    """Return what the history asks for, and the issues of readings that stand beside it."""
    asked = timeline.read(parameters)
    page = timeline.page_of(found, asked, parameters.get("page", "1"))
    on_page = timeline.readings_on(page.object_list)
    issues = history.issues_of([*on_page, *beside])
    files = {**found.files, **history.files_of([*on_page, *beside])}
    known = _known(files, on_page, now, issues)
    kept = {
        name: value
        for name, value in parameters.items()
        if value and name in {"since", "until", "register", "type", "standing"}
    }
    return {
        "page": page,
        "page_query": urlencode({**kept, "page": ""}),
        "rows": timeline.rows_of(page.object_list, known),
        "has_times": known.has_times,
        "issues_told": issues,
        "files": files,
        "asked": asked,
        "choices": timeline.choices(found, asked),
        "history": found,
        "standings": [
            (words.STANDING_WORDS[code], told) for code, told in words.STANDINGS.items()
        ],
        "most_readings": history.MOST_READINGS,
    }


def _known(
    files: Mapping[int, models.FlowFile],
    readings: Sequence[models.Reading],
    now: datetime.datetime,
    issues: Mapping[int, Sequence[models.LineIssue]],
) -> reading_rows.Known:
    return reading_rows.Known(
        now=now,
        files=files,
        issues=issues,
        has_times=words.has_times(reading.read_at for reading in readings),
    )


def _registers_shown(
    meter: history.MeterHistory,
) -> Sequence[register_history.RegisterHistory]:
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
    registers: Sequence[register_history.RegisterHistory],
    found: history.History,
    known: reading_rows.Known,
) -> MeterCard:
    serial_number = words.visible(meter.meter.serial_number)
    between = meter.read_between
    removed_at = history.removed_at(meter, found)
    return MeterCard(
        key=meter.meter.pk,
        serial_number=serial_number,
        read_between=" to ".join(dict.fromkeys(words.day(moment) for moment in between))
        if between
        else "never",
        removed=words.day(removed_at) if removed_at else "",
        registers=[_register_row(register, serial_number, known) for register in registers],
        more=words.more(meter.register_count, len(registers), history.MOST_COUNTED),
    )


def _register_row(
    register: register_history.RegisterHistory, serial_number: str, known: reading_rows.Known
) -> RegisterRow:
    quotable, latest = register.quotable(known.now), register.latest
    return RegisterRow(
        identifier=words.visible(register.identifier),
        is_maximum_demand=register.is_maximum_demand,
        quotable=reading_rows.of_reading(quotable, serial_number, known) if quotable else None,
        doubted=reading_rows.of_reading(latest, serial_number, known)
        if latest and latest is not quotable
        else None,
    )
