"""Keeps what the SQL says of groups and items where the grammar says it: in the files of flows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sql
from etl.domain import flows, grammar
from tests.unit import sql_texts


KINDS = {
    "10_judge_meter_points": "meter_point",
    "20_judge_meters": "meter",
    "30_judge_readings": "reading",
    "40_judge_results": "result",
    "50_judge_other_lines": "visit_at_reading",
}
STEPS = [pytest.param(name, flows.GROUPS[kind], id=name) for name, kind in KINDS.items()]
OF_GRAMMAR = {"missing-item", "too-long", "bad-mpan", "bad-date", "bad-number", "unknown-code"}


def step(name: str) -> sql_texts.Parsed:
    return sql_texts.Parsed(sql.statement("transform", name))


def expected_codes(item: grammar.Item) -> Iterator[str]:
    by_format = {"DATETIME": "bad-date", "BOOLEAN": "too-long", "NUM(13)": "bad-mpan"}
    if item.is_mandatory:
        yield "missing-item"
    if item.valid_set:
        yield "unknown-code"
    yield by_format.get(item.format) or ("too-long" if item.format[0] == "C" else "bad-number")


class TestStep:
    @pytest.mark.parametrize(("name", "group"), STEPS)
    def test_finds_what_the_grammar_forbids_and_no_more(
        self, name: str, group: grammar.Group
    ) -> None:
        found = {case.outcome for case in step(name).cases}

        assert {each for each in found if each.partition("/")[0] in OF_GRAMMAR} == {
            f"{code}/{item.number}" for item in group.items for code in expected_codes(item)
        }
        assert ("repeated-group" in found) == group.is_single

    @pytest.mark.parametrize(("name", "group"), STEPS)
    def test_asks_the_grammar_of_the_item_that_it_finds_wrong(
        self, name: str, group: grammar.Group
    ) -> None:
        items = {item.number: item for item in group.items}
        for case in step(name).cases:
            code, _, number = case.outcome.partition("/")
            if code not in OF_GRAMMAR:
                continue
            asked = {text for text in case.condition if text[-5:] in items}
            assert all(text.endswith(f"_{number}") for text in asked)
            assert (f"longest_{number}" in asked) or code != "too-long"
            assert (f"codes_{number}" in asked) or code != "unknown-code"
            is_of_version = code == "missing-item" and bool(items[number].since)
            assert (f"ids_without_{number}" in asked) == is_of_version

    @pytest.mark.parametrize(("name", "group"), STEPS)
    def test_cuts_a_line_where_the_grammar_says(self, name: str, group: grammar.Group) -> None:
        calls = step(name).calls
        cut = [call.arguments for call in calls if call.name == "split_part"]
        ends = [call.arguments for call in calls if call.name == "d0010_line_end"]

        fields = [arguments[1] for arguments in cut if arguments[0] == "|"]
        assert fields == [f"field_{item.number}" for item in group.items]
        assert [arguments[0] for arguments in ends] == [f"items_of_{group.kind}"]


class TestReconcile:
    @pytest.mark.parametrize("name", ["30_compare_readings", "31_compare_results"])
    def test_finds_an_item_at_the_place_that_the_grammar_gives_it(self, name: str) -> None:
        numbers = {
            call.column.removesuffix("_text"): call.arguments[1].removeprefix("field_")
            for step_name in KINDS
            for call in step(step_name).calls
            if call.name == "split_part" and call.arguments[0] == "|"
        }
        places = flows.parameters({})

        found = {
            numbers[call.column.removesuffix("_text")]: int(call.arguments[1])
            for call in sql_texts.Parsed(sql.statement("reconcile", name)).calls
            if call.name == "split_part" and call.arguments[0] == "|"
        }
        assert found
        assert found == {number: places[f"field_{number}"] for number in found}

    def test_finds_what_a_visit_says_where_the_grammar_says(self) -> None:
        found = {
            call.column: int(call.arguments[1])
            for call in sql_texts.Parsed(
                sql.statement("reconcile", "40_compare_other_lines")
            ).calls
            if call.name == "split_part" and call.arguments[0] == "|"
        }

        places = flows.parameters({})
        assert found == {"first_item": places["field_J0024"], "second_item": places["field_J0012"]}
