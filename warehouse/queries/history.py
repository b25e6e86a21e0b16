"""The history of a meter point: its meters, their readings, and what each reading is worth."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence

from django import db

from warehouse import codes, models
from warehouse.queries import register_history, standings


# More than a century of monthly readings of two registers, and as many site visits; the export
# has the readings that lie beyond.
MOST_READINGS = 2_500
# A meter point has a few meters, and a meter a few registers; what has more is not what it seems.
MOST_METERS = 25
MOST_REGISTERS = 12
_MOST_AROUND = 50  # readings of a register, among which one that nobody doubts is to be
MOST_COUNTED = 1_000  # of what is not shown, so that to count costs as little as to show


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeterHistory:
    """A meter and those of its registers that are shown; the number of all stops counting."""

    meter: models.Meter
    registers: Sequence[register_history.RegisterHistory]
    register_count: int

    @property
    def read_between(self) -> tuple[datetime.datetime, datetime.datetime] | None:
        return _read_between(self.registers)


def _read_between(
    registers: Iterable[register_history.RegisterHistory],
) -> tuple[datetime.datetime, datetime.datetime] | None:
    entries = [register.entries for register in registers if register.entries]
    if not entries:
        return None
    return (
        min(of_one[0].reading.read_at for of_one in entries),
        max(of_one[-1].reading.read_at for of_one in entries),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visit:
    """A site visit, when it took place or else was reported, and the meter if it was at one."""

    visit: models.SiteVisit
    at: datetime.datetime | None
    is_reported: bool
    serial_number: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """
    Meters are in the order of their last reading, the newest first.

    They are those that readings and site visits name, and some of the others; no number of what
    there is goes far beyond `MOST_COUNTED`. Files are those of the site visits: a reading's are
    for those few to ask that are shown.
    """

    meters: Sequence[MeterHistory]
    meter_count: int
    visits: Sequence[Visit]
    files: Mapping[int, models.FlowFile]
    rejected_line_count: int
    warning_count: int
    is_cut: bool


def removed_at(meter: MeterHistory, found: History) -> datetime.datetime | None:
    """
    Return when a meter was taken away, where that can be told.

    The last reading of it that counts is a final one, and another meter is read since.
    """
    lasts = [
        next(
            (one.reading for one in reversed(register.entries) if one.standing == "current"), None
        )
        for register in meter.registers
    ]
    last = max(filter(None, lasts), key=register_history.place_in_time, default=None)
    if last is None or last.reading_type != codes.ReadingType.FINAL:
        return None
    is_followed = any(
        other.read_between is not None and other.read_between[1] >= last.read_at
        for other in found.meters
        if other is not meter
    )
    return last.read_at if is_followed else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Beside:
    """What stands beside a reading wherever it is shown, apart from its standing."""

    serial_number: str
    flow_file: models.FlowFile


def beside(readings: Iterable[models.Reading]) -> Mapping[int, Beside]:
    """Return what stands beside these readings by their ids, by two queries."""
    shown = list(readings)
    numbers = serial_numbers({(reading.mpan_core, reading.serial_key) for reading in shown})
    files = files_of(shown)
    return {
        reading.pk: Beside(
            # One that is missing, of which `reconcile` tells, is shown by its key.
            serial_number=numbers.get((reading.mpan_core, reading.serial_key), reading.serial_key),
            flow_file=files[reading.flow_file_id],
        )
        for reading in shown
    }


def serial_numbers(asked: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Return the serial numbers of these meters by MPAN and serial key, each found by its key."""
    if not asked:
        return {}
    mpan_cores = [mpan_core for mpan_core, _ in asked]
    # They are named twice, so that a cluster sees where they are.
    meters = models.Meter.objects.raw(
        """
        SELECT meter.id, meter.mpan_core, meter.serial_key, meter.serial_number
        FROM unnest(%s::text[], %s::text[]) AS asked (mpan_core, serial_key)
        INNER JOIN meter
            ON meter.mpan_core = asked.mpan_core AND meter.serial_key = asked.serial_key
        WHERE meter.mpan_core = any(%s::text[])
        """,
        [mpan_cores, [serial_key for _, serial_key in asked], mpan_cores],
    )
    return {(meter.mpan_core, meter.serial_key): meter.serial_number for meter in meters}


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


