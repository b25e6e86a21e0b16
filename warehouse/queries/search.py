"""What somebody typed, and what it finds: an exact MPAN first, else a meter serial number."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from django import db
from django.db.models import Model, QuerySet

from warehouse import keys, models


# A search that matches more meters than this is answered with "type more of it".
MOST_METERS = 200
MOST_METERS_LISTED = 5  # of one meter point in a list
MOST_METERS_COUNTED = 100  # of the others

Row = TypeVar("Row", bound=Model)

_SUPPLY_NUMBER = re.compile(r"S?(?:[0-9]{8})?([0-9]{13})")
_SHORTEST_COMMON_PREFIX = 3
_MOST_SUGGESTIONS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Term:
    """
    What was typed, read both ways.

    `mpan_core` is empty unless 13 digits stand there, alone or at the end of the 21 of a supply
    number; `digits` unless nothing but digits does. `serial_key` is as meters are known by it.
    """

    typed: str
    mpan_core: str
    digits: str
    serial_key: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """The meter points and meters that a term finds; at most `MOST_METERS` of the latter."""

    term: Term
    meter_points: Sequence[str] = ()
    meters: Sequence[models.Meter] = ()
    is_exact: bool = False
    has_more: bool = False

    @property
    def only_meter_point(self) -> str | None:
        """The meter point, if the term can mean no other."""
        return self.meter_points[0] if self.is_exact and len(self.meter_points) == 1 else None


def read_term(typed: str) -> Term:
    serial_key = keys.serial_key(typed)
    plain = re.sub(r"[-/.|]", "", serial_key)
    supply_number = _SUPPLY_NUMBER.fullmatch(plain)
    return Term(
        typed=typed,
        mpan_core=keys.mpan_core(supply_number[1]) if supply_number else "",
        digits=plain if plain.isascii() and plain.isdigit() else "",
        serial_key=serial_key,
    )


def look_up(typed: str) -> Found:
    """Find by exact MPAN; if that is none, by exact serial number; if none, by its beginning."""
    term = read_term(typed)
    if term.mpan_core:
        known = models.MeterPoint.objects.filter(mpan_core=term.mpan_core)
        meter_points = tuple(known.values_list("mpan_core", flat=True))
        return Found(term=term, meter_points=meter_points, is_exact=bool(meter_points))
    if not term.serial_key:
        return Found(term=term)
    exact = _first_meters(serial_key=term.serial_key)
    meters = exact or _first_meters(serial_key__startswith=term.serial_key)
    return Found(
        term=term,
        meter_points=tuple(dict.fromkeys(meter.mpan_core for meter in meters)),
        meters=tuple(meters[:MOST_METERS]),
        is_exact=bool(exact),
        has_more=len(meters) > MOST_METERS,
    )


def _first_meters(**condition: str) -> list[models.Meter]:
    meters = models.Meter.objects.filter(**condition)
    return list(meters.order_by("serial_key", "mpan_core")[: MOST_METERS + 1])


def narrowed(found: Found, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Narrow rows of a meter point to what was found, by their keys, which begin with the MPAN."""
    rows = rows.filter(mpan_core__in=found.meter_points)
    if not found.meters or rows.model is models.MeterPoint:
        return rows
    return rows.filter(serial_key__in=sorted({meter.serial_key for meter in found.meters}))


def serial_numbers_at(mpan_cores: Collection[str]) -> Mapping[str, tuple[Sequence[str], int]]:
    """Return the first serial numbers at these meter points, and how many meters there are."""
    with db.connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT
                asked.mpan_core,
                array(
                    SELECT meter.serial_number
                    FROM meter
                    WHERE meter.mpan_core = asked.mpan_core
                    ORDER BY meter.serial_key
                    LIMIT %(most)s
                ),
                (
                    SELECT count(*)
                    FROM (
                        SELECT
                        FROM meter
                        WHERE meter.mpan_core = asked.mpan_core
                        LIMIT %(most_counted)s
                    ) AS counted
                )
            FROM meter_point AS asked
            WHERE asked.mpan_core = any(%(mpan_cores)s::text[])
            """,
            {
                "mpan_cores": list(mpan_cores),
                "most": MOST_METERS_LISTED,
                "most_counted": MOST_METERS_COUNTED + 1,
            },
        )
        return {mpan_core: (few, count) for mpan_core, few, count in cursor.fetchall()}


def near_meter_points(digits: str) -> Sequence[str]:
    """
    Return stored MPANs one slip of a finger away from these digits.

    Of 13 it is a digit, or two neighbors swapped, and the check digit tells which are MPANs; of 12
    or 14 it is a digit left out, or one too many.
    """
    if len(digits) == keys.MPAN_DIGITS:
        candidates = {slip for slip in _slips(digits) if keys.has_right_check_digit(slip)} - {
            digits
        }
    elif len(digits) == keys.MPAN_DIGITS - 1:
        candidates = {
            f"{digits[:place]}{digit}{digits[place:]}"
            for place in range(keys.MPAN_DIGITS)
            for digit in "0123456789"
        }
    elif len(digits) == keys.MPAN_DIGITS + 1:
        candidates = {f"{digits[:place]}{digits[place + 1 :]}" for place in range(len(digits))}
    else:
        return ()
    known = models.MeterPoint.objects.filter(mpan_core__in=sorted(candidates))
    return tuple(known.order_by("mpan_core").values_list("mpan_core", flat=True)[:5])


def _slips(mpan_core: str) -> Iterator[str]:
    for place, digit in enumerate(mpan_core):
        before, after = mpan_core[:place], mpan_core[place + 1 :]
        yield from (f"{before}{other}{after}" for other in "0123456789")
        if after:
            yield f"{before}{after[0]}{digit}{after[1:]}"


def near_meters(serial_key: str) -> Sequence[models.Meter]:
    """
    Return the meters whose serial keys begin most like this one.

    They are its neighbors in the order of the index, so that two look-ups do, whatever the
    length of what they have in common.
    """
    after = models.Meter.objects.filter(serial_key__gte=serial_key)
    before = models.Meter.objects.filter(serial_key__lt=serial_key)
    neighbors = [
        *after.order_by("serial_key", "mpan_core")[:_MOST_SUGGESTIONS],
        *before.order_by("-serial_key", "-mpan_core")[:_MOST_SUGGESTIONS],
    ]
    ranked = sorted(
        neighbors,
        key=lambda meter: (
            -_common_prefix(serial_key, meter.serial_key),
            meter.serial_key,
            meter.mpan_core,
        ),
    )
    return [
        meter
        for meter in ranked
        if _common_prefix(serial_key, meter.serial_key) >= _SHORTEST_COMMON_PREFIX
    ][:_MOST_SUGGESTIONS]


def _common_prefix(one: str, other: str) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
