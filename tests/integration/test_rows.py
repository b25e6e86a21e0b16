from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import pytest
from django import db

from etl.postgres import rows
from warehouse import codes, models


class _Named(NamedTuple):
    file_name: str
    line_count: int


pytestmark = pytest.mark.django_db

MPANS = ("1200023305967", "1900001059816", "2000000000006")


def _found(named: Collection[str]) -> list[str]:
    found = models.MeterPoint.objects.filter(rows.among("mpan_core", named))
    return [*found.order_by("mpan_core").values_list("mpan_core", flat=True)]


def _flow_file(sha256: str, **more: Any) -> dict[str, Any]:
    return {
        "sha256": sha256 * 64,
        "file_name": f"{sha256}.uff",
        "file_identifier": sha256,
        "status": codes.FlowFileStatus.LOADED,
        "size": 1,
        "encoding": "utf-8",
        **more,
    }


class TestInsert:
    def test_gives_other_fields_their_defaults_and_ids_in_order(self) -> None:
        rows.insert(
            models.FlowFile, [_flow_file("b", line_count=3), _flow_file("a", line_count=4)]
        )

        first, second = models.FlowFile.objects.order_by("id")
        assert (first.sha256[0], first.line_count) == ("b", 3)
        assert (second.sha256[0], second.line_count) == ("a", 4)
        assert (first.reading_count, first.reason, first.purged_at) == (0, "", None)
        assert first.is_strict is False

    def test_takes_ids_that_were_drawn_before(self) -> None:
        ids = rows.new_ids(models.FlowFile, 3)
        assert [*ids] == sorted({*ids})

        rows.insert(models.FlowFile, [_flow_file("b", id=ids[2]), _flow_file("a", id=ids[0])])
        rows.insert(models.FlowFile, [_flow_file("c")])

        stored = models.FlowFile.objects.order_by("id")
        assert [one.sha256[0] for one in stored] == ["a", "b", "c"]
        assert [one.pk for one in stored][:2] == [ids[0], ids[2]]

    def test_tells_what_the_server_refuses_in_the_words_of_django(self) -> None:
        with pytest.raises(db.IntegrityError, match="flow_file_content_is_known_once"):
            rows.insert(models.FlowFile, [_flow_file("a"), _flow_file("a")])


class TestSelect:
    def test_returns_the_fields_that_the_tuple_names(self) -> None:
        rows.insert(models.FlowFile, [_flow_file("b", line_count=3), _flow_file("a")])

        found = rows.select(_Named, models.FlowFile.objects.order_by("id"))

        assert found == [_Named(file_name="b.uff", line_count=3), _Named("a.uff", 0)]


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
