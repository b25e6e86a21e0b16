"""The readings of one register: which count, how far it went on, and what became of the others."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import functools
from collections.abc import Iterable, Sequence

from warehouse import codes, models


MOST_AT_ONCE = 100  # readings of a register: among more, nothing is said of why
_DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """
    A reading, whether it counts, and how far its register went on since the one before it.

    `because` is the reading that counts in its place, that took it back, or that it takes back.
    """

    reading: models.Reading
    standing: str
    advance: decimal.Decimal | None = None
    advance_since: datetime.datetime | None = None
    because: models.Reading | None = None

    @property
    def per_day(self) -> float | None:
        if self.advance is None or self.advance_since is None:
            return None
        return float(self.advance) / ((self.reading.read_at - self.advance_since) / _DAY)


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

    def quotable(self, now: datetime.datetime) -> Entry | None:
        """Return the latest reading that counts, is doubted by nobody and not in the future."""
        return next(
            (
                entry
                for entry in reversed(self.entries)
                if entry.standing == "current"
                and entry.reading.read_at <= now
                and not is_doubted(entry.reading)
            ),
            None,
        )

    @functools.cached_property
    def is_maximum_demand(self) -> bool:
        return is_maximum_demand(entry.reading for entry in self.entries)


def of_readings(identifier: str, readings: Sequence[models.Reading]) -> RegisterHistory:
    """Return what is to tell of a register; its readings come by `place_in_time`."""
    return RegisterHistory(identifier=identifier, entries=_with_advances(readings))


def place_in_time(
    reading: models.Reading,
) -> tuple[datetime.datetime, bool, datetime.datetime, int]:
    """
    Return what readings are sorted by: when they were read, then when they were stated.

    An initial one starts a register anew, after the final one of the same instant, whichever
    stands first in a file.
    """
    is_initial = reading.reading_type == codes.ReadingType.INITIAL
    return (reading.read_at, is_initial, reading.stated_at, reading.id)


def is_doubted(reading: models.Reading) -> bool:
    """Tell whether a reading failed validation, or is flagged and was not accepted after all."""
    if reading.validation_status == codes.ValidationStatus.FAILED:
        return True
    verdict = reading.reading_status or reading.reading_flag
    return verdict == codes.ReadingFlag.SUSPECT


def is_maximum_demand(readings: Iterable[models.Reading]) -> bool:
    return any(reading.md_reset_at is not None or reading.md_reset_count for reading in readings)


def _with_advances(readings: Sequence[models.Reading]) -> Sequence[Entry]:
    """
    Return the readings with their advances.

    An advance is measured between readings that count, from the last one that nobody doubted,
    which has to be of an earlier time.
    There is none at an initial reading, which starts a register anew, and none at all on a
    register of maximum demand, which does not add up.
    """
    entries = []
    is_adding_up = not is_maximum_demand(readings)
    base: models.Reading | None = None
    at_once: dict[datetime.datetime, list[models.Reading]] = {}
    if any(reading.standing != "current" for reading in readings):
        for reading in readings:
            at_once.setdefault(reading.read_at, []).append(reading)
    for reading in readings:
        if reading.standing != "current":
            others = at_once[reading.read_at]
            because = why(reading, others) if len(others) <= MOST_AT_ONCE else None
            entries.append(Entry(reading=reading, standing=reading.standing, because=because))
            continue
        if reading.reading_type == codes.ReadingType.INITIAL:
            base = None
        is_on = is_adding_up and base is not None and base.read_at < reading.read_at
        entries.append(
            Entry(
                reading=reading,
                standing=reading.standing,
                advance=reading.value - base.value if is_on and base else None,
                advance_since=base.read_at if is_on and base else None,
            )
        )
        if is_adding_up and not is_doubted(reading):
            base = reading
    return entries


def why(reading: models.Reading, others: Iterable[models.Reading]) -> models.Reading | None:
    """
    Return what made a reading stand as it does, among those of its register and time.

    Of one that is replaced or sent again it is the one that counts; of one that was taken back
    the row that did; of such a row the last one that it takes back.
    """

    def is_same(other: models.Reading) -> bool:
        return (other.value, other.validation_status) == (reading.value, reading.validation_status)

    def is_initial(row: models.Reading) -> bool:
        return row.reading_type == codes.ReadingType.INITIAL

    if reading.standing in {"superseded", "repeated"}:
        found = [
            row
            for row in others
            if row.standing == "current" and is_initial(row) == is_initial(reading)
        ]
        return found[0] if found else None
    if reading.standing == "withdrawn":
        found = [row for row in others if row.standing == "withdrawal" and is_same(row)]
        found = [row for row in found if row.stated_at >= reading.stated_at]
        return min(found, key=place_in_time, default=None)
    if reading.standing == "withdrawal":
        found = [row for row in others if row.standing == "withdrawn" and is_same(row)]
        found = [row for row in found if row.stated_at <= reading.stated_at]
        return max(found, key=place_in_time, default=None)
    return None
