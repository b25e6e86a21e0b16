"""Each step of the transform that takes up what was judged, by itself, over a few judged lines."""

from __future__ import annotations

import decimal
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from etl.domain import findings
from tests import builder
from tests.integration import one_step
from tests.integration.one_step import FILE, LINES, NOON, REFUSED, line
from warehouse import models


pytestmark = pytest.mark.django_db

Places = Mapping[int, Mapping[str, Any]]
KEY = {"serial_key": "A1", "identifier": "S"}


@pytest.fixture(autouse=True)
def _judged_before() -> None:
    one_step.make_empty()


def store_file(flow_file_id: int = FILE, **fields: Any) -> models.FlowFile:
    text = str(flow_file_id)
    usual = {"sha256": text, "file_identifier": text, "file_name": text, "staged_at": NOON}
    return models.FlowFile.objects.create(id=flow_file_id, size=1, **{**usual, **fields})


class TestIssues:
    def test_are_recorded_for_each_code_of_each_line(self) -> None:
        store_file()
        for number, (kind, (payload, _, table)) in enumerate(LINES.items(), start=2):
            place = {"kind": kind} if table == "judged_other_line" else {}
            one_step.put(table, line(number), payload=payload, rejections="extra-field", **place)
            one_step.put(
                table, line(10 + number), payload=payload, warnings="blank-padding", **place
            )
            one_step.put(table, line(20 + number), **place)

        one_step.run("60_record_line_issues")

        columns = ("line_number", "kind", "severity", "code", "item", "value")
        assert one_step.found("line_issue", *columns) == [
            (number, kind, severity, code, "", payload)
            for first, severity, code in (
                (2, "REJECTED", "extra-field"),
                (12, "WARNING", "blank-padding"),
            )
            for number, (kind, (payload, *_)) in enumerate(LINES.items(), start=first)
        ]

    def test_name_the_item_and_its_value(self) -> None:
        store_file()
        (payload,) = builder.reading(" S", value="x", flag="?")
        one_step.put(
            "judged_reading",
            line(7),
            payload=payload,
            rejections="parent-rejected bad-number/J0040",
            warnings="unknown-code/J0045 blank-padding/J0010",
        )

        one_step.run("60_record_line_issues")

        no_blanks = findings.CATALOGUE["blank-padding"].expectation
        columns = ("flow_file_id", "mpan_core", "severity", "code", "item", "value", "message")
        rows = one_step.found("line_issue", *columns, order_by="id")
        assert [row[:2] for row in rows] == [(FILE, builder.MPAN)] * 4
        assert [row[2:] for row in rows] == [
            (
                *("REJECTED", "bad-number", "J0040", "x"),
                "J0040 Register Reading is 'x': expected digits as its format allows",
            ),
            (
                *("REJECTED", "parent-rejected", "", payload),
                "the line that this one belongs under was rejected",
            ),
            (
                *("WARNING", "blank-padding", "J0010", " S"),
                f"J0010 Meter Register Id is ' S': {no_blanks}",
            ),
            (
                *("WARNING", "unknown-code", "J0045", "?"),
                "J0045 Meter Reading Flag is '?': expected a code of the catalogue's valid set",
            ),
        ]

    @pytest.mark.parametrize(
        ("length", "expected"),
        [
            pytest.param(200, "x" * 200, id="as long as may be"),
            pytest.param(201, f"{'x' * 200}…", id="cut"),
        ],
    )
    def test_show_the_beginning_of_a_long_value(self, length: int, expected: str) -> None:
        store_file()
        one_step.put("judged_meter", line(7), payload="x" * length, rejections="extra-field")

        one_step.run("60_record_line_issues")

        assert one_step.found("line_issue", "value") == [(expected,)]


