"""
Addresses of rows that are known within their meter point: they begin with its MPAN.

So whoever follows one asks by the key that leads every index of these tables.
"""

from __future__ import annotations

import datetime
import functools

from django import urls

from warehouse import keys, models


_MOST_DIGITS = 19  # of an id
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def of_reading(reading: models.Reading) -> str:
    return f"{reading.mpan_core}-{reading.pk}"


def of_meter(meter: models.Meter) -> str:
    return f"{meter.mpan_core}-{meter.serial_key}"


def read(address: str) -> tuple[str, str]:
    """Return the MPAN of an address and what stands behind it; nothing where it has none."""
    mpan_core, _, rest = address.partition("-")
    return (mpan_core, rest) if keys.mpan_core(mpan_core) == mpan_core else ("", "")


def read_reading(address: str) -> tuple[str, int]:
    """Return the MPAN and the id of a reading's address; nothing and 0 where it has none."""
    mpan_core, rest = read(address)
    reading_id = row_id(rest)
    return (mpan_core if reading_id else "", reading_id)


def of_place(read_at: datetime.datetime, reading_id: int) -> str:
    """Return what stands for a place in a list of readings: behind this one."""
    return f"{(read_at - _EPOCH) // datetime.timedelta(seconds=1)}-{reading_id}"


def read_place(text: str) -> tuple[datetime.datetime, int] | None:
    """Return the time and the id of the reading behind which a list goes on, if there is one."""
    seconds, _, rest = text.rpartition("-")
    try:
        return _EPOCH + datetime.timedelta(seconds=int(seconds)), row_id(rest)
    except (ValueError, OverflowError):
        return None


def row_id(text: str, *, below: int = 2**63) -> int:
    """Return the id that is meant, or 0, which no row has."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if is_number and int(text) < below else 0


def page(name: str, key: int | str) -> str:
    """Return the address of a row's page, as `reverse` does, which takes long for hundreds."""
    before, after = _around_key(name, urls.get_script_prefix())
    return f"{before}{key}{after}"


@functools.cache
def _around_key(name: str, _script_prefix: str) -> tuple[str, str]:
    before, _, after = urls.reverse(name, args=["0"]).rpartition("/0/")
    return f"{before}/", f"/{after}"


def url_of_reading(reading: models.Reading) -> str:
    return page("admin:warehouse_reading_change", of_reading(reading))


def url_of_file(flow_file_id: int) -> str:
    return page("admin:warehouse_flowfile_change", flow_file_id)
