"""The history of a meter point: its meters, their readings, and what each reading is worth."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
from collections.abc import Iterable, Mapping, Sequence

from django import db
from django.db.models import Count, Q

from warehouse import models


# More than a century of monthly readings of two registers, and as many site visits; the export
# has the readings that lie beyond.
MOST_READINGS = 2_500


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A reading, whether it counts, and how far its register went on since the one before it."""

    reading: models.Reading
    standing: str
    advance: decimal.Decimal | None = None
    advance_since: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RegisterHistory:
    """A register and the readings of it, the oldest first."""

    register: models.Register
    entries: Sequence[Entry]

    @property
    def latest(self) -> Entry | None:
        return next(
            (entry for entry in reversed(self.entries) if entry.standing == "current"), None
        )

    @property
    def is_maximum_demand(self) -> bool:
        return is_maximum_demand(entry.reading for entry in self.entries)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeterHistory:
    meter: models.Meter
    registers: Sequence[RegisterHistory]

    @property
    def read_between(self) -> tuple[datetime.datetime, datetime.datetime] | None:
        moments = [
            entry.reading.read_at for register in self.registers for entry in register.entries
        ]
        return (min(moments), max(moments)) if moments else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visit:
    """A site visit, when it took place or else was reported, and the meter if it was at one."""

    visit: models.SiteVisit
    at: datetime.datetime | None
    is_reported: bool
    serial_number: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """Meters are in the order of their last reading, the newest first."""

    meters: Sequence[MeterHistory]
    visits: Sequence[Visit]
    rejected_line_count: int
    warning_count: int
    is_cut: bool


