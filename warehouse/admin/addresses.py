"""
Addresses of rows that are known within their meter point: they begin with its MPAN.

So whoever follows one asks by the key that leads every index of these tables.
"""

from __future__ import annotations

from django import urls
from django.contrib.admin import utils

from warehouse import keys, models


_MOST_DIGITS = 19  # of an id
_IDS_END = 2**63


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
    is_number = rest.isascii() and rest.isdecimal() and len(rest) <= _MOST_DIGITS
    return (mpan_core, int(rest)) if is_number and int(rest) < _IDS_END else ("", 0)


def url_of_reading(reading: models.Reading) -> str:
    return urls.reverse("admin:warehouse_reading_change", args=[utils.quote(of_reading(reading))])