def of_meter_point(mpan_core: str) -> History:
    """Return what there is to tell about a meter point, by a constant number of queries."""
    # What names something is asked for before it: a load may commit both in between.
    readings = models.Reading.objects.filter(mpan_core=mpan_core)
    latest = list(readings.order_by("-read_at", "-id")[: MOST_READINGS + 1])
    shown = sorted(latest[:MOST_READINGS], key=register_history.place_in_time)
    standings.tell_whole(shown, is_cut=len(latest) > MOST_READINGS)
    site_visits = models.SiteVisit.objects.filter(mpan_core=mpan_core)
    latest_visits = list(site_visits.order_by("-id")[: MOST_READINGS + 1])
    visits = latest_visits[:MOST_READINGS]
    of_meters: dict[str, dict[str, list[models.Reading]]] = {}
    for reading in shown:
        registers = of_meters.setdefault(reading.serial_key, {})
        registers.setdefault(reading.identifier, []).append(reading)
    at_meter_point = models.Meter.objects.filter(mpan_core=mpan_core).order_by("serial_key")
    counted = list(at_meter_point.values_list("serial_key", flat=True)[: MOST_COUNTED + 1])
    named = {*of_meters, *(visit.serial_key for visit in visits)} - {""}
    meters = _meters(mpan_core, {*counted[:MOST_METERS], *named})
    files = files_of(visits)
    issues = models.LineIssue.objects.filter(mpan_core=mpan_core)
    severities = list(issues.values_list("severity", flat=True)[: MOST_COUNTED + 1])
    return History(
        meters=_with_registers(mpan_core, meters, of_meters),
        meter_count=max(len(counted), len(meters)),
        visits=_visits(visits, shown, meters, files),
        files=files,
        rejected_line_count=severities.count(codes.Severity.REJECTED),
        warning_count=severities.count(codes.Severity.WARNING),
        is_cut=max(len(latest), len(latest_visits)) > MOST_READINGS,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Around:
    """A reading as its register's history has it, and those before and after it there."""

    entry: register_history.Entry
    previous: models.Reading | None
    next: models.Reading | None


def around(reading: models.Reading) -> Around | None:
    """Return what stands around a reading, by a look at some of its register; none if gone."""
    of_register = models.Reading.objects.filter(
        mpan_core=reading.mpan_core,
        serial_key=reading.serial_key,
        identifier=reading.identifier,
    )
    earlier = of_register.filter(read_at__lt=reading.read_at).order_by("-read_at", "-id")
    at_once = of_register.filter(read_at=reading.read_at).order_by("-id")
    later = of_register.filter(read_at__gt=reading.read_at).order_by("read_at", "id")
    found = [*later[:1], *at_once[:_MOST_AROUND], *earlier[:_MOST_AROUND]]
    found.sort(key=register_history.place_in_time)
    if all(one.pk != reading.pk for one in found):
        return None
    standings.tell_whole(found, is_cut=True)
    entries = register_history.of_readings(reading.identifier, found).entries
    place = next(place for place, entry in enumerate(entries) if entry.reading.pk == reading.pk)
    return Around(
        entry=entries[place],
        previous=entries[place - 1].reading if place else None,
        next=entries[place + 1].reading if place + 1 < len(entries) else None,
    )


def files_of(
    rows: Iterable[models.Reading | models.SiteVisit],
) -> Mapping[int, models.FlowFile]:
    """Return the files that the rows came from by their ids, by one query."""
    return models.FlowFile.objects.in_bulk({row.flow_file_id for row in rows})


def _meters(mpan_core: str, named: Collection[str]) -> Mapping[str, models.Meter]:
    """
    Return the meters of a meter point that are named, by their serial keys.

    One that is named and is not there, of which `reconcile` tells, is shown all the same.
    """
    found = models.Meter.objects.filter(mpan_core=mpan_core, serial_key__in=named)
    meters = {meter.serial_key: meter for meter in found}
    return meters | {
        serial_key: models.Meter(
            id=-place, mpan_core=mpan_core, serial_key=serial_key, serial_number=serial_key
        )
        for place, serial_key in enumerate(sorted({*named} - {*meters}), start=1)
    }


def _with_registers(
    mpan_core: str,
    meters: Mapping[str, models.Meter],
    of_meters: Mapping[str, Mapping[str, Sequence[models.Reading]]],
) -> Sequence[MeterHistory]:
    """Return the meters, the newest first, with the registers that have been read, and others."""
    read = {
        serial_key: {
            identifier: register_history.of_readings(identifier, readings)
            for identifier, readings in of_meters.get(serial_key, {}).items()
        }
        for serial_key in meters
    }
    unread = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
    newest_first = sorted(
        meters,
        key=lambda key: (_read_between(read[key].values()) or (unread, unread))[::-1],
        reverse=True,
    )
    some = _some_registers(mpan_core, newest_first[:MOST_METERS])
    return [
        MeterHistory(
            meter=meters[serial_key],
            registers=[
                known.get(identifier) or register_history.of_readings(identifier, ())
                for identifier in sorted({*known, *identifiers})
            ],
            register_count=max(count, len({*known, *identifiers})),
        )
        for serial_key in newest_first
        for known in [read[serial_key]]
        for identifiers, count in [some.get(serial_key, ((), 0))]
    ]


def _some_registers(
    mpan_core: str, serial_keys: list[str]
) -> Mapping[str, tuple[Sequence[str], int]]:
    """Return the first registers of each of these meters, and how many there are."""
    with db.connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT
                asked.serial_key,
                array(
                    SELECT register.identifier::text
                    FROM register
                    WHERE
                        register.mpan_core = %(mpan_core)s
                        AND register.serial_key = asked.serial_key
                    ORDER BY register.identifier
                    LIMIT %(most)s
                ),
                (
                    SELECT count(*)
                    FROM (
                        SELECT
                        FROM register
                        WHERE
                            register.mpan_core = %(mpan_core)s
                            AND register.serial_key = asked.serial_key
                        LIMIT %(most_counted)s
                    ) AS counted
                )
            FROM unnest(%(serial_keys)s::text[]) AS asked (serial_key)
            """,
            {
                "mpan_core": mpan_core,
                "serial_keys": serial_keys,
                "most": MOST_REGISTERS,
                "most_counted": MOST_COUNTED + 1,
            },
        )
        return {serial_key: (few, count) for serial_key, few, count in cursor.fetchall()}


def _visits(
    visits: Sequence[models.SiteVisit],
    readings: Sequence[models.Reading],
    meters: Mapping[str, models.Meter],
    files: Mapping[int, models.FlowFile],
) -> Sequence[Visit]:
    """
    Place each visit at its reading, else at a reading that came with it, else at its file.

    The readings come the oldest first.
    """
    if not visits:
        return []
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