class TestStrictFile:
    def test_is_refused_for_a_line_that_would_be_rejected(self) -> None:
        found = {
            FILE: [(3, "REJECTED"), (2, "REJECTED"), (2, "REJECTED"), (1, "WARNING")],
            FILE + 1: [(5, "REJECTED")],
            FILE + 2: [(5, "WARNING")],
            FILE + 3: [(5, "REJECTED")],
            FILE + 4: [(5, "REJECTED")],
        }
        for flow_file_id, lines in found.items():
            store_file(flow_file_id, is_strict=flow_file_id != FILE + 3, status="STAGED")
            for number, severity in lines:
                models.LineIssue.objects.create(
                    flow_file_id=flow_file_id, line_number=number, severity=severity
                )

        ((refused,),) = one_step.run(
            "61_refuse_strict_files", files=[FILE, FILE + 1, FILE + 2, FILE + 3]
        )

        assert sorted(refused) == [FILE, FILE + 1]
        would = "would be rejected: expected all lines to load (--strict)"
        assert one_step.found("flow_file", "status", "reason", order_by="id") == [
            ("REJECTED", f"line 2 and 1 more {would}"),
            ("REJECTED", f"line 5 {would}"),
            *[("STAGED", "")] * 3,
        ]

    def test_is_none_of_those_that_were_not_to_be(self) -> None:
        assert one_step.run("61_refuse_strict_files") == [([],)]


class TestInserted:
    """
    What is stored: nothing that is rejected, known, or of a refused file.

    What is named more than once is stored as its first line names it.
    """

    def test_meter_points(self) -> None:
        places: Places = {
            5: {"mpan_core": builder.OTHER_MPAN},
            4: {},
            3: {},
            2: {"rejections": "extra-field"},
            6: {"mpan_core": builder.THIRD_MPAN, "is_known": True},
        }
        for number, place in places.items():
            one_step.put("judged_meter_point", line(number), **{"is_known": False, **place})
        one_step.put("judged_meter_point", line(1, REFUSED), mpan_core="0", is_known=False)

        one_step.run("70_insert_meter_points")

        assert one_step.found("meter_point", "mpan_core", "line_id", order_by="ctid") == [
            (builder.MPAN, line(3)),
            (builder.OTHER_MPAN, line(5)),
        ]

    def test_meters(self) -> None:
        places: Places = {
            6: {"mpan_core": builder.OTHER_MPAN},
            5: {"serial_key": "A2", "serial_number": "a2"},
            4: {"serial_number": "a1"},
            3: {"serial_number": "A1"},
            2: {"rejections": "extra-field"},
            7: {"serial_key": "A3", "is_known": True},
        }
        for number, place in places.items():
            usual = {"serial_key": "A1", "serial_number": "A 1", "is_known": False}
            one_step.put("judged_meter", line(number), **{**usual, **place})
        one_step.put("judged_meter", line(1, REFUSED), serial_key="A9", is_known=False)

        one_step.run("71_insert_meters")

        columns = ("id", "mpan_core", "serial_key", "serial_number")
        assert one_step.found("meter", *columns, order_by="ctid") == [
            (line(3), builder.MPAN, "A1", "A1"),
            (line(5), builder.MPAN, "A2", "a2"),
            (line(6), builder.OTHER_MPAN, "A1", "A 1"),
        ]

    def test_registers(self) -> None:
        places: Places = {
            8: {"mpan_core": builder.OTHER_MPAN},
            6: {"serial_key": "A2"},
            5: {"identifier": "TO"},
            4: {},
            3: {},
            2: {"rejections": "extra-field"},
            7: {"identifier": "X", "is_known": True},
        }
        for number, place in places.items():
            one_step.put("judged_reading", line(number), **{**KEY, "is_known": False, **place})
        of_refused = {**KEY, "identifier": "Y", "is_known": False}
        one_step.put("judged_reading", line(1, REFUSED), **of_refused)

        one_step.run("72_insert_registers")

        columns = ("id", "mpan_core", "serial_key", "identifier")
        assert one_step.found("register", *columns, order_by="ctid") == [
            (line(3), builder.MPAN, "A1", "S"),
            (line(5), builder.MPAN, "A1", "TO"),
            (line(6), builder.MPAN, "A2", "S"),
            (line(8), builder.OTHER_MPAN, "A1", "S"),
        ]

    def test_readings(self) -> None:
        values = {
            "read_at": NOON,
            "value": decimal.Decimal("100.5"),
            "md_reset_at": one_step.made_at(FILE),
            "md_reset_count": 12,
            "reading_type": "R",
            "validation_status": "V",
            "reading_flag": "F",
            "reading_method": "N",
            **KEY,
        }
        results = {2: "", 3: "too-long/J0332", 5: ""}
        for number, rejections in {2: "", 3: "", 4: "", 5: "bad-date/J0016"}.items():
            one_step.put("judged_reading", line(number), rejections=rejections, **values)
        for flow_file_id in (FILE + 2, REFUSED):
            one_step.put("judged_reading", line(2, flow_file_id), **values)
        for number, rejections in results.items():
            one_step.put(
                "judged_result",
                line(10 + number),
                parent_id=line(number),
                reason_code="05",
                reading_status="T",
                rejections=rejections,
            )

        one_step.run("80_insert_readings", files=[FILE, FILE + 2])

        told = ("reason_code", "reading_status", "stated_at")
        assert one_step.found("reading", "id", *told) == [
            (line(2), "05", "T", one_step.made_at(FILE)),
            (line(3), "", "", one_step.made_at(FILE)),
            (line(4), "", "", one_step.made_at(FILE)),
            (line(2, FILE + 2), "", "", one_step.made_at(FILE + 2)),
        ]
        rows = one_step.found("reading", "mpan_core", *values)
        assert rows == [(builder.MPAN, *values.values())] * 4

    def test_site_visits(self) -> None:
        places: Places = {
            5: {"mpan_core": builder.OTHER_MPAN, "kind": "visit_at_meter_point"},
            4: {"kind": "visit_at_reading"},
            3: {"kind": "visit_at_meter"},
            2: {"rejections": "extra-field"},
        }
        for number, place in places.items():
            usual = {"parent_id": line(1), "serial_key": "A1", "check_code": "01"}
            place = {"additional_information": "dog", **usual, **place}  # noqa: PLW2901
            one_step.put("judged_other_line", line(number), **place)
        one_step.put("judged_other_line", line(1, REFUSED), kind="visit_at_meter")

        one_step.run("81_insert_site_visits")

        columns = ("id", "mpan_core", "reading_id", "serial_key", "check_code")
        rows = one_step.found("site_visit", *columns, "additional_information", order_by="ctid")
        assert rows == [
            (line(3), builder.MPAN, None, "A1", "01", "dog"),
            (line(4), builder.MPAN, line(1), "A1", "01", "dog"),
            (line(5), builder.OTHER_MPAN, None, "", "01", "dog"),
        ]


