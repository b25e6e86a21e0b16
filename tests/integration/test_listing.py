from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django import db
from django.test import utils

from tests import builder, conftest, depth
from warehouse import models
from warehouse.queries import history, listing


DAY = datetime.datetime(2024, 1, 15, tzinfo=datetime.timezone.utc)

EVERYTHING = builder.flow_file(
    builder.meter_point(
        builder.MPAN,
        builder.meter(
            "f75a 00802",
            builder.reading(value="100.0"),
            builder.reading(value="105.5", flag="F", below=builder.line("032|03|F|")),
            builder.reading("MD", md_reset_at="20240110120000", md_resets="3"),
            # In summer, and at the second of the two hours when clocks go back.
            builder.reading(read_at="20240715000000"),
            builder.reading(read_at="20231029013000"),
        ),
        builder.meter("F75A00802", builder.reading(value="100.0"), reading_type="W"),
    ),
    builder.meter_point(
        builder.OTHER_MPAN,
        builder.meter("B2", builder.reading(), builder.reading()),
        validation_status="F",
    ),
)


def _in_utc(row: listing.Listed) -> tuple[object, ...]:
    """Return a row with its times in UTC: Python holds an hour that comes twice for unequal."""
    return tuple(
        value.astimezone(datetime.timezone.utc) if isinstance(value, datetime.datetime) else value
        for value in row
    )


@pytest.mark.django_db(transaction=True)
class TestListed:
    def test_is_what_the_view_lists(self, run: conftest.Run, write: conftest.Write) -> None:
        run("load_d0010", write(EVERYTHING))
        run("load_d0010", conftest.SAMPLE)
        with db.connection.cursor() as cursor:
            cursor.execute("SELECT * FROM reading_listing")
            columns = tuple(column.name for column in cursor.description)
            viewed = cursor.fetchall()

        listed = [*listing.listed(listing.find())]

        assert columns == listing.Listed._fields
        assert sorted(map(_in_utc, listed)) == sorted(viewed)
        assert len(listed) == 8 + 13

    def test_is_in_the_order_that_is_asked_for(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(EVERYTHING))

        newest_first = listing.listed(models.Reading.objects.order_by("-read_at", "-id"))

        moments = [row.read_at for row in newest_first]
        assert moments == sorted(moments, reverse=True)

    def test_names_a_meter_that_is_missing_by_its_key(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(EVERYTHING))
        models.Meter.objects.filter(mpan_core=builder.MPAN).delete()

        listed = listing.listed(listing.find(mpan_core=builder.MPAN))

        assert {row.serial_number for row in listed} == {"F75A00802"}

    def test_asks_for_the_names_of_meters_and_files_a_chunk_at_a_time(
        self,
        run: conftest.Run,
        write: conftest.Write,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        run("load_d0010", write(EVERYTHING))
        run("load_d0010", conftest.SAMPLE)
        whole = [*listing.listed(listing.find())]
        monkeypatch.setattr(listing, "_ROWS_A_FETCH", 2)

        assert [*listing.listed(listing.find())] == whole


@pytest.mark.django_db
class TestFind:
    @pytest.mark.parametrize("arrival", [(1, 2, 3), (3, 2, 1), (2, 3, 1)], ids=str)
    def test_gives_an_order_that_no_arrival_changes(self, arrival: tuple[int, ...]) -> None:
        models.Reading.objects.bulk_create(
            models.Reading(
                id=file_id << 32 | 4,
                mpan_core=builder.MPAN,
                serial_key="A1",
                identifier="S",
                read_at=DAY,
                stated_at=DAY + datetime.timedelta(days=place),
                value=place,
            )
            for place, file_id in enumerate(arrival)
        )

        assert [row.value for row in listing.listed(listing.find())] == [0, 1, 2]

    @pytest.mark.parametrize(
        "typed",
        ["K75Am\u200b-00802", "k75am-00802", "K75AM-\xa000802", "K75\tAM-00802 ", "K75AM-00802"],
        ids=ascii,
    )
    def test_takes_a_serial_number_as_the_search_does(self, typed: str) -> None:
        models.Meter.objects.create(
            id=1, mpan_core=builder.MPAN, serial_key="K75AM-00802", serial_number="K75AM-\xa000802"
        )
        for serial_key in ("K75AM-00802", "K75AM-008020"):
            models.Reading.objects.create(
                id=len(serial_key),
                mpan_core=builder.MPAN,
                serial_key=serial_key,
                identifier="S",
                read_at=DAY,
                stated_at=DAY,
                value=1,
            )

        found = listing.find(serial_number=typed)

        assert [reading.serial_key for reading in found] == ["K75AM-00802"]


def _store_crowd(meters: int, *, meter_points: int = 0) -> None:
    """Store readings of one MPAN and time, each of a meter of its own; others beside them."""
    with db.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO meter (id, mpan_core, serial_key, serial_number)"
            " SELECT number, %s, number, number FROM generate_series(1, %s) AS number",
            [builder.MPAN, meters],
        )
        cursor.execute(
            "INSERT INTO reading (id, mpan_core, read_at, stated_at, serial_key, identifier,"
            " value, reading_type, validation_status, reading_flag, reading_method, reason_code,"
            " reading_status)"
            " SELECT number, CASE WHEN number <= %s THEN %s ELSE lpad(number::text, 13, '0') END,"
            " %s, %s, number, 'S', 1.0, 'R', 'V', 'T', 'N', '', ''"
            " FROM generate_series(1, %s) AS number",
            [meters, builder.MPAN, DAY, DAY, meters + meter_points],
        )
        cursor.execute("ANALYZE reading, meter")


