"""What somebody typed, and what it finds: an exact MPAN first, else a meter serial number."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from warehouse import models


# A search that matches more meters than this is answered with "type more of it".
MOST_METERS = 200

_MPAN_DIGITS = 13
_WEIGHTS = (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43)
_SUPPLY_NUMBER = re.compile(r"S?(?:[0-9]{8})?([0-9]{13})")
_SHORTEST_COMMON_PREFIX = 3
_MOST_SUGGESTIONS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Term:
    """
    What was typed, read both ways.

    `mpan_core` is empty unless 13 digits stand there, alone or at the end of the 21 of a supply
    number; `digits` unless nothing but digits does. `serial_number` is as
    `meter.serial_number_search` has it: upper case, no spaces.
    """

    typed: str
    mpan_core: str
    digits: str
    serial_number: str


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
    compact = "".join(typed.split())
    # The server's upper() changes ASCII letters only, as the column collates as "C".
    upper = "".join(
        character.upper() if character.isascii() else character for character in compact
    )
    plain = re.sub(r"[-/.|]", "", upper)
    supply_number = _SUPPLY_NUMBER.fullmatch(plain)
    return Term(
        typed=typed,
        mpan_core=supply_number[1] if supply_number else "",
        digits=plain if plain.isascii() and plain.isdigit() else "",
        serial_number=upper,
    )


def look_up(typed: str) -> Found:
    """Find by exact MPAN; if that is none, by exact serial number; if none, by its beginning."""
    term = read_term(typed)
    if term.mpan_core:
        known = models.MeterPoint.objects.filter(mpan_core=term.mpan_core)
        meter_points = tuple(known.values_list("mpan_core", flat=True))
        return Found(term=term, meter_points=meter_points, is_exact=bool(meter_points))
    if not term.serial_number:
        return Found(term=term)
    exact = _first_meters(serial_number_search=term.serial_number)
    meters = exact or _first_meters(serial_number_search__startswith=term.serial_number)
    return Found(
        term=term,
        meter_points=tuple(dict.fromkeys(meter.meter_point_id for meter in meters)),
        meters=tuple(meters[:MOST_METERS]),
        is_exact=bool(exact),
        has_more=len(meters) > MOST_METERS,
    )


def _first_meters(**condition: str) -> list[models.Meter]:
    meters = models.Meter.objects.filter(**condition)
    return list(meters.order_by("serial_number_search", "id")[: MOST_METERS + 1])


def readings_of(found: Found, readings: QuerySet[models.Reading]) -> QuerySet[models.Reading]:
    """Narrow the readings to what was found, by the index that leads with the MPAN."""
    readings = readings.filter(mpan_core__in=found.meter_points)
    if not found.meters:
        return readings
    # Registers are told apart beforehand: as a join the planner reads their whole table for it.
    registers = models.Register.objects.filter(
        mpan_core__in=found.meter_points, meter__in=[meter.pk for meter in found.meters]
    )
    return readings.filter(register__in=list(registers.values_list("pk", flat=True)))


def meters_of(found: Found, meters: QuerySet[models.Meter]) -> QuerySet[models.Meter]:
    if found.term.mpan_core:
        return meters.filter(meter_point__in=found.meter_points)
    return meters.filter(id__in=[meter.pk for meter in found.meters])


def meter_points_of(
    found: Found, meter_points: QuerySet[models.MeterPoint]
) -> QuerySet[models.MeterPoint]:
    return meter_points.filter(mpan_core__in=found.meter_points)


def has_right_check_digit(mpan_core: str) -> bool:
    total = sum(
        int(digit) * weight
        for digit, weight in zip(mpan_core[: _MPAN_DIGITS - 1], _WEIGHTS, strict=True)
    )
    return total % 11 % 10 == int(mpan_core[-1])


def near_meter_points(digits: str) -> Sequence[str]:
    """
    Return stored MPANs one slip of a finger away from these digits.

    Of 13 it is a digit, or two neighbors swapped, and the check digit tells which are MPANs; of 12
    or 14 it is a digit left out, or one too many.
    """
    if len(digits) == _MPAN_DIGITS:
        candidates = {slip for slip in _slips(digits) if has_right_check_digit(slip)} - {digits}
    elif len(digits) == _MPAN_DIGITS - 1:
        candidates = {
            f"{digits[:place]}{digit}{digits[place:]}"
            for place in range(_MPAN_DIGITS)
            for digit in "0123456789"
        }
    elif len(digits) == _MPAN_DIGITS + 1:
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


def near_meters(serial_number: str) -> Sequence[models.Meter]:
    """
    Return the meters whose serial numbers begin most like this one.

    They are its neighbours in the order of the index, so that two look-ups do, whatever the
    length of what they have in common.
    """
    after = models.Meter.objects.filter(serial_number_search__gte=serial_number)
    before = models.Meter.objects.filter(serial_number_search__lt=serial_number)
    neighbors = [
        *after.order_by("serial_number_search", "id")[:_MOST_SUGGESTIONS],
        *before.order_by("-serial_number_search", "-id")[:_MOST_SUGGESTIONS],
    ]
    ranked = sorted(
        neighbors,
        key=lambda meter: (
            -_common_prefix(serial_number, meter.serial_number_search),
            meter.serial_number_search,
            meter.pk,
        ),
    )
    return [
        meter
        for meter in ranked
        if _common_prefix(serial_number, meter.serial_number_search) >= _SHORTEST_COMMON_PREFIX
    ][:_MOST_SUGGESTIONS]


def _common_prefix(one: str, other: str) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
