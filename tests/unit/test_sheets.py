from __future__ import annotations

import csv
import datetime
import decimal
import io
import itertools
import tracemalloc
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import openpyxl
import pytest

from warehouse import keys
from warehouse.queries import listing, sheets


LONDON = zoneinfo.ZoneInfo("Europe/London")
ROW = listing.Listed(
    mpan_core="0123456789012",
    serial_number="F75A 00802",
    register="01",
    read_at=datetime.datetime(2024, 7, 15, tzinfo=LONDON),
    value=decimal.Decimal("56311.0"),
    reading_type="D",
    validation_status="V",
    reading_flag="T",
    reading_method="N",
    reason_code="",
    reading_status="",
    md_reset_at=datetime.datetime(2024, 1, 10, 12, tzinfo=LONDON),
    md_reset_count=3,
    file_name="a.uff",
    line_number=4,
    standing="current",
    file_created_at=datetime.datetime(2024, 7, 16, 8, 30, 1, tzinfo=LONDON),
    flow="D0010002",
)


def _csv(*rows: listing.Listed) -> str:
    return b"".join(sheets.blocks(rows, file_format="csv")).decode()


def _cell(text: str) -> str:
    """Return what stands in a CSV for a serial number, as a program reads it."""
    lines = csv.DictReader(io.StringIO(_csv(ROW._replace(serial_number=text)), newline=""))
    return next(lines)["serial_number"]


class TestCsv:
    def test_has_the_columns_of_the_contract_and_a_line_a_row(self) -> None:
        assert _csv(ROW) == (
            "mpan_core,serial_number,register,read_at,value,reading_type,validation_status,"
            "reading_flag,reading_method,reason_code,reading_status,md_reset_at,md_reset_count,"
            "file_name,line_number,standing,file_created_at,flow\n"
            "0123456789012,F75A 00802,01,2024-07-15T00:00:00+01:00,56311.0,D,V,T,N,,,"
            "2024-01-10T12:00:00+00:00,3,a.uff,4,current,2024-07-16T08:30:01+01:00,D0010002\n"
        )

    def test_leaves_empty_what_is_not_there(self) -> None:
        row = ROW._replace(md_reset_at=None, md_reset_count=None)

        assert ",T,N,,,,,a.uff,4," in _csv(row)

    def test_keeps_a_count_of_nought(self) -> None:
        assert "+00:00,0,a.uff" in _csv(ROW._replace(md_reset_count=0))

    @pytest.mark.parametrize(
        "sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"], ids=ascii
    )
    def test_is_harmless_behind_whatever_nobody_sees(self, sign: str) -> None:
        for blank in ("", *keys.BLANKS, " \u200b\xa0\t"):
            assert _cell(f"{blank}{sign}1+1") == f"'{blank}{sign}1+1"

    @pytest.mark.parametrize("text", ["\t1", "\r1", "\n1"], ids=repr)
    def test_is_harmless_behind_a_tab_or_a_line_end(self, text: str) -> None:
        assert _cell(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["A=1", "1-2", "'A", "' A", " 12 ", "12'=1", "", "(-1)"])
    def test_leaves_alone_what_is_harmless(self, text: str) -> None:
        assert _cell(text) == text

    @pytest.mark.parametrize(
        ("text", "cell"),
        [
            ("=1+1", "'=1+1"),
            ("'=1+1", "''=1+1"),
            ("''=1+1", "'''=1+1"),
            ("' \uff1d1", "'' \uff1d1"),
        ],
    )
    def test_puts_one_apostrophe_more_before_those_that_are_there(
        self, text: str, cell: str
    ) -> None:
        assert _cell(text) == cell

    def test_tells_each_text_from_every_other(self) -> None:
        texts = ["".join(text) for text in itertools.product("'= \tA", repeat=5)]

        assert len({_cell(text) for text in texts}) == len(texts)

    @pytest.mark.parametrize("text", ["a;b", "a,b", 'a"b', "a\tb", "a\rb", "a\nb"], ids=repr)
    def test_quotes_what_some_program_takes_for_the_end_of_a_cell(self, text: str) -> None:
        quoted = text.replace('"', '""')

        assert f',"{quoted}",01,' in _csv(ROW._replace(serial_number=text))
        assert _cell(text) == text

    def test_is_handed_over_in_constant_memory(self) -> None:
        assert _peak_memory("csv", 8_000) < 1.2 * _peak_memory("csv", 4_000)


