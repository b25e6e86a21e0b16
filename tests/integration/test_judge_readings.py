"""The step that judges readings, by itself, over a line for each of its rules."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from tests import builder
from tests.integration import one_step
from tests.integration.one_step import NO_BREAK, Verdict, cases, line


pytestmark = pytest.mark.django_db


def sent(register: str = "S", **items: str) -> str:
    (payload,) = builder.reading(register, **items)
    return payload


def judged(payload: str, *columns: str, **place: Any) -> Any:
    return one_step.judged("reading", payload, *columns, **place)


@pytest.fixture(autouse=True)
def _judged_before() -> None:
    one_step.make_empty()


class TestReadings:
    @cases(
        clean=(sent(), "", ""),
        all_items=(
            sent("TO", read_at="20240115235959", md_reset_at="20240101000000", md_resets="120"),
            "",
            "",
        ),
        spaces_behind=(sent("S "), "", ""),
        no_register=(sent(""), "missing-item/J0010", ""),
        blank_register=(sent(NO_BREAK), "missing-item/J0010", ""),
        long_register=(sent("DAY"), "too-long/J0010", ""),
        padded_register=(sent(" S"), "", "blank-padding/J0010"),
        no_date=(sent(read_at=""), "missing-item/J0016", ""),
        blank_date=(sent(read_at="\t"), "missing-item/J0016", ""),
        day_that_is_none=(sent(read_at="20240231000000"), "bad-date/J0016", ""),
        date_without_time=(sent(read_at="20240131"), "bad-date/J0016", ""),
        date_of_letters=(sent(read_at="2024JAN1000000"), "bad-date/J0016", ""),
        future=(sent(read_at="20240203000000"), "", "future-date/J0016"),
        present=(sent(read_at="20240202120000"), "", "time-of-day/J0016"),
        skipped=(sent(read_at="20230326013000"), "", "clock-skipped/J0016 time-of-day/J0016"),
        repeated=(sent(read_at="20231029013000"), "", "clock-repeated/J0016 time-of-day/J0016"),
        skipped_in_1975=(
            sent(read_at="19750316023000"),
            "",
            "clock-skipped/J0016 time-of-day/J0016",
        ),
        repeated_in_1975=(
            sent(read_at="19751026023000"),
            "",
            "clock-repeated/J0016 time-of-day/J0016",
        ),
        behind_the_skipped=(sent(read_at="20230326020000"), "", "time-of-day/J0016"),
        behind_the_repeated=(sent(read_at="20231029020000"), "", "time-of-day/J0016"),
        before_the_repeated=(sent(read_at="20231029005959"), "", "time-of-day/J0016"),
        no_value=(sent(value=""), "missing-item/J0040", ""),
        blank_value=(sent(value="\t"), "missing-item/J0040", ""),
        value_that_is_none=(sent(value="1e5"), "bad-number/J0040", ""),
        whole_value=(sent(value="100"), "", ""),
        two_decimals=(sent(value="100.00"), "", "more-decimals/J0040"),
        reset_that_is_none=(sent(md_reset_at="20240231000000"), "bad-date/J0044", ""),
        blank_reset=(sent(md_reset_at="\t"), "", ""),
        reset_of_letters=(sent(md_reset_at="2024JAN1000000"), "bad-date/J0044", ""),
        reset_skipped=(sent(md_reset_at="20230326013000"), "", "clock-skipped/J0044"),
        reset_repeated=(sent(md_reset_at="20231029013000"), "", "clock-repeated/J0044"),
        reset_skipped_in_1975=(sent(md_reset_at="19750316023000"), "", "clock-skipped/J0044"),
        reset_repeated_in_1975=(sent(md_reset_at="19751026023000"), "", "clock-repeated/J0044"),
        reset_not_skipped=(sent(md_reset_at="20230326020000"), "", ""),
        count_of_letters=(sent(md_resets="1a"), "bad-number/J1013", ""),
        long_count=(sent(md_resets="1000"), "bad-number/J1013", ""),
        blank_count=(sent(md_resets="\t"), "", ""),
        no_flag=(sent(flag=""), "", ""),
        blank_flag=(sent(flag="\t"), "", ""),
        long_flag=(sent(flag="TT"), "too-long/J0045", "unknown-code/J0045"),
        unknown_flag=(sent(flag="?"), "", "unknown-code/J0045"),
        no_method=(sent(method=""), "missing-item/J1888", ""),
        blank_method=(sent(method="\t"), "missing-item/J1888", ""),
        long_method=(sent(method="NN"), "too-long/J1888", "unknown-code/J1888"),
        unknown_method=(sent(method="?"), "", "unknown-code/J1888"),
        extra_field=(f"{sent()}1|", "extra-field", ""),
        tab_behind=(f"{sent()}\t", "", "blank-padding"),
        all_at_once=(
            f"{sent('DAY', read_at='', value='', md_reset_at='x', md_resets='x', method='')}1|",
            " ".join(
                (
                    *("too-long/J0010", "missing-item/J0016", "missing-item/J0040"),
                    *("bad-date/J0044", "bad-number/J1013", "missing-item/J1888", "extra-field"),
                )
            ),
            "",
        ),
    )
    def test_are_judged(self, payload: str, verdict: Verdict) -> None:
        rows = judged(payload, "line_id", "rejections", "warnings", "payload")

        assert rows == [(line(7), *verdict, payload if any(verdict) else None)]

    @pytest.mark.parametrize(
        ("method", "expected"),
        [
            pytest.param("", "", id="without a method"),
            pytest.param("N|", "extra-field", id="with a method"),
            pytest.param("\t|", "", id="with a blank"),
        ],
    )
    def test_have_no_method_in_the_first_version(self, method: str, expected: str) -> None:
        one_step.stage("reading", f"030|S|20240115000000|100.0|||T|{method}")

        one_step.judge("reading", flow="D0010001")

        assert one_step.found("judged_reading", "rejections") == [(expected,)]

    def test_may_have_a_time_of_day_where_they_are_special(self) -> None:
        payload = sent(read_at="20240115101500")

        assert judged(payload, "warnings", reading_type="S") == [("",)]

    def test_are_orphans_without_a_line_above(self) -> None:
        rows = judged(sent(), "rejections", parent_id=None)

        assert rows == [("orphan-line",)]

    def test_become_values(self) -> None:
        payload = sent(
            " S ",
            read_at="20240715000000",
            value="100.50",
            md_reset_at="20240101000000",
            md_resets="012",
            flag="T\t",
            method="N\t",
        )

        (row,) = judged(
            payload,
            *("parent_id", "mpan_core", "serial_key", "identifier"),
            *("read_at", "value", "md_reset_at", "md_reset_count", "reading_type"),
            *("validation_status", "reading_flag", "reading_method"),
        )

        assert row == (
            *(line(6), builder.MPAN, "A1", "S"),
            datetime.datetime(2024, 7, 14, 23, tzinfo=datetime.timezone.utc),
            decimal.Decimal("100.5"),
            datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc),
            *(12, "R", "V", "T", "N"),
        )

    @pytest.mark.parametrize(
        ("mpan_core", "serial_key", "identifier", "expected"),
        [
            pytest.param(builder.MPAN, "A1", "S", True, id="known"),
            pytest.param(builder.MPAN, "A1", "TO", False, id="another one"),
            pytest.param(builder.MPAN, "A2", "S", False, id="of another meter"),
            pytest.param(builder.OTHER_MPAN, "A1", "S", False, id="of another meter point"),
        ],
    )
    def test_name_a_register(
        self, mpan_core: str, serial_key: str, identifier: str, *, expected: bool
    ) -> None:
        one_step.insert(
            "register", id=1, mpan_core=mpan_core, serial_key=serial_key, identifier=identifier
        )

        assert judged(sent(), "is_known") == [(expected,)]

    @pytest.mark.parametrize(
        ("flag", "has_rejected_meters", "is_quoted"),
        [
            pytest.param("T", False, False, id="not, if it is valid"),
            pytest.param("F", False, True, id="if it is suspect"),
            pytest.param("T", True, True, id="if a meter line is rejected"),
        ],
    )
    def test_are_kept_to_be_quoted(
        self, flag: str, *, has_rejected_meters: bool, is_quoted: bool
    ) -> None:
        payload = sent(flag=flag)
        one_step.stage("reading", payload)

        one_step.judge("reading", has_rejected_meters=has_rejected_meters)

        expected = payload if is_quoted else None
        assert one_step.found("judged_reading", "payload") == [(expected,)]

    def test_come_in_the_order_of_their_key(self) -> None:
        early, late = (sent(read_at=f"202401{day}000000") for day in (14, 15))
        one_step.stage("reading", early, id=line(2), mpan_core=builder.OTHER_MPAN)
        one_step.stage("reading", late, id=line(3))
        one_step.stage("reading", early, id=line(5))
        one_step.stage("reading", early, id=line(4))

        one_step.judge("reading")

        stored = one_step.found("judged_reading", "line_id & 255", order_by="ctid")
        assert [number for (number,) in stored] == [4, 5, 3, 2]
