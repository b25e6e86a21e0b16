from __future__ import annotations

import datetime
import decimal
import time

import pytest

from warehouse import models
from warehouse.queries import register_history


NOON = datetime.datetime(2024, 2, 1, 12, tzinfo=datetime.timezone.utc)


def readings(count: int) -> list[models.Reading]:
    """Return readings of one register and time that were taken back, and the rows that did."""
    made = []
    for number in range(count):
        reading = models.Reading(
            id=number, read_at=NOON, stated_at=NOON, value=decimal.Decimal(1), reading_type="R"
        )
        reading.standing = "withdrawn" if number % 2 else "withdrawal"
        made.append(reading)
    return made


class TestWhy:
    @pytest.mark.parametrize(("count", "is_told"), [(2, True), (100, True), (101, False)])
    def test_is_told_among_a_hundred_readings_at_once(self, count: int, is_told: bool) -> None:  # noqa: FBT001
        entries = register_history.of_readings("S", readings(count)).entries

        assert {entry.because is not None for entry in entries} == {is_told}

    def test_takes_no_longer_a_reading_where_thousands_are_at_once(self) -> None:
        started = time.process_time()

        register_history.of_readings("S", readings(5_000))

        assert time.process_time() - started < 1
