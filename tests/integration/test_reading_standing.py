from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

import pytest
from django import db
from django.db import transaction

from tests import builder, conftest
from warehouse import models
from warehouse.queries import standings


def _told() -> Mapping[str, list[str]]:
    """Return the standings by the key of the meter, in the order of arrival."""
    told: dict[str, list[str]] = {}
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT serial_key, standing FROM reading_standing ORDER BY id")
        for serial_key, standing in cursor.fetchall():
            told.setdefault(serial_key, []).append(standing)
    return told


# What arrives in turn, as value, type and status, and what each is worth in the end.
ARRIVALS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "one reading counts": (["100 R V"], ["current"]),
    "the same again": (["100 R V", "100 R V"], ["current", "repeated"]),
    "another value later": (["100 R V", "105 R V"], ["superseded", "current"]),
    "an old value sent again": (
        ["100 R V", "105 R V", "100 R V"],
        ["current", "superseded", "repeated"],
    ),
    "validated later": (["100 R U", "100 R V"], ["superseded", "current"]),
    "validated before": (["100 R V", "100 R F"], ["current", "superseded"]),
    "failed later": (["100 R U", "100 R F"], ["superseded", "current"]),
    "withdrawn later": (["100 R V", "100 W V"], ["withdrawn", "withdrawal"]),
    "withdrawn before": (["100 W V", "100 R V"], ["withdrawal", "withdrawn"]),
    "another value withdrawn": (["100 R V", "101 W V"], ["current", "withdrawal"]),
    "another status withdrawn": (["100 R U", "100 W V"], ["current", "withdrawal"]),
    "a withdrawn reading supersedes nothing": (
        ["100 R V", "105 R V", "105 W V"],
        ["current", "withdrawn", "withdrawal"],
    ),
    "another value that failed": (["100 R V", "105 R F"], ["current", "superseded"]),
    "another value not validated": (["100 R V", "105 R U"], ["current", "superseded"]),
    "another value where none is validated": (["100 R F", "105 R U"], ["superseded", "current"]),
    "another value validated": (["100 R F", "105 R V"], ["superseded", "current"]),
    "validated after another value": (
        ["100 R U", "105 R F", "100 R V"],
        ["superseded", "superseded", "current"],
    ),
    "a value that failed sent again": (
        ["100 R V", "105 R F", "105 R F"],
        ["current", "superseded", "superseded"],
    ),
    "an old value sent again with another type": (
        ["100 R V", "105 R V", "100 C V"],
        ["superseded", "superseded", "current"],
    ),
    "an old value validated later": (
        ["100 R U", "105 R V", "100 R V"],
        ["superseded", "superseded", "current"],
    ),
    "one that failed where the validated one is withdrawn": (
        ["105 R V", "105 W V", "100 R F"],
        ["withdrawn", "withdrawal", "current"],
    ),
    "final and initial": (["100 F V", "0 I V"], ["current", "current"]),
    "initial and final": (["0 I V", "100 F V"], ["current", "current"]),
    "an initial one that failed": (["5 I V", "7 I F"], ["current", "superseded"]),
    "two types, one value": (["100 C V", "100 R V"], ["superseded", "current"]),
    "two types, one value, sent again": (
        ["100 C V", "100 R V", "100 C V", "100 R V"],
        ["superseded", "current", "superseded", "repeated"],
    ),
    "two types, one value, the other not validated": (
        ["100 R V", "100 C U"],
        ["current", "superseded"],
    ),
}


@pytest.mark.django_db(transaction=True)
class TestReadingStanding:
    @pytest.mark.parametrize("in_one_file", [True, False], ids=["one file", "many files"])
    def test_tells_which_reading_of_a_register_and_time_counts(
        self,
        run: conftest.Run,
        write: conftest.Write,
        in_one_file: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        # Each case has a meter of its own; of files the first has what arrives first, and so on.
        parts: dict[int, list[builder.Lines]] = {}
        for meter, (arrivals, _) in enumerate(ARRIVALS.values()):
            for place, (value, kind, status) in enumerate(map(str.split, arrivals)):
                one = builder.meter(f"M{meter}", builder.reading(value=value), reading_type=kind)
                parts.setdefault(0 if in_one_file else place, []).append(
                    builder.meter_point(builder.MPAN, one, validation_status=status)
                )

        for number, of_file in parts.items():
            content = builder.flow_file(*of_file, file_id=str(number))
            assert run("load_d0010", write(content, f"{number}.uff")).code == 0

        told = _told()
        assert {name: told[f"M{meter}"] for meter, name in enumerate(ARRIVALS)} == {
            name: expected for name, (_, expected) in ARRIVALS.items()
        }

    def test_compares_readings_of_one_register_and_time_only(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter(
                    "A1",
                    builder.reading("01", value="1.0"),
                    builder.reading("02", value="2.0"),
                    builder.reading("01", value="3.0", read_at="20240116000000"),
                ),
                builder.meter("B2", builder.reading("01", value="4.0")),
            ),
            builder.meter_point(
                builder.OTHER_MPAN, builder.meter("A1", builder.reading("01", value="5.0"))
            ),
        )

        run("load_d0010", write(content))

        assert {*itertools.chain(*_told().values())} == {"current"}


@pytest.mark.django_db(transaction=True)
class TestStanding:
    def test_is_that_of_the_view_for_each_reading_of_a_query(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(_two_days()))
        with db.connection.cursor() as cursor:
            cursor.execute("SELECT id, standing FROM reading_standing")
            by_view = dict(cursor.fetchall())

        by_query = dict(models.Reading.objects.values_list("id", standings.STANDING))
        readings = list(models.Reading.objects.all())
        standings.tell(readings)

        assert by_query == by_view
        assert {reading.pk: reading.standing for reading in readings} == by_view
        assert sorted(by_view.values()) == ["current"] * 3 + ["superseded"] * 2 + ["withdrawal"]

    @pytest.mark.parametrize(
        "condition",
        ["mpan_core = '1200023305967'", "id >> 10 BETWEEN 0 AND 1000000000000"],
        ids=["of a meter point", "of a file"],
    )
    def test_reads_nothing_but_their_meter_points_and_times(
        self, run: conftest.Run, write: conftest.Write, condition: str
    ) -> None:
        run("load_d0010", write(_two_days()))
        statement = str(models.Reading.objects.values_list(standings.STANDING).query)

        with transaction.atomic(), db.connection.cursor() as cursor:
            # In a table of a few rows the planner might as well read it as a whole, or by bitmap.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {statement} WHERE {condition}")
            plan = "\n".join(line for (line,) in cursor.fetchall())

        conditions = re.findall(r"Index Scan using reading_pkey.*\n +Index Cond: (.*)", plan)
        within = [found for found in conditions if "read_at = reading" in found]
        assert len(within) == 2  # whether there is another, and the view
        assert all("mpan_core)::text = (reading" in found for found in within)
        assert "Seq Scan" not in plan


def _two_days() -> bytes:
    return builder.flow_file(
        *(
            builder.meter_point(
                builder.MPAN,
                builder.meter(
                    "A1",
                    builder.reading(value="100.0", read_at=f"202401{day}000000"),
                    builder.reading(value="105.0", read_at=f"202401{day}000000"),
                ),
            )
            for day in ("15", "16")
        ),
        builder.meter_point(
            builder.MPAN,
            builder.meter("A1", builder.reading(value="1.0", read_at="20240117000000")),
            builder.meter(
                "A1", builder.reading(value="1.0", read_at="20240118000000"), reading_type="W"
            ),
        ),
    )
