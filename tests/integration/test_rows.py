from __future__ import annotations

from collections.abc import Collection

import pytest

from etl.postgres import rows
from warehouse import models


pytestmark = pytest.mark.django_db

MPANS = ("1200023305967", "1900001059816", "2000000000006")


def _found(named: Collection[str]) -> list[str]:
    found = models.MeterPoint.objects.filter(rows.among("mpan_core", named))
    return [*found.order_by("mpan_core").values_list("mpan_core", flat=True)]


class TestAmong:
    @pytest.fixture(autouse=True)
    def _some_meter_points(self) -> None:
        rows.insert(models.MeterPoint, [{"mpan_core": mpan, "line_id": 1} for mpan in MPANS])

    def test_finds_those_that_are_named(self) -> None:
        assert _found({MPANS[0], MPANS[2], "9" * 13}) == [MPANS[0], MPANS[2]]

    def test_finds_nothing_where_none_is_named(self) -> None:
        assert _found(()) == []

    def test_takes_more_than_a_statement_has_parameters(self) -> None:
        names = [*map("{:013}".format, range(70_000)), MPANS[1]]

        assert _found(names) == [MPANS[1]]

    @pytest.mark.parametrize(
        "value",
        ['A"B', "A\\B", "A\\", "A,B", "{A}", "NULL", "A'B", "A B", "Ä", "A%sB"],
        ids=[
            *("quotation mark", "backslash", "backslash at the end", "comma", "braces", "null"),
            *("apostrophe", "blank", "umlaut", "placeholder"),
        ],
    )
    def test_takes_each_value_as_it_is(self, value: str) -> None:
        meters = [
            {"id": number, "mpan_core": MPANS[0], "serial_key": key, "serial_number": key}
            for number, key in enumerate((value, "A", "B", "AB"))
        ]
        rows.insert(models.Meter, meters)

        found = models.Meter.objects.filter(rows.among("serial_key", [value, "C"]))

        assert [meter.serial_key for meter in found] == [value]
