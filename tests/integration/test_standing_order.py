"""The order in which files come: a reading's worth goes by when its file was made."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Iterable, Mapping, Sequence

import hypothesis
import pytest
from hypothesis import strategies as hypothesis_strategies

from tests import builder, depth
from warehouse import models
from warehouse.queries import standings


DAY = datetime.datetime(2024, 1, 15, tzinfo=datetime.timezone.utc)


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


@pytest.mark.django_db
class TestAnyOrder:
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
