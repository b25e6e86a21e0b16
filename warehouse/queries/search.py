"""What was typed, and what it finds: an exact MPAN first, else a meter serial number."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from django import db
from django.db.models import Model, Q, QuerySet, functions

from warehouse import keys, models
from warehouse.queries import terms


# A search that matches more meters than this is answered with "type more of it".
MOST_METERS = 200
MOST_METERS_LISTED = 5  # of one meter point in a list
MOST_METERS_COUNTED = 100  # of the others

Row = TypeVar("Row", bound=Model)

_SHORTEST_ENDING = 3
_SHORTEST_WITHOUT_LETTERS = 5
_SHORTEST_BEGINNING = 3  # of an MPAN
_SHORTEST_COMMON_PREFIX = 3
_MOST_SUGGESTIONS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """The meter points and meters that a term finds; at most `MOST_METERS` of the latter."""

    term: terms.Term
    meter_points: Sequence[str] = ()
    by_mpan: Sequence[str] = ()
    meters: Sequence[models.Meter] = ()
    is_exact: bool = False
    has_more: bool = False
    items: Sequence[str] = ()  # of a list, and those of it that found nothing
    missing: Sequence[str] = ()

    @property
    def only_meter_point(self) -> str | None:
        """The meter point, if the term can mean no other."""
        return self.meter_points[0] if self.is_exact and len(self.meter_points) == 1 else None


def look_up(typed: str) -> Found:
    """
    Find by exact MPAN; if that is none, by exact serial number; if none, by parts of either.

    Parts are the beginning or the ending of a serial number, and the beginning of an MPAN. A
    serial number without its letters, as people quote it, finds its meter as if it were whole.
    A list is found item by item, each as a whole.
    """
    items = terms.items(typed)
    return _look_up_each(typed, items) if len(items) > 1 else _look_up_one(typed)


def _look_up_one(typed: str) -> Found:
    term = terms.read(typed)
    if term.mpan_core:
        known = models.MeterPoint.objects.filter(mpan_core=term.mpan_core)
        meter_points = tuple(known.values_list("mpan_core", flat=True))
        return Found(
            term=term,
            meter_points=meter_points,
            by_mpan=meter_points,
            is_exact=bool(meter_points),
        )
    if not term.serial_key:
        return Found(term=term)
    exact = _first_meters(models.Meter.objects.filter(serial_key__in=term.exact_keys))
    if exact:
        return _found(term, exact, is_exact=True)
    meters = _first_meters(models.Meter.objects.filter(serial_key__startswith=term.serial_key))
    endings = _ending_in(term.serial_key)
    lettered = re.compile(rf"[A-Z]{{1,3}}{re.escape(term.serial_key)}")
    whole = [meter for meter in endings if lettered.fullmatch(meter.serial_key)]
    if whole and not meters and len(term.digits) >= _SHORTEST_WITHOUT_LETTERS:
        return _found(term, whole, is_exact=True)
    known_ids = {meter.pk for meter in meters}
    meters += [meter for meter in endings if meter.pk not in known_ids]
    return _found(term, meters, by_mpan=_beginning_with(term.digits))


def _look_up_each(typed: str, items: Sequence[str]) -> Found:
    """Find whole MPANs and serial numbers, by a query each."""
    read = {item: terms.read(item) for item in items[: terms.MOST_ITEMS]}
    mpan_cores = {term.mpan_core for term in read.values()} - {""}
    serial_keys = {term.serial_key for term in read.values() if not term.mpan_core} - {""}
    known = models.MeterPoint.objects.filter(mpan_core__in=sorted(mpan_cores))
    by_mpan = tuple(known.order_by("mpan_core").values_list("mpan_core", flat=True))
    meters = _first_meters(models.Meter.objects.filter(serial_key__in=sorted(serial_keys)))
    found = {*by_mpan, *(meter.serial_key for meter in meters)}
    missing = tuple(
        item for item, term in read.items() if not {term.mpan_core or term.serial_key} & found
    )
    return dataclasses.replace(
        _found(terms.read(typed), meters, by_mpan=by_mpan),
        items=tuple(items),
        missing=missing,
    )


def _found(
    term: terms.Term,
    meters: Sequence[models.Meter],
    *,
    by_mpan: Sequence[str] = (),
    is_exact: bool = False,
) -> Found:
    shown = tuple(meters[:MOST_METERS])
    return Found(
        term=term,
        meter_points=tuple(dict.fromkeys([*by_mpan, *(meter.mpan_core for meter in shown)])),
        by_mpan=by_mpan,
        meters=shown,
        is_exact=is_exact,
        has_more=len(meters) > MOST_METERS,
    )


def _first_meters(meters: QuerySet[models.Meter]) -> list[models.Meter]:
    return list(meters.order_by("serial_key", "mpan_core")[: MOST_METERS + 1])


def _ending_in(serial_key: str) -> list[models.Meter]:
    """Return the meters whose keys end so, by the index over reversed endings."""
    if len(serial_key) < _SHORTEST_ENDING:
        return []
    length = keys.LENGTH_OF_ENDING
    meters = models.Meter.objects.alias(
        backwards=functions.Reverse(functions.Right("serial_key", length))
    )
    found = meters.filter(backwards__startswith=serial_key[: -length - 1 : -1])
    if len(serial_key) > length:
        found = found.filter(serial_key__endswith=serial_key)
    return list(found.order_by("backwards", "mpan_core", "serial_key")[: MOST_METERS + 1])


def _beginning_with(digits: str) -> Sequence[str]:
    if not _SHORTEST_BEGINNING <= len(digits) < keys.MPAN_DIGITS:
        return ()
    found = models.MeterPoint.objects.filter(mpan_core__startswith=digits)
    return tuple(found.order_by("mpan_core").values_list("mpan_core", flat=True)[:MOST_METERS])


def narrowed(found: Found, rows: QuerySet[Row]) -> QuerySet[Row]:
    """
    Narrow rows of a meter point to what was found, by their keys, which begin with the MPAN.

    Of what was found by its MPAN all is meant, of the others the meters that were found.
    """
    rows = rows.filter(mpan_core__in=found.meter_points)
    if not found.meters or rows.model is models.MeterPoint:
        return rows
    meters = Q(serial_key__in=sorted({meter.serial_key for meter in found.meters}))
    return rows.filter(meters | Q(mpan_core__in=found.by_mpan) if found.by_mpan else meters)


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


def meant_meters(serial_key: str) -> Sequence[models.Meter]:
    """Return the meters whose keys differ in O and 0, I and 1, S and 5 only."""
    meters = models.Meter.objects.filter(serial_key__in=terms.look_alikes(serial_key))
    return list(meters.order_by("serial_key", "mpan_core")[:_MOST_SUGGESTIONS])


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
