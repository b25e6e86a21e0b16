"""Hand readings on."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator

from django.db import transaction

from etl.postgres import steps
from etl.usecases import transform
from warehouse.queries import search


def export_readings(
    *,
    mpan_core: str | None = None,
    serial_number: str | None = None,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
) -> Iterator[bytes]:
    """
    Yield the readings as CSV, with a header line and in a stable order, as they stand now.

    The serial number may be typed as for a search in the admin. The dates are UK dates, both
    included.

    :raises django.db.OperationalError: if the server goes away
    """
    # Behind the last day that there is lies nothing to leave out.
    if until == datetime.date.max:
        until = None
    parameters = {
        "mpan_core": mpan_core,
        "serial_number": (
            None if serial_number is None else search.read_term(serial_number).serial_number
        ),
        "since": None if since is None else _midnight(since),
        "until": None if until is None else _midnight(until + datetime.timedelta(days=1)),
    }
    with transaction.atomic(durable=True):
        yield from steps.export_readings(parameters, time_zone=transform.TIME_ZONE)


def _midnight(day: datetime.date) -> datetime.datetime:
    zone = zoneinfo.ZoneInfo(transform.TIME_ZONE)
    return datetime.datetime.combine(day, datetime.time(), tzinfo=zone)
