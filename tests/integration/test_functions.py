"""Each SQL function by itself; none of them may raise, whatever it is given."""

from __future__ import annotations

import datetime
import decimal
import itertools
from typing import Any

import pytest
from django import db

from tests import builder
from tests.benchmarks import generate
from warehouse import keys, models
from warehouse.queries import register_history


pytestmark = pytest.mark.django_db


def called(name: str, *arguments: Any) -> Any:
    with db.connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(arguments))
        cursor.execute(f"SELECT {name}({places})", arguments)
        return cursor.fetchone()[0]


class TestUnpadded:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("A1", "A1"),
            ("A", "A"),
            ("\t", ""),
            ("", ""),
            (" A 1", "A 1"),
            ("A 1 ", "A 1"),
            ("A1\t", "A1"),
            ("\u200bA1", "A1"),
            ("\ufeff \xa0\u3000", ""),
            ("éA1é", "éA1é"),
            ("\N{GRINNING FACE} ", "\N{GRINNING FACE}"),
        ],
        ids=repr,
    )
    def test_returns_a_text_without_what_nobody_sees_at_its_ends(
        self, text: str, expected: str
    ) -> None:
        assert called("unpadded", text, keys.BLANKS) == expected

    def test_agrees_with_what_keys_are_made_by(self) -> None:
        for character in (*keys.BLANKS, *map(chr, range(33, 127)), "é", "中", "\u0600"):
            text = f"{character}A{character}1{character}"
            assert called("unpadded", text, keys.BLANKS) == keys.stripped(text), hex(
                ord(character)
            )


class TestWithoutDigits:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", b""),
            ("0123456789", b""),
            ("12.5", b"."),
            ("1x2x3", b"x2x"),
            (" 1", b" "),
            ("1\n", b"\n"),
            ("\\", b" "),
            ("1\\0612", b" "),
            ("\\x31", b" x"),
            ("٣", "٣".encode()),
            ("1é2", "é".encode()),
        ],
        ids=repr,
    )
    def test_returns_what_is_left_as_bytes(self, text: str, expected: bytes) -> None:
        assert called("without_digits", text) == expected


class TestD0010LineEnd:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("028|A1|R|", None),
            ("028|A1|", None),
            ("028|A1|R", "unterminated-line"),
            ("028|A1|R||", "blank-padding"),
            ("028|A1|R| |\t|", "blank-padding"),
            ("028|A1|R|\t", "blank-padding"),
            ("028|A1|R|\u200b", "blank-padding"),
            ("028|A1|R|x|", "extra-field"),
            ("028|A1|R|x", "extra-field"),
            ("028|A1|R|||||x|", "extra-field"),
            ("028", "unterminated-line"),
            ("", "unterminated-line"),
        ],
        ids=repr,
    )
    def test_judges_what_stands_behind_the_last_item(
        self, line: str, expected: str | None
    ) -> None:
        assert called("d0010_line_end", line, 2, keys.BLANKS) == expected


class TestD0010ClockTime:
    @pytest.mark.parametrize(
        "stamp",
        [
            *(20240115000000, 20240115235959, 19500101000000, 21991231235959),
            *(20240229120000, 20000229000000, 20240331013000),
        ],
    )
    def test_returns_the_time_of_a_stamp(self, stamp: int) -> None:
        assert f"{called('d0010_clock_time', stamp):%Y%m%d%H%M%S}" == str(stamp)

    @pytest.mark.parametrize(
        "stamp",
        [
            *(20230229000000, 21000229000000, 20240230000000, 20240431000000),
            *(20240100000000, 20240132000000, 20240015000000, 20241315000000),
            *(20240115240000, 20240115006000, 20240115000060),
            *(19491231235959, 22000101000000, 0, -1, 99999999999999, 2**63 - 1, None),
        ],
    )
    def test_returns_nothing_where_there_is_no_such_time(self, stamp: int | None) -> None:
        assert called("d0010_clock_time", stamp) is None

    def test_knows_each_day_of_the_calendar(self) -> None:
        with db.connection.cursor() as cursor:
            cursor.execute(
                "SELECT d0010_clock_time(day * 1000000)::date"
                " FROM generate_series(19500100::bigint, 21991299) AS day"
                " WHERE d0010_clock_time(day * 1000000) IS NOT NULL ORDER BY day"
            )
            days = [day for (day,) in cursor.fetchall()]

        first, last = datetime.date(1950, 1, 1), datetime.date(2199, 12, 31)
        ordinals = range(first.toordinal(), last.toordinal() + 1)
        assert days == list(map(datetime.date.fromordinal, ordinals))


class TestD0010RegisterReading:
    @pytest.mark.parametrize(
        "text",
        [
            "0",
            "0.0",
            "007",
            "7242",
            "56311.0",
            "99999999",
            "99999999.9",
            "1.500",
            f"1.{'0' * 100}",
        ],
    )
    def test_returns_a_number_as_it_is(self, text: str) -> None:
        assert called("d0010_register_reading", text) == decimal.Decimal(text)

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "",
                " ",
                ".",
                "1.",
                ".5",
                "..",
                "1..0",
                "1.0.0",
                "-1",
                "+1",
                "1e5",
                "NaN",
                "Infinity",
            ),
            *(
                " 5",
                "5 ",
                "1,0",
                "1.25",
                "1.05",
                "100000000",
                "100000000.0",
                "000000001",
                "٣",
                "x",
            ),
            f"1.{'0' * 101}",
        ],
    )
    def test_returns_nothing_for_what_is_none(self, text: str) -> None:
        assert called("d0010_register_reading", text) is None


class TestMpanCheckDigit:
    @pytest.mark.parametrize("mpan_core", [builder.MPAN, builder.OTHER_MPAN, builder.THIRD_MPAN])
    def test_returns_the_last_digit_of_those_in_use(self, mpan_core: str) -> None:
        assert called("mpan_check_digit", int(mpan_core)) == int(mpan_core[-1])

    def test_agrees_with_what_people_search_by(self) -> None:
        for number in range(0, 10_000_000, 99_991):
            mpan_core = generate.mpan_core(number)
            assert called("mpan_check_digit", int(mpan_core)) == int(mpan_core[-1])
            assert keys.has_right_check_digit(mpan_core)


class TestIsDoubted:
    def test_agrees_with_the_pages(self) -> None:
        for said in itertools.product("VUF", ["T", "F", ""], ["", "T", "F", "R"]):
            names = ("validation_status", "reading_flag", "reading_status")
            reading = models.Reading(**dict(zip(names, said, strict=True)))
            assert called("is_doubted", *said) is register_history.is_doubted(reading), said
