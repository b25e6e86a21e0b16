"""Hand readings on."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from etl.postgres import steps
from etl.usecases import transform
from warehouse.queries import search


class NoPeriodError(Exception):
    """The first day is after the last."""


def export_readings(
    *,
    mpan_core: str | None = None,
    serial_number: str | None = None,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
) -> Iterator[bytes]:
    """
    Return the readings as CSV in blocks, with a header line and in a stable order.

    The serial number may be typed as for a search in the admin. The dates are UK dates, both
    included.

    :raises NoPeriodError: if since is after until; at once, before anything is yielded
    :raises django.db.OperationalError: if the server goes away
    """
    if since and until and since > until:
        raise NoPeriodError(f"{since} is after {until}: expected the first day, then the last")
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
    return _blocks(parameters)


def _blocks(parameters: Mapping[str, Any]) -> Iterator[bytes]:
    with transaction.atomic(durable=True):
        yield from steps.export_readings(parameters, time_zone=transform.TIME_ZONE)


def _midnight(day: datetime.date) -> datetime.datetime:
    zone = zoneinfo.ZoneInfo(transform.TIME_ZONE)
    return datetime.datetime.combine(day, datetime.time(), tzinfo=zone)
