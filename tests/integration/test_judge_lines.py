"""Each step of the transform that judges lines, by itself, over a line for each of its rules."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests import builder
from tests.integration import one_step
from tests.integration.one_step import FILE, LINES, NO_BREAK, Verdict, cases, judged, line
from warehouse import keys


pytestmark = pytest.mark.django_db

OTHER_KINDS = ("header", "trailer", "forgotten")


@pytest.fixture(autouse=True)
def _judged_before() -> None:
    one_step.make_empty()


class TestJudgingStep:
    @pytest.mark.parametrize("kind", LINES)
    def test_takes_the_lines_of_its_kind_in_its_files(self, kind: str) -> None:
        _, _, table = LINES[kind]
        for flow_file_id in range(FILE - 1, FILE + 4):
            for number, (other, (payload, *_)) in enumerate(LINES.items(), start=2):
                one_step.stage(other, payload, id=line(number, flow_file_id))
            for number, other in enumerate(OTHER_KINDS, start=10):
                one_step.stage(other, "", id=line(number, flow_file_id))

        one_step.judge(kind, files=[FILE, FILE + 2])

        number = 2 + [*LINES].index(kind)
        assert one_step.found(table, "line_id") == [
            (line(number, FILE),),
            (line(number, FILE + 2),),
        ]

    @pytest.mark.parametrize("kind", ["result", "visit_at_meter"])
    def test_passes_over_all_lines_where_there_are_no_others(self, kind: str) -> None:
        payload, _, table = LINES[kind]
        one_step.stage(kind, payload)

        one_step.judge(kind, has_other_lines=False)

        assert one_step.found(table, "line_id") == []


class TestMeterPoints:
    @cases(
        clean=(f"026|{builder.MPAN}|V|", "", ""),
        spaces_behind=(f"026|{builder.MPAN}  |V|", "", ""),
        no_MPAN=("026||V|", "missing-item/J0003", ""),
        blank_MPAN=(f"026|{NO_BREAK}|V|", "missing-item/J0003", ""),
        short_MPAN=("026|123|V|", "bad-mpan/J0003", ""),
        wrong_check_digit=("026|1200023305968|V|", "", "mpan-check-digit/J0003"),
        padded_MPAN=(f"026| {builder.MPAN}|V|", "", "blank-padding/J0003"),
        no_status=(f"026|{builder.MPAN}||", "missing-item/J0022", ""),
        blank_status=(f"026|{builder.MPAN}|\t|", "missing-item/J0022", "unknown-code/J0022"),
        long_status=(f"026|{builder.MPAN}|VV|", "too-long/J0022", ""),
        unknown_status=(f"026|{builder.MPAN}|?|", "", "unknown-code/J0022"),
        extra_field=(f"026|{builder.MPAN}|V|1|", "extra-field", ""),
        cut_line=(f"026|{builder.MPAN}|V", "unterminated-line", ""),
        tab_behind=(f"026|{builder.MPAN}|V|\t", "", "blank-padding"),
        all_at_once=("026||VV|1|", "missing-item/J0003 too-long/J0022 extra-field", ""),
        two_warnings=(
            "026| 1200023305968|?| |",
            "",
            "mpan-check-digit/J0003 blank-padding/J0003 unknown-code/J0022 blank-padding",
        ),
    )
    def test_are_judged(self, payload: str, verdict: Verdict) -> None:
        mpan_core = keys.mpan_core(payload.split("|")[1])

        rows = judged(
            "meter_point",
            payload,
            *("line_id", "mpan_core", "rejections", "warnings", "payload"),
            mpan_core=mpan_core,
            parent_id=None,
        )

        quoted = payload if any(verdict) else None
        assert rows == [(line(7), mpan_core, *verdict, quoted)]

    @pytest.mark.parametrize(
        ("payload", "known", "expected"),
        [
            pytest.param(f"026|{builder.MPAN}|V|", builder.MPAN, [], id="known and clean"),
            pytest.param(f"026|{builder.MPAN}|V|", builder.OTHER_MPAN, [(False,)], id="new"),
            pytest.param(f"026|{builder.MPAN}||", builder.MPAN, [(True,)], id="known, rejected"),
            pytest.param(f"026|{builder.MPAN}|?|", builder.MPAN, [(True,)], id="known, a warning"),
        ],
    )
    def test_are_kept_unless_known_and_clean(
        self, payload: str, known: str, expected: Sequence[tuple[bool]]
    ) -> None:
        one_step.insert("meter_point", mpan_core=known, line_id=1)

        assert judged("meter_point", payload, "is_known") == expected


class TestMeters:
    @cases(
        clean=("028|A1|R|", "", ""),
        spaces_behind=("028|A1  |R|", "", ""),
        no_serial_number=("028||R|", "missing-item/J0004", ""),
        blank_serial_number=(f"028|{NO_BREAK}|R|", "missing-item/J0004", ""),
        longest_serial_number=("028|A123456789|R|", "", ""),
        long_serial_number=("028|A1234567890|R|", "too-long/J0004", ""),
        padded_serial_number=("028|\tA123456789|R|", "", "blank-padding/J0004"),
        no_type=("028|A1||", "missing-item/J0171", ""),
        blank_type=("028|A1|\t|", "missing-item/J0171", "unknown-code/J0171"),
        long_type=("028|A1|RR|", "too-long/J0171", ""),
        unknown_type=("028|A1|?|", "", "unknown-code/J0171"),
        extra_field=("028|A1|R|1|", "extra-field", ""),
        tab_behind=("028|A1|R|\t", "", "blank-padding"),
        all_at_once=("028||RR|1|", "missing-item/J0004 too-long/J0171 extra-field", ""),
    )
    def test_are_judged(self, payload: str, verdict: Verdict) -> None:
        serial_number = payload.split("|")[1]
        serial_key = keys.serial_key(serial_number)

        rows = judged(
            "meter",
            payload,
            *("line_id", "mpan_core", "serial_key", "serial_number"),
            *("rejections", "warnings", "payload"),
            serial_key=serial_key,
        )

        quoted = payload if any(verdict) else None
        shown = keys.stripped(serial_number)
        assert rows == [(line(7), builder.MPAN, serial_key, shown, *verdict, quoted)]

    @pytest.mark.parametrize(
        ("payload", "serial_key", "expected"),
        [
            pytest.param("028|A1|R|", "A1", [], id="known and clean"),
            pytest.param("028|A2|R|", "A2", [(False,)], id="new"),
            pytest.param("028|A1||", "A1", [(True,)], id="known, rejected"),
            pytest.param("028|A1|?|", "A1", [(True,)], id="known, a warning"),
        ],
    )
    def test_are_kept_unless_known_and_clean(
        self, payload: str, serial_key: str, expected: Sequence[tuple[bool]]
    ) -> None:
        for mpan_core, known in ((builder.MPAN, "A1"), (builder.OTHER_MPAN, "A2")):
            one_step.insert(
                "meter", id=len(known), mpan_core=mpan_core, serial_key=known, serial_number=known
            )

        assert judged("meter", payload, "is_known", serial_key=serial_key) == expected

    def test_are_rejected_without_a_line_above(self) -> None:
        rows = judged("meter", "028|A1|R|", "rejections", parent_id=None)

        assert rows == [("orphan-line",)]

    def test_are_all_kept_if_a_meter_point_line_is_rejected(self) -> None:
        known = {"mpan_core": builder.MPAN, "serial_key": "A1", "serial_number": "A1"}
        one_step.insert("meter", id=1, **known)
        one_step.stage("meter", "028|A1|R|")

        one_step.judge("meter", has_rejected_meter_points=True)

        kept = one_step.found("judged_meter", "parent_id", "is_known", "rejections", "payload")
        assert kept == [(line(6), True, "", "028|A1|R|")]


class TestResults:
    @cases(
        clean=("032|01|T|", "", ""),
        no_reason=("032||T|", "", "missing-reason/J0332"),
        blank_reason=("032|\t|T|", "", "missing-reason/J0332"),
        long_reason=("032|011|T|", "too-long/J0332", "unknown-code/J0332"),
        unknown_reason=("032|??|T|", "", "unknown-code/J0332"),
        no_status=("032|01||", "missing-item/J0047", ""),
        blank_status=("032|01|\t|", "missing-item/J0047", ""),
        long_status=("032|01|TT|", "too-long/J0047", "unknown-code/J0047"),
        unknown_status=("032|01|?|", "", "unknown-code/J0047"),
        extra_field=("032|01|T|1|", "extra-field", ""),
        cut_line=("032|01|T", "unterminated-line", ""),
        tab_behind=("032|01|T|\t", "", "blank-padding"),
        all_at_once=(
            "032|011||1|",
            "too-long/J0332 missing-item/J0047 extra-field",
            "unknown-code/J0332",
        ),
    )
    def test_are_judged(self, payload: str, verdict: Verdict) -> None:
        rows = judged(
            "result",
            payload,
            *("line_id", "parent_id", "mpan_core", "rejections", "warnings", "payload"),
        )

        assert rows == [(line(7), line(6), builder.MPAN, *verdict, payload)]

    @pytest.mark.parametrize(
        ("payload", "expected"),
        [
            pytest.param("032|01|T|", ("01", "T"), id="as sent"),
            pytest.param("032|\t|T |", ("", "T"), id="without blanks"),
        ],
    )
    def test_become_values(self, payload: str, expected: tuple[str, str]) -> None:
        assert judged("result", payload, "reason_code", "reading_status") == [expected]

    @pytest.mark.parametrize(
        ("parent_id", "expected"),
        [
            pytest.param(None, "orphan-line", id="none"),
            pytest.param(line(6), "parent-rejected", id="rejected"),
            pytest.param(line(5), "", id="sound"),
        ],
    )
    def test_are_rejected_by_the_line_above(self, parent_id: int | None, expected: str) -> None:
        one_step.put("judged_reading", line(6), rejections="bad-date/J0016")
        one_step.put("judged_reading", line(5))

        assert judged("result", "032|01|T|", "rejections", parent_id=parent_id) == [(expected,)]

    def test_count_once_under_a_reading(self) -> None:
        for number, parent_id in ((4, 1), (2, 1), (3, 1), (5, 9), (6, None), (7, None)):
            one_step.stage("result", "032|01|T|", id=line(number), parent_id=parent_id)

        one_step.judge("result")

        assert one_step.found("judged_result", "line_id & 255", "rejections") == [
            (2, ""),
            (3, "repeated-group"),
            (4, "repeated-group"),
            (5, ""),
            (6, "orphan-line"),
            (7, "orphan-line"),
        ]


class TestOtherLines:
    @cases(
        clean=("029|01||", "", ""),
        longest_text=(f"029|01|{'x' * 200}|", "", ""),
        no_code=("029|||", "missing-item/J0024", ""),
        blank_code=("029|\t||", "missing-item/J0024", ""),
        long_code=("029|011||", "too-long/J0024", "unknown-code/J0024"),
        unknown_code=("029|??||", "", "unknown-code/J0024"),
        long_text=(f"029|01|{'x' * 201}|", "too-long/J0012", ""),
        extra_field=("029|01||1|", "extra-field", ""),
        tab_behind=("029|01||\t", "", "blank-padding"),
        all_at_once=(
            f"029|011|{'x' * 201}|1|",
            "too-long/J0024 too-long/J0012 extra-field",
            "unknown-code/J0024",
        ),
    )
    def test_are_judged(self, payload: str, verdict: Verdict) -> None:
        rows = judged(
            "visit_at_meter",
            payload,
            *("line_id", "parent_id", "kind", "mpan_core", "serial_key"),
            *("rejections", "warnings", "payload"),
        )

        assert rows == [
            (line(7), line(6), "visit_at_meter", builder.MPAN, "A1", *verdict, payload)
        ]

    def test_become_values(self) -> None:
        columns = ("check_code", "additional_information")

        assert judged("visit_at_meter", "029|01|dog |", *columns) == [("01", "dog ")]

    @pytest.mark.parametrize("payload", ["777|01|", "777|??|\t", ""], ids=repr)
    def test_are_rejected_where_their_group_is_unknown(self, payload: str) -> None:
        one_step.stage("unknown", payload, parent_id=None)

        one_step.judge("visit_at_meter")

        rows = one_step.found("judged_other_line", "rejections", "warnings", "payload")
        assert rows == [("unknown-group", "", payload)]

    @pytest.mark.parametrize(
        ("parent_id", "expected"),
        [
            pytest.param(None, "orphan-line", id="none"),
            pytest.param(line(2), "parent-rejected", id="a meter point, rejected"),
            pytest.param(line(3), "parent-rejected", id="a meter, rejected"),
            pytest.param(line(4), "parent-rejected", id="a reading, rejected"),
            pytest.param(line(12), "", id="a meter point, sound"),
            pytest.param(line(13), "", id="a meter, sound"),
            pytest.param(line(14), "", id="a reading, sound"),
        ],
    )
    def test_are_rejected_by_the_line_above(self, parent_id: int | None, expected: str) -> None:
        for number, table in enumerate(("judged_meter_point", "judged_meter", "judged_reading")):
            one_step.put(table, line(2 + number), rejections="extra-field")
            one_step.put(table, line(12 + number))

        rows = judged("visit_at_meter", "029|01||", "rejections", parent_id=parent_id)

        assert rows == [(expected,)]