COUNTS = (
    *("meter_point_line_count", "meter_line_count", "reading_count"),
    *("validation_result_count", "site_visit_count"),
)
KINDS = ("meter_point", "meter", "reading", "result", "visit_at_reading")


class TestTransformedFile:
    @pytest.mark.parametrize(
        ("status", "issues", "expected"),
        [
            pytest.param("STAGED", [], ("LOADED", 0, 0, *[9] * 5), id="clean"),
            pytest.param(
                "STAGED",
                [(2, "meter", "WARNING"), (2, "meter", "WARNING"), (1, "header", "WARNING")],
                ("LOADED", 0, 3, *[9] * 5),
                id="with warnings",
            ),
            *(
                pytest.param(
                    "STAGED",
                    [
                        *[(2, kind, "REJECTED")] * 2,
                        *[(number, kind, "WARNING") for number in (3, 4)],
                    ],
                    ("LOADED_WITH_REJECTIONS", 1, 2, *(9 - (kind == one) for one in KINDS)),
                    id=f"with a rejected {kind}",
                )
                for kind in KINDS
            ),
            pytest.param(
                "STAGED",
                [(2, "unknown", "REJECTED")],
                ("LOADED_WITH_REJECTIONS", 1, 0, *[9] * 5),
                id="with a rejected line of no group",
            ),
            pytest.param(
                "REJECTED",
                [(2, "meter", "REJECTED")],
                ("REJECTED", 1, 0, *[0] * 5),
                id="refused",
            ),
        ],
    )
    def test_is_marked(
        self, status: str, issues: Sequence[tuple[int, str, str]], expected: tuple[Any, ...]
    ) -> None:
        for flow_file_id in (FILE, FILE + 1):
            store_file(flow_file_id, status=status, **dict.fromkeys(COUNTS, 9))
            of_other = [(9, "meter", "REJECTED")] * (flow_file_id != FILE)
            for number, kind, severity in [*issues, *of_other]:
                models.LineIssue.objects.create(
                    flow_file_id=flow_file_id, line_number=number, kind=kind, severity=severity
                )

        one_step.run("90_mark_files_transformed")

        columns = ("status", "rejected_line_count", "warning_count", *COUNTS)
        marked, other = one_step.found("flow_file", "transformed_at", *columns, order_by="id")
        assert marked == (NOON, *expected)
        assert other == (None, status, 0, 0, *[9] * 5)
