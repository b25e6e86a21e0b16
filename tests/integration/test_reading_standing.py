from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

import hypothesis
import pytest
from django import db
from django.db import transaction
from hypothesis import strategies as hypothesis_strategies

from tests import builder, conftest, depth
from warehouse import models
from warehouse.queries import standings


DAY = datetime.datetime(2024, 1, 15, tzinfo=datetime.timezone.utc)


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


@dataclasses.dataclass(frozen=True)
class Statement:
    """What a line of a file states: it was made on this day, and says so much of one register."""

    made_on: int
    value: int
    reading_type: str
    status: str
    file: int = 0  # tells files of one day apart
    line: int = 4


def _statements(*texts: str) -> list[Statement]:
    """Return statements from `day value type status`, each in a file of its day."""
    return [
        Statement(int(day), int(value), reading_type, status, line=4 + place)
        for place, (day, value, reading_type, status) in enumerate(map(str.split, texts))
    ]


def _arrive(arrivals: Sequence[Sequence[Statement]]) -> Mapping[Statement, str]:
    """Store the statements of files that arrive in this order; return the standing of each."""
    models.Reading.objects.all().delete()
    ids = {
        statement: file_id << 32 | statement.line
        for file_id, statements in enumerate(arrivals, start=1)
        for statement in statements
    }
    models.Reading.objects.bulk_create(
        models.Reading(
            id=line_id,
            mpan_core=builder.MPAN,
            serial_key="A1",
            identifier="S",
            read_at=DAY,
            stated_at=DAY + datetime.timedelta(days=statement.made_on),
            value=statement.value,
            reading_type=statement.reading_type,
            validation_status=statement.status,
        )
        for statement, line_id in ids.items()
    )
    readings = models.Reading.objects.filter(mpan_core=builder.MPAN)
    told = dict(readings.values_list("id", standings.STANDING))
    return {statement: told[line_id] for statement, line_id in ids.items()}


def _files(statements: Iterable[Statement]) -> list[list[Statement]]:
    """Return the statements by the file they stand in."""
    files: dict[tuple[int, int], list[Statement]] = {}
    for statement in statements:
        files.setdefault((statement.made_on, statement.file), []).append(statement)
    return list(files.values())


def _as_the_rule_says(arrivals: Sequence[Sequence[Statement]]) -> Mapping[Statement, str]:
    """Tell the standings by the words of the rule, statement by statement."""
    when = {
        statement: (statement.made_on, place, statement.line)
        for place, statements in enumerate(arrivals)
        for statement in statements
    }
    withdrawals = [statement for statement in when if statement.reading_type == "W"]
    told = dict.fromkeys(withdrawals, "withdrawal")
    for statement in when.keys() - told.keys():
        if any(
            (taken_back.value, taken_back.status) == (statement.value, statement.status)
            and taken_back.made_on >= statement.made_on
            for taken_back in withdrawals
        ):
            told[statement] = "withdrawn"
    left = when.keys() - told.keys()
    for is_initial in (True, False):
        compared = [one for one in left if (one.reading_type == "I") == is_initial]
        validated = [one for one in compared if one.status == "V"]
        if not compared:
            continue
        last_word = max(validated or compared, key=when.__getitem__)
        same = [one for one in compared if _said(one) == _said(last_word)]
        for one in compared:
            told[one] = "repeated" if one in same else "superseded"
        told[min(same, key=when.__getitem__)] = "current"
    return told


def _said(statement: Statement) -> tuple[int, str, str]:
    return statement.value, statement.reading_type, statement.status


