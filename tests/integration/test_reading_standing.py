from __future__ import annotations

import pytest
from django import db
from django.db import transaction

from tests import builder, conftest
from warehouse import models
from warehouse.queries import history


def standings() -> list[tuple[str, str, str]]:
    """Return (value, type, standing) in the order of arrival."""
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT reading.value::text, reading.reading_type, reading_standing.standing"
            " FROM reading_standing INNER JOIN reading ON reading_id = reading.id"
            " ORDER BY reading.id"
        )
        return list(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
class TestReadingStanding:
    @pytest.mark.parametrize(
        ("arrivals", "expected"),
        [
            pytest.param(["100 R V"], ["current"], id="one reading counts"),
            pytest.param(["100 R V", "100 R V"], ["current", "repeated"], id="the same again"),
            pytest.param(
                ["100 R V", "105 R V"], ["superseded", "current"], id="another value later"
            ),
            pytest.param(
                ["100 R V", "105 R V", "100 R V"],
                ["superseded", "current", "superseded"],
                id="an old value sent again",
            ),
            pytest.param(["100 R U", "100 R V"], ["superseded", "current"], id="validated later"),
            pytest.param(["100 R V", "100 R F"], ["current", "superseded"], id="validated before"),
            pytest.param(["100 R U", "100 R F"], ["superseded", "current"], id="failed later"),
            pytest.param(
                ["100 R V", "100 W V"], ["withdrawn", "withdrawal"], id="withdrawn later"
            ),
            pytest.param(
                ["100 W V", "100 R V"], ["withdrawal", "withdrawn"], id="withdrawn before"
            ),
            pytest.param(
                ["100 R V", "101 W V"], ["current", "withdrawal"], id="another value withdrawn"
            ),
            pytest.param(
                ["100 R U", "100 W V"], ["current", "withdrawal"], id="another status withdrawn"
            ),
            pytest.param(
                ["100 R V", "105 R V", "105 W V"],
                ["current", "withdrawn", "withdrawal"],
                id="a withdrawn reading supersedes nothing",
            ),
            pytest.param(
                ["100 R V", "105 R F"], ["current", "superseded"], id="another value that failed"
            ),
            pytest.param(
                ["100 R V", "105 R U"],
                ["current", "superseded"],
                id="another value not validated",
            ),
            pytest.param(
                ["100 R F", "105 R U"],
                ["superseded", "current"],
                id="another value where none is validated",
            ),
            pytest.param(
                ["100 R F", "105 R V"], ["superseded", "current"], id="another value validated"
            ),
            pytest.param(
                ["100 R U", "105 R F", "100 R V"],
                ["superseded", "superseded", "current"],
                id="validated after another value",
            ),
            pytest.param(
                ["100 R V", "105 R F", "105 R F"],
                ["current", "superseded", "superseded"],
                id="a value that failed sent again",
            ),
            pytest.param(
                ["100 R V", "105 R V", "100 C V"],
                ["superseded", "current", "superseded"],
                id="an old value sent again with another type",
            ),
            pytest.param(
                ["100 R U", "105 R V", "100 R V"],
                ["superseded", "superseded", "current"],
                id="an old value validated later",
            ),
            pytest.param(
                ["105 R V", "105 W V", "100 R F"],
                ["withdrawn", "withdrawal", "current"],
                id="one that failed where the validated one is withdrawn",
            ),
            pytest.param(["100 F V", "0 I V"], ["current", "current"], id="final and initial"),
            pytest.param(["0 I V", "100 F V"], ["current", "current"], id="initial and final"),
            pytest.param(
                ["5 I V", "7 I F"], ["current", "superseded"], id="an initial one that failed"
            ),
            pytest.param(
                ["100 C V", "100 R V"], ["superseded", "current"], id="two types, one value"
            ),
            pytest.param(
                ["100 C V", "100 R V", "100 C V", "100 R V"],
                ["superseded", "current", "superseded", "repeated"],
                id="two types, one value, sent again",
            ),
            pytest.param(
                ["100 R V", "100 C U"],
                ["current", "superseded"],
                id="two types, one value, the other not validated",
            ),
        ],
    )
    @pytest.mark.parametrize("in_one_file", [True, False], ids=["one file", "many files"])
    def test_tells_which_reading_of_a_register_and_time_counts(
        self,
        run: conftest.Run,
        write: conftest.Write,
        arrivals: list[str],
        expected: list[str],
        in_one_file: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        parts = [
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(value=value), reading_type=reading_type),
                validation_status=status,
            )
            for value, reading_type, status in map(str.split, arrivals)
        ]
        contents = (
            [builder.flow_file(*parts)]
            if in_one_file
            else [
                builder.flow_file(part, file_id=str(number)) for number, part in enumerate(parts)
            ]
        )
        for number, content in enumerate(contents):
            run("load_d0010", write(content, f"{number}.uff"))

        found = standings()

        assert [standing for _, _, standing in found] == expected

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

        assert {standing for _, _, standing in standings()} == {"current"}

    def test_is_told_by_the_earlier_rules_after_going_back(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        part = builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading(value="100")))
        failed = builder.meter_point(
            builder.MPAN, builder.meter("A1", builder.reading(value="105")), validation_status="F"
        )
        run("load_d0010", write(builder.flow_file(part, failed)))

        run("migrate", "warehouse", "0003")
        try:
            earlier = [standing for _, _, standing in standings()]
        finally:
            run("migrate")

        assert earlier == ["superseded", "current"]
        assert [standing for _, _, standing in standings()] == ["current", "superseded"]

    def test_is_told_of_the_readings_asked_for_only(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(_two_days()))
        first, second = models.Reading.objects.order_by("id")[1:3]

        assert history.standings([first, second]) == {
            first.pk: "current",
            second.pk: "superseded",
        }
        assert history.standings([]) == {}

    def test_reads_nothing_but_their_meter_points_and_times(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(_two_days()))

        with transaction.atomic(), db.connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(
                "EXPLAIN SELECT standing FROM reading_standing"
                " WHERE mpan_core = ANY(%s::text[]) AND read_at = ANY(ARRAY[now(), now()])",
                [[builder.MPAN, builder.OTHER_MPAN]],
            )
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert "reading_of_meter_point" in plan
        condition = plan.partition("Index Cond:")[2].partition("\n")[0]
        assert "mpan_core" in condition
        assert "read_at" in condition


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
        )
    )
