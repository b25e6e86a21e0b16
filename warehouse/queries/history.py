"""The history of a meter point: its meters, their readings, and what each reading is worth."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db.models import Count, Q

from warehouse import models
from warehouse.queries import standings


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
    """A register of a meter and the readings of it, the oldest first."""

    identifier: str
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
    files: Mapping[int, models.FlowFile]
    rejected_line_count: int
    warning_count: int
    is_cut: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Beside:
    """What stands beside a reading wherever it is shown, apart from its standing."""

    serial_number: str
    flow_file: models.FlowFile


def beside(readings: Iterable[models.Reading]) -> Mapping[int, Beside]:
    """Return what stands beside these readings by their ids, by two queries."""
    shown = list(readings)
    numbers = serial_numbers({reading.mpan_core for reading in shown})
    files = files_of(shown)
    return {
        reading.pk: Beside(
            # One that is missing, of which `reconcile` tells, is shown by its key.
            serial_number=numbers.get((reading.mpan_core, reading.serial_key), reading.serial_key),
            flow_file=files[reading.flow_file_id],
        )
        for reading in shown
    }


def serial_numbers(mpan_cores: Collection[str]) -> Mapping[tuple[str, str], str]:
    """
    Return the serial numbers of all meters at these meter points, by MPAN and serial key.

    They are few, and found by the key, however many meters elsewhere share a serial number.
    """
    meters = models.Meter.objects.filter(mpan_core__in=mpan_cores)
    return {
        (mpan_core, serial_key): serial_number
        for mpan_core, serial_key, serial_number in meters.values_list(
            "mpan_core", "serial_key", "serial_number"
        )
    }


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


def place_in_time(
    reading: models.Reading,
) -> tuple[datetime.datetime, bool, datetime.datetime, int]:
    """
    Return what readings are sorted by: when they were read, then when they were stated.

    An initial one starts a register anew, after the final one of the same instant, whichever
    stands first in a file.
    """
    is_initial = reading.reading_type == models.ReadingType.INITIAL
    return (reading.read_at, is_initial, reading.stated_at, reading.pk)


def of_meter_point(mpan_core: str) -> History:
    """Return all there is to tell about a meter point, by a constant number of queries."""
    # What names something is asked for before it: a load may commit both in between.
    readings = standings.with_standing(models.Reading.objects.filter(mpan_core=mpan_core))
    latest = list(readings.order_by("-read_at", "-id")[: MOST_READINGS + 1])
    shown = sorted(latest[:MOST_READINGS], key=place_in_time)
    site_visits = models.SiteVisit.objects.filter(mpan_core=mpan_core)
    latest_visits = list(site_visits.order_by("-id")[: MOST_READINGS + 1])
    visits = latest_visits[:MOST_READINGS]
    readings_of = _by_register(mpan_core, shown)
    serial_keys = (serial_key for serial_key, _ in readings_of)
    meters = _meters(mpan_core, [*serial_keys, *(visit.serial_key for visit in visits)])
    files = files_of([*shown, *visits])
    issues = models.LineIssue.objects.filter(mpan_core=mpan_core).aggregate(
        rejected=Count("id", filter=Q(severity=models.Severity.REJECTED)),
        warnings=Count("id", filter=Q(severity=models.Severity.WARNING)),
    )
    histories: dict[str, list[RegisterHistory]] = {serial_key: [] for serial_key in meters}
    for (serial_key, identifier), of_register in readings_of.items():
        entries = with_advances(of_register)
        histories[serial_key].append(RegisterHistory(identifier=identifier, entries=entries))
    return History(
        meters=_newest_first(
            MeterHistory(meter=meters[serial_key], registers=of_meter)
            for serial_key, of_meter in histories.items()
        ),
        visits=_visits(visits, shown, meters, files),
        files=files,
        rejected_line_count=issues["rejected"],
        warning_count=issues["warnings"],
        is_cut=max(len(latest), len(latest_visits)) > MOST_READINGS,
    )


def files_of(
    rows: Iterable[models.Reading | models.SiteVisit],
) -> Mapping[int, models.FlowFile]:
    """Return the files that the rows came from by their ids, by one query."""
    return models.FlowFile.objects.in_bulk({row.flow_file_id for row in rows})


def _by_register(
    mpan_core: str, readings: Iterable[models.Reading]
) -> Mapping[tuple[str, str], Sequence[models.Reading]]:
    """Return the readings by serial key and register, with registers that have none of them."""
    registers = models.Register.objects.filter(mpan_core=mpan_core)
    found: dict[tuple[str, str], list[models.Reading]] = {
        key: [] for key in registers.order_by("identifier").values_list("serial_key", "identifier")
    }
    for reading in readings:
        found.setdefault((reading.serial_key, reading.identifier), []).append(reading)
    return found


def _meters(mpan_core: str, serial_keys: Iterable[str]) -> Mapping[str, models.Meter]:
    """
    Return the meters of a meter point by their serial keys.

    One that is named and is not there, of which `reconcile` tells, is shown all the same.
    """
    at_meter_point = models.Meter.objects.filter(mpan_core=mpan_core)
    meters = {meter.serial_key: meter for meter in at_meter_point}
    missing = sorted({*serial_keys} - {"", *meters})
    return meters | {
        serial_key: models.Meter(
            id=-place, mpan_core=mpan_core, serial_key=serial_key, serial_number=serial_key
        )
        for place, serial_key in enumerate(missing, start=1)
    }


def _newest_first(meters: Iterable[MeterHistory]) -> Sequence[MeterHistory]:
    unread = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
    return sorted(
        meters,
        key=lambda meter: (meter.read_between or (unread, unread))[::-1],
        reverse=True,
    )


def with_advances(readings: Sequence[models.Reading]) -> Sequence[Entry]:
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
        entry = Entry(reading=reading, standing=reading.standing)
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
    readings: Sequence[models.Reading],
    meters: Mapping[str, models.Meter],
    files: Mapping[int, models.FlowFile],
) -> Sequence[Visit]:
    """
    Place each visit at its reading, else at a reading that came with it, else at its file.

    The readings come the oldest first.
    """
    at_reading = {reading.pk: reading.read_at for reading in readings}
    # Of those that came together the newest has the last word.
    at_meter = {(row.flow_file_id, row.serial_key): row.read_at for row in readings}
    at_meter_point = {(row.flow_file_id, ""): row.read_at for row in readings}
    beside = at_meter_point | at_meter
    return [
        Visit(
            visit=visit,
            at=place or files[visit.flow_file_id].file_created_at,
            is_reported=place is None,
            serial_number=meters[visit.serial_key].serial_number if visit.serial_key else "",
        )
        for visit in visits
        for place in [
            at_reading.get(visit.reading_id)
            if visit.reading_id
            else beside.get((visit.flow_file_id, visit.serial_key))
        ]
    ]
