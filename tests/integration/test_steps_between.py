"""The steps of the transform between those that judge and those that store, each by itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django import db

from tests.integration import one_step
from tests.integration.one_step import line


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _judged_before() -> None:
    one_step.make_empty()


class TestIndexStep:
    @pytest.mark.parametrize(
        ("step", "table", "column", "sign"),
        [
            (
                "11_index_rejected_meter_points",
                "judged_meter_point",
                "line_id",
                "<>",
            ),
            ("21_index_rejected_meters", "judged_meter", "line_id", "<>"),
            ("31_index_rejected_readings", "judged_reading", "line_id", "<>"),
            ("41_index_results", "judged_result", "parent_id", "="),
        ],
    )
    def test_has_lines_looked_up(self, step: str, table: str, column: str, sign: str) -> None:
        one_step.run(step)

        ((index,),) = one_step.query(
            "SELECT indexdef FROM pg_indexes WHERE tablename = %s", [table]
        )
        assert index.endswith(
            f"{table} USING btree (mpan_core, {column}) WHERE (rejections {sign} ''::text)"
        )

    def test_holds_results_to_one_that_counts_under_a_reading(self) -> None:
        one_step.run("41_index_results")
        one_step.put("judged_result", line(2), parent_id=1)
        one_step.put("judged_result", line(3), parent_id=1, rejections="repeated-group")

        with pytest.raises(db.IntegrityError):
            one_step.put("judged_result", line(4), parent_id=1)


class TestAnalyzingStep:
    @pytest.mark.parametrize(
        ("step", "table", "columns"),
        [
            ("23_analyze_meters", "judged_meter", {"rejections", "is_known"}),
            ("33_analyze_readings", "judged_reading", {"rejections", "is_known", "reading_flag"}),
            ("42_analyze_results", "judged_result", {"rejections", "mpan_core", "parent_id"}),
        ],
    )
    def test_tells_the_planner_of_what_is_asked(
        self, step: str, table: str, columns: set[str]
    ) -> None:
        for column in columns - {"rejections", "mpan_core"}:
            type_of = {"is_known": True, "reading_flag": "F", "parent_id": 1}
            one_step.put(table, line(2), **{column: type_of[column]})

        one_step.run(step)

        rows = one_step.query("SELECT attname FROM pg_stats WHERE tablename = %s", [table])
        assert {name for (name,) in rows} == columns


class TestRejectedLines:
    @pytest.mark.parametrize(
        ("step", "table"),
        [
            ("12_look_for_rejected_meter_points", "judged_meter_point"),
            ("24_look_for_rejected_meters", "judged_meter"),
        ],
    )
    @pytest.mark.parametrize(
        ("rejections", "expected"),
        [
            pytest.param([], False, id="none"),
            pytest.param([""], False, id="sound ones"),
            pytest.param(["", "extra-field"], True, id="one of two"),
        ],
    )
    def test_are_looked_for(
        self, step: str, table: str, rejections: Sequence[str], *, expected: bool
    ) -> None:
        for number, codes in enumerate(rejections):
            one_step.put(table, line(number), rejections=codes)

        assert one_step.run(step) == [(expected,)]

    @pytest.mark.parametrize(
        ("step", "above", "below"),
        [
            (
                "22_reject_meters_under_rejected_meter_points",
                "judged_meter_point",
                "judged_meter",
            ),
            ("32_reject_readings_under_rejected_meters", "judged_meter", "judged_reading"),
        ],
    )
    def test_take_those_below_with_them(self, step: str, above: str, below: str) -> None:
        one_step.put(above, line(1), rejections="extra-field")
        one_step.put(above, line(2))
        one_step.put(below, line(11), parent_id=line(1))
        one_step.put(below, line(12), parent_id=line(1), rejections="unterminated-line")
        one_step.put(below, line(13), parent_id=line(2))
        one_step.put(below, line(14), parent_id=line(3), rejections="unterminated-line")

        one_step.run(step)

        assert one_step.found(below, "line_id & 255", "rejections") == [
            (11, "parent-rejected"),
            (12, "parent-rejected unterminated-line"),
            (13, ""),
            (14, "unterminated-line"),
        ]


class TestSuspectReadings:
    def test_should_have_a_result(self) -> None:
        one_step.put("judged_reading", line(1), reading_flag="T")
        for number in (2, 3, 4):
            one_step.put("judged_reading", line(number), reading_flag="F", payload=str(number))
        one_step.put("judged_reading", line(5), reading_flag="F", warnings="future-date/J0016")
        one_step.put("judged_result", line(11), parent_id=line(3))
        one_step.put("judged_result", line(12), parent_id=line(4), rejections="too-long/J0332")

        one_step.run("43_judge_suspect_readings")

        assert one_step.found("judged_reading", "line_id & 255", "warnings") == [
            (1, ""),
            (2, "missing-result/J0045"),
            (3, ""),
            (4, "missing-result/J0045"),
            (5, "future-date/J0016 missing-result/J0045"),
        ]