def standings(readings: Iterable[models.Reading]) -> Mapping[int, str]:
    """
    Return the standings of these readings by their ids, by one query.

    It reads what shares their meter points and times, however much else is stored.
    """
    asked = list(readings)
    with db.connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT reading_id, standing
            FROM reading_standing
            WHERE
                mpan_core = ANY(%s::text[])
                AND read_at = ANY(%s::timestamptz[])
                AND reading_id = ANY(%s::bigint[])
            """,
            [
                sorted({reading.mpan_core for reading in asked}),
                sorted({reading.read_at for reading in asked}),
                [reading.pk for reading in asked],
            ],
        )
        return dict(cursor.fetchall())


def issues_of(readings: Iterable[models.Reading]) -> Mapping[int, Sequence[models.LineIssue]]:
    """Return the issues of the readings' own lines by the readings' ids, by one query."""
    asked = sorted({reading.pk for reading in readings})
    issues = models.LineIssue.objects.raw(
        """
        SELECT line_issue.id, line_issue.flow_file_id, line_issue.line_number, line_issue.code
        FROM unnest(%s::bigint[]) AS asked (line_id)
        INNER JOIN line_issue
            ON
                line_issue.flow_file_id = asked.line_id >> 32
                AND line_issue.line_number = asked.line_id & 4294967295
        ORDER BY line_issue.id
        """,
        [asked],
    )
    found: dict[int, list[models.LineIssue]] = {}
    for issue in issues:
        found.setdefault(issue.flow_file_id << 32 | issue.line_number, []).append(issue)
    return found


def place_in_time(reading: models.Reading) -> tuple[datetime.datetime, bool, int]:
    """
    Return what readings are sorted by.

    An initial one starts a register anew, after the final one of the same instant, whichever
    stands first in a file.
    """
    is_initial = reading.reading_type == models.ReadingType.INITIAL
    return (reading.read_at, is_initial, reading.pk)


def of_meter_point(mpan_core: str) -> History:
    """Return all there is to tell about a meter point, by a constant number of queries."""
    # What refers to something is asked for before it: a load may commit both in between.
    readings = models.Reading.objects.filter(mpan_core=mpan_core).select_related("flow_file")
    latest = list(readings.order_by("-read_at", "-id")[: MOST_READINGS + 1])
    shown = sorted(latest[:MOST_READINGS], key=place_in_time)
    site_visits = models.SiteVisit.objects.filter(mpan_core=mpan_core).select_related("flow_file")
    visits = list(site_visits.order_by("-id")[: MOST_READINGS + 1])
    registers = list(models.Register.objects.filter(mpan_core=mpan_core).order_by("identifier"))
    meters = {meter.pk: meter for meter in models.Meter.objects.filter(meter_point=mpan_core)}
    standing_of = standings(shown)
    issues = models.LineIssue.objects.filter(mpan_core=mpan_core).aggregate(
        rejected=Count("id", filter=Q(severity=models.Severity.REJECTED)),
        warnings=Count("id", filter=Q(severity=models.Severity.WARNING)),
    )
    readings_of: dict[int, list[models.Reading]] = {register.pk: [] for register in registers}
    for reading in shown:
        readings_of[reading.register_id].append(reading)
    histories: dict[int, list[RegisterHistory]] = {meter_id: [] for meter_id in meters}
    for register in registers:
        entries = with_advances(readings_of[register.pk], standing_of)
        histories[register.meter_id].append(RegisterHistory(register=register, entries=entries))
    return History(
        meters=_newest_first(
            MeterHistory(meter=meters[meter_id], registers=registers)
            for meter_id, registers in histories.items()
        ),
        visits=_visits(
            visits[:MOST_READINGS], shown, meters, {item.pk: item.meter_id for item in registers}
        ),
        rejected_line_count=issues["rejected"],
        warning_count=issues["warnings"],
        is_cut=max(len(latest), len(visits)) > MOST_READINGS,
    )


def _newest_first(meters: Iterable[MeterHistory]) -> Sequence[MeterHistory]:
    unread = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
    return sorted(
        meters,
        key=lambda meter: (meter.read_between or (unread, unread))[::-1],
        reverse=True,
    )


def with_advances(
    readings: Sequence[models.Reading], standing_of: Mapping[int, str]
) -> Sequence[Entry]:
    """
    Return the readings of one register with their advances; they come by `place_in_time`.

    An advance is measured between readings that count, from the last one that nobody doubted,
    which has to be of an earlier time.
    There is none at an initial reading, which starts a register anew, and none at all on a
    register of maximum demand, which does not add up.
    """
    entries = []
    is_adding_up = not is_maximum_demand(readings)
    base: models.Reading | None = None
    for reading in readings:
        entry = Entry(reading=reading, standing=standing_of.get(reading.pk, "current"))
        if entry.standing == "current" and is_adding_up:
            if reading.reading_type == models.ReadingType.INITIAL:
                base = None
            if base is not None and base.read_at < reading.read_at:
                entry = dataclasses.replace(
                    entry, advance=reading.value - base.value, advance_since=base.read_at
                )
            if not is_doubted(reading):
                base = reading
        entries.append(entry)
    return entries


def is_doubted(reading: models.Reading) -> bool:
    """Tell whether a reading failed validation, or is flagged and was not accepted after all."""
    if reading.validation_status == models.ValidationStatus.FAILED:
        return True
    verdict = reading.reading_status or reading.reading_flag
    return verdict == models.ReadingFlag.SUSPECT


def is_maximum_demand(readings: Iterable[models.Reading]) -> bool:
    return any(reading.md_reset_at is not None or reading.md_reset_count for reading in readings)


def _visits(
    visits: Iterable[models.SiteVisit],
    readings: Iterable[models.Reading],
    meters: Mapping[int, models.Meter],
    meter_of: Mapping[int, int],
) -> Sequence[Visit]:
    """
    Place each visit at its reading, else at a reading that came with it, else at its file.

    The readings come the oldest first.
    """
    places: dict[tuple[int, int], datetime.datetime] = {}
    for reading in readings:  # of those that came together the newest has the last word
        file_id = reading.flow_file_id
        places[-1, reading.pk] = reading.read_at
        places[file_id, meter_of[reading.register_id]] = reading.read_at
        places[file_id, 0] = reading.read_at
    return [
        Visit(
            visit=visit,
            at=place or visit.flow_file.file_created_at,
            is_reported=place is None,
            serial_number=meters[visit.meter_id].serial_number if visit.meter_id else "",
        )
        for visit in visits
        for place in [
            places.get((-1, visit.reading_id))
            if visit.reading_id
            else places.get((visit.flow_file_id, visit.meter_id or 0))
        ]
    ]