def _rows_of(rows: Iterable[listing.Listed]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each sheet by the names of its columns, as another library reads them."""
    file = io.BytesIO(b"".join(sheets.blocks(rows, file_format="xlsx")))
    found = {}
    for sheet in openpyxl.load_workbook(file).worksheets:
        heading, *lines = sheet.iter_rows()
        names = [str(cell.value) for cell in heading]
        found[sheet.title] = [dict(zip(names, line, strict=True)) for line in lines]
    return found


def _on_clocks(moment: datetime.datetime | None) -> datetime.datetime | None:
    """Return UK clock time without its zone, of which spreadsheets have none."""
    return moment and moment.replace(tzinfo=None)


def _only_row_of(row: listing.Listed) -> Mapping[str, Any]:
    ((only,),) = _rows_of([row]).values()
    return only


class TestXlsx:
    def test_has_the_columns_of_the_contract_with_words_beside_codes(self) -> None:
        cells = _only_row_of(ROW)

        assert {name: cell.value for name, cell in cells.items()} == {
            "mpan_core": "0123456789012",
            "serial_number": "F75A 00802",
            "register": "01",
            "read_at": _on_clocks(ROW.read_at),
            "value": 56311,
            "reading_type": "D",
            "reading_type_in_words": "deemed or estimated",
            "validation_status": "V",
            "validation_status_in_words": "validated",
            "reading_flag": "T",
            "reading_flag_in_words": "valid",
            "reading_method": "N",
            "reading_method_in_words": "not viewed by an agent",
            "reason_code": None,
            "reason_code_in_words": None,
            "reading_status": None,
            "reading_status_in_words": None,
            "md_reset_at": _on_clocks(ROW.md_reset_at),
            "md_reset_count": 3,
            "file_name": "a.uff",
            "line_number": 4,
            "standing": "current",
            "file_created_at": _on_clocks(ROW.file_created_at),
            "flow": "D0010002",
        }
        assert [name for name in cells if not name.endswith("_in_words")] == [
            *listing.Listed._fields
        ]

    @pytest.mark.parametrize(
        ("column", "kind"),
        [
            ("mpan_core", "s"),
            ("serial_number", "s"),
            ("register", "s"),
            ("value", "n"),
            ("md_reset_count", "n"),
            ("line_number", "n"),
            ("read_at", "d"),
        ],
    )
    def test_keeps_text_text_and_numbers_numbers(self, column: str, kind: str) -> None:
        cells = _only_row_of(ROW._replace(serial_number="00012345", register="1"))

        assert cells[column].data_type == kind

    @pytest.mark.parametrize(
        "text", ["=1+1", "'=1+1", "+1", "@A1", "{=1}", "http://a.b", "1e5", " 12 ", "a\x0bb\x1fc"]
    )
    def test_takes_no_text_for_more_than_text(self, text: str) -> None:
        cell = _only_row_of(ROW._replace(serial_number=text))["serial_number"]

        shown = text.replace("\x0b", "_x000B_").replace("\x1f", "_x001F_")  # as Excel reads it
        assert (cell.data_type, cell.value, cell.hyperlink) == ("s", shown, None)

    @pytest.mark.parametrize("text", ["\ufffe", "\uffff", "<&>\"'", "é\U0001f600"], ids=ascii)
    def test_stays_well_formed_whatever_a_text_holds(self, text: str) -> None:
        cell = _only_row_of(ROW._replace(serial_number=f"a{text}"))["serial_number"]

        assert str(cell.value).startswith("a")

    def test_says_that_a_code_is_unknown(self) -> None:
        cells = _only_row_of(ROW._replace(reason_code="99"))

        assert cells["reason_code"].value == "99"
        assert cells["reason_code_in_words"].value == "unknown code"

    def test_of_nothing_has_a_heading(self) -> None:
        assert _rows_of([]) == {"Sheet1": []}

    @pytest.mark.parametrize(
        ("count", "sheets_of"),
        [(2, [2]), (3, [2, 1]), (4, [2, 2]), (5, [2, 2, 1])],
        ids=["a full sheet", "one more", "two full sheets", "one more again"],
    )
    def test_begins_another_sheet_where_one_is_full(
        self, monkeypatch: pytest.MonkeyPatch, count: int, sheets_of: list[int]
    ) -> None:
        monkeypatch.setattr(sheets, "ROWS_A_SHEET", 3)

        found = _rows_of(ROW._replace(line_number=number) for number in range(count))

        assert [len(rows) for rows in found.values()] == sheets_of
        assert [row["line_number"].value for rows in found.values() for row in rows] == [
            *range(count)
        ]

    @pytest.mark.thorough
    def test_is_made_in_constant_memory(self) -> None:
        assert _peak_memory("xlsx", 1_500) < 750_000  # its rows alone are more than that


def _peak_memory(file_format: str, count: int) -> int:
    def rows() -> Iterator[listing.Listed]:
        for number in range(count):
            yield ROW._replace(serial_number=f"S{number % 50}", line_number=number)

    for _ in sheets.blocks(itertools.islice(rows(), 50), file_format=file_format):
        pass  # what is kept once and for all
    tracemalloc.start()
    for _ in sheets.blocks(rows(), file_format=file_format):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak
