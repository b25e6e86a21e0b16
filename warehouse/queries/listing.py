"""Readings as the contract's view `reading_listing` has them: the one export for all who ask."""

from __future__ import annotations

import datetime
import decimal
import functools
import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.db import transaction
from django.db.models import BigIntegerField, Func, QuerySet
from django.utils import timezone

from warehouse import keys, models
from warehouse.queries import arrivals, history, standings


_ROWS_A_FETCH = 2_000
_KEPT = 10_000  # times


class Listed(NamedTuple):
    """A row of the export: its fields are the columns of `reading_listing`, in their order."""

    mpan_core: str
    serial_number: str
    register: str
    read_at: datetime.datetime
    value: decimal.Decimal
    reading_type: str
    validation_status: str
    reading_flag: str
    reading_method: str
    reason_code: str
    reading_status: str
    md_reset_at: datetime.datetime | None
    md_reset_count: int | None
    file_name: str
    line_number: int
    standing: str
    file_created_at: datetime.datetime
    flow: str


class NoPeriodError(Exception):
    """The first day is after the last."""


def find(
    *,
    mpan_core: str | None = None,
    serial_number: str | None = None,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
) -> QuerySet[models.Reading]:
    """
    Return the readings that an export is asked for, in an order that no arrival changes.

    The serial number may be typed as for a search in the admin. The dates are UK dates, both
    included.

    :raises NoPeriodError: if since is after until
    """
    if since and until and since > until:
        raise NoPeriodError(f"{since} is after {until}: expected the first day, then the last")
    readings = models.Reading.objects.order_by(
        "mpan_core", "read_at", "serial_key", "identifier", "stated_at", "id"
    )
    if mpan_core is not None:
        readings = readings.filter(mpan_core=mpan_core)
    if serial_number is not None:
        meters = models.Meter.objects.filter(serial_key=keys.serial_key(serial_number))
        # As values: only these are looked up within the view.
        readings = readings.filter(
            mpan_core__in=list(meters.values_list("mpan_core", flat=True)),
            serial_key=keys.serial_key(serial_number),
        )
    if since is not None:
        readings = readings.filter(read_at__gte=arrivals.midnight(since))
    if until is not None:
        readings = readings.filter(read_at__lt=arrivals.day_after(until))
    return standings.of_whole_registers(readings)


def listed(readings: QuerySet[models.Reading]) -> Iterator[Listed]:
    """
    Yield the rows of these readings in their order, in constant memory, as they stand at one time.

    :raises django.db.OperationalError: if the server goes away
    """
    if "standing" not in readings.query.annotations:
        readings = readings.annotate(standing=standings.STANDING)  # type: ignore[no-redef] # the same
    rows = readings.values_list(
        "id",
        "mpan_core",
        "serial_key",
        "identifier",
        _seconds("read_at"),
        "value",
        "reading_type",
        "validation_status",
        "reading_flag",
        "reading_method",
        "reason_code",
        "reading_status",
        _seconds("md_reset_at"),
        "md_reset_count",
        "standing",
        _seconds("stated_at"),
    )
    files: Mapping[int, tuple[str, str]] = {}
    # Within a transaction the server hands rows over as it finds them.
    with transaction.atomic():
        fetched = rows.iterator(chunk_size=_ROWS_A_FETCH)
        while chunk := list(itertools.islice(fetched, _ROWS_A_FETCH)):
            serial_numbers = history.serial_numbers({(row[1], row[2]) for row in chunk})
            files = _names_and_flows({row[0] >> 32 for row in chunk}, files)
            for row in chunk:
                line_id, mpan_core, serial_key = row[:3]
                file_name, flow = files.get(line_id >> 32, ("", ""))
                yield Listed._make(
                    (
                        mpan_core,
                        # A meter that is missing, of which `reconcile` tells, is named by its key.
                        serial_numbers.get((mpan_core, serial_key), serial_key),
                        row[3],
                        _moment(row[4]),
                        *row[5:12],
                        row[12] if row[12] is None else _moment(row[12]),
                        row[13],
                        file_name,
                        line_id & 0xFFFF_FFFF,
                        row[14],
                        _moment(row[15]),
                        flow,
                    )
                )


def _seconds(column: str) -> Func:
    """Return a time as a number: the same few come again and again, and each is costly to read."""
    return Func(
        column,
        template="extract(epoch FROM %(expressions)s)::bigint",
        output_field=BigIntegerField(),
    )


@functools.lru_cache(_KEPT)
def _moment(seconds: int) -> datetime.datetime:
    """Return UK time."""
    return datetime.datetime.fromtimestamp(seconds, tz=timezone.get_default_timezone())


def _names_and_flows(
    flow_file_ids: set[int], known: Mapping[int, tuple[str, str]]
) -> Mapping[int, tuple[str, str]]:
    """Return name and flow of these files, and of no others, so that they stay few."""
    missing = models.FlowFile.objects.filter(id__in=flow_file_ids - known.keys())
    return {file_id: known[file_id] for file_id in flow_file_ids & known.keys()} | {
        file_id: (file_name, flow)
        for file_id, file_name, flow in missing.values_list("id", "file_name", "flow")
    }