@pytest.mark.django_db
class TestOrder:
    @pytest.mark.parametrize(
        ("statements", "expected"),
        depth.some(
            [
                pytest.param(
                    ["1 100 R V", "2 105 R V"], ["superseded", "current"], id="made later counts"
                ),
                pytest.param(
                    ["1 100 R V", "2 100 W V"], ["withdrawn", "withdrawal"], id="withdrawn later"
                ),
                pytest.param(
                    ["1 100 W V", "2 100 R V"],
                    ["withdrawal", "current"],
                    id="stated after the withdrawal",
                ),
                pytest.param(
                    ["1 100 R V", "2 100 W V", "3 100 R V"],
                    ["withdrawn", "withdrawal", "current"],
                    id="withdrawn, then stated again",
                ),
                pytest.param(
                    ["1 100 R V", "2 100 W V", "3 100 R V", "4 100 R V"],
                    ["withdrawn", "withdrawal", "current", "repeated"],
                    id="withdrawn, then stated again twice",
                ),
                pytest.param(
                    ["1 100 R V", "2 100 W V", "3 100 R V", "4 100 W V"],
                    ["withdrawn", "withdrawal", "withdrawn", "withdrawal"],
                    id="withdrawn twice",
                ),
                pytest.param(
                    ["1 100 R V", "2 105 R V", "3 105 W V"],
                    ["current", "withdrawn", "withdrawal"],
                    id="a correction that is withdrawn",
                ),
                pytest.param(
                    ["1 100 W V", "2 100 R V", "3 105 R V"],
                    ["withdrawal", "superseded", "current"],
                    id="a withdrawal in the oldest file",
                ),
                pytest.param(
                    ["1 100 R V", "1 100 W V", "2 100 C V"],
                    ["withdrawn", "withdrawal", "current"],
                    id="withdrawn in its own file",
                ),
                pytest.param(
                    ["1 100 W V", "1 100 R V"],
                    ["withdrawal", "withdrawn"],
                    id="withdrawn in its own file, above it",
                ),
                pytest.param(
                    ["1 100 R V", "2 105 R V", "3 100 R V"],
                    ["current", "superseded", "repeated"],
                    id="back to the first value",
                ),
                pytest.param(
                    ["1 100 R V", "2 100 C V", "3 100 R V"],
                    ["current", "superseded", "repeated"],
                    id="back to the first type",
                ),
                pytest.param(
                    ["1 100 R V", "2 105 R U", "3 107 R F"],
                    ["current", "superseded", "superseded"],
                    id="validated before others, however late those are",
                ),
                pytest.param(
                    ["1 100 R U", "2 105 R F"],
                    ["superseded", "current"],
                    id="the last of those that nobody validated",
                ),
                pytest.param(
                    ["1 100 R V", "2 100 W V", "3 105 R F"],
                    ["withdrawn", "withdrawal", "current"],
                    id="one that failed where the validated one is withdrawn",
                ),
                pytest.param(
                    ["1 100 F V", "2 0 I V", "3 5 I V", "4 101 F V"],
                    ["superseded", "superseded", "current", "current"],
                    id="initial ones apart",
                ),
                pytest.param(
                    ["1 100 I V", "2 100 W V"],
                    ["withdrawn", "withdrawal"],
                    id="an initial one is withdrawn as any",
                ),
                pytest.param(
                    ["1 100 R V", "2 100 W U", "3 101 W V"],
                    ["current", "withdrawal", "withdrawal"],
                    id="another status, another value",
                ),
            ],
            one_of=2,
        ),
    )
    def test_of_arrival_changes_no_standing(
        self, statements: list[str], expected: list[str]
    ) -> None:
        stated = _statements(*statements)

        for arrivals in itertools.permutations(_files(stated)):
            told = _arrive(arrivals)

            assert [told[statement] for statement in stated] == expected

    @pytest.mark.parametrize(
        ("first", "second", "expected"),
        [
            ("1 100 R V", "1 105 R V", ["superseded", "current"]),
            ("1 100 R V", "1 100 R V", ["current", "repeated"]),
            ("1 100 R F", "1 105 R V", ["superseded", "current"]),
            ("1 100 R V", "1 105 R F", ["current", "superseded"]),
            ("1 100 R V", "1 100 W V", ["withdrawn", "withdrawal"]),
            ("1 100 W V", "1 100 R V", ["withdrawal", "withdrawn"]),
        ],
    )
    def test_of_arrival_tells_between_files_of_one_second(
        self, first: str, second: str, expected: list[str]
    ) -> None:
        earlier, later = _statements(first, second)

        told = _arrive([[earlier], [dataclasses.replace(later, file=1)]])

        assert list(told.values()) == expected

    def test_of_lines_tells_within_a_file(self) -> None:
        above, below = _statements("1 100 R V", "1 105 R V")

        assert _arrive([[below, above]]) == {above: "superseded", below: "current"}

    def test_is_that_of_the_rule_for_any_files(self) -> None:
        @hypothesis.given(data=hypothesis_strategies.data())
        @hypothesis.settings(
            max_examples=depth.size(quick=60, thorough=400),
            derandomize=True,
            deadline=None,
            database=None,
        )
        def hold(data: hypothesis_strategies.DataObject) -> None:
            stated = data.draw(_STATEMENTS)
            files = _files(stated)
            arrivals = data.draw(hypothesis_strategies.permutations(files))
            others = data.draw(hypothesis_strategies.permutations(files))

            told = _arrive(arrivals)

            assert told == _as_the_rule_says(arrivals)
            if len({statement.made_on for statement in stated}) == len(files):
                assert _arrive(others) == told

        hold()


_STATEMENTS = hypothesis_strategies.lists(
    hypothesis_strategies.builds(
        Statement,
        made_on=hypothesis_strategies.integers(1, 4),
        value=hypothesis_strategies.sampled_from([100, 105]),
        reading_type=hypothesis_strategies.sampled_from("RCIWW"),
        status=hypothesis_strategies.sampled_from("VVU"),
        file=hypothesis_strategies.sampled_from([0, 0, 0, 1]),
        line=hypothesis_strategies.integers(4, 9),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda statement: (statement.made_on, statement.file, statement.line),
)


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