def _rows_passed(plan: Mapping[str, Any]) -> Iterator[float]:
    removed = sum(plan[name] for name in plan if name.startswith("Rows Removed by"))
    yield plan["Actual Loops"] * (plan["Actual Rows"] + removed)
    for part in plan.get("Plans", ()):
        yield from _rows_passed(part)


@pytest.mark.django_db
class TestCost:
    def test_does_not_grow_with_readings_of_the_same_mpan_and_time(self) -> None:
        _store_crowd(300)

        with utils.CaptureQueriesContext(db.connection) as queries:
            assert len([*listing.listed(listing.find())]) == 300

        with db.connection.cursor() as cursor:
            passed = 0.0
            for query in queries.captured_queries:
                _, verb, rest = query["sql"].partition("SELECT ")
                if verb:
                    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {verb}{rest}")
                    ((explained,),) = cursor.fetchall()
                    passed += sum(_rows_passed(explained[0]["Plan"]))
        # Once as stored, and once for each of the windows and sorts.
        assert 300 < passed <= 20 * 300

    def test_is_of_the_meters_that_are_named(self) -> None:
        _store_crowd(300)

        found = history.serial_numbers([(builder.MPAN, "7"), (builder.MPAN, "none")])

        assert found == {(builder.MPAN, "7"): "7"}

    @pytest.mark.thorough
    def test_is_the_same_a_reading_where_a_crowd_shares_an_mpan_among_many(self) -> None:
        # With --times=10 it is 200,000 of 3,000,000.
        crowd = depth.rounds(quick=0, thorough=20_000)
        _store_crowd(crowd, meter_points=14 * crowd)

        def seconds_a_reading(mpan_core: str | None) -> float:
            started = time.perf_counter()
            count = sum(map(bool, listing.listed(listing.find(mpan_core=mpan_core))))
            assert count == (crowd if mpan_core else 15 * crowd)
            return (time.perf_counter() - started) / count

        # Others may take the machine for a while, so one try that fits is enough.
        assert any(
            seconds_a_reading(builder.MPAN) <= 3 * seconds_a_reading(None) for _ in range(3)
        )
