"""What is listed as files that people take away: CSV for programs, XLSX for spreadsheets."""

from __future__ import annotations

import datetime
import functools
import itertools
import re
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import IO

import xlsxwriter
from django.db.models import TextChoices
from django.utils import timezone
from xlsxwriter import format as xlsx_format
from xlsxwriter import worksheet

from warehouse import codes, keys
from warehouse.queries import listing


# What they hold, as web servers name it.
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_ROWS_A_BLOCK = 500
_BYTES_A_BLOCK = 256 * 1024
_KEPT = 10_000  # cells and times whose text is kept: the same ones come again and again

# What a spreadsheet takes for a formula (OWASP, "CSV Injection"): a sign, one of full width too,
# behind blanks that some programs pass over; a tab or a line end that others do. One that has
# apostrophes before it gets one more, so that each cell still tells what it was made from.
_FORMULA = re.compile(
    rf"'*(?:[{re.escape(keys.BLANKS)}]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r\n])"
)
# A semicolon separates nothing here, but does in programs that are set up for another country.
_NEEDS_QUOTES = re.compile('[",;\t\r\n]')

# As many as a sheet of Excel has, the heading among them.
ROWS_A_SHEET = 1_048_576


def blocks(rows: Iterable[listing.Listed], *, file_format: str) -> Generator[bytes, None, None]:
    """
    Yield readings as a file of this format, one of `CONTENT_TYPES`, in constant memory.

    :raises OSError: if there is no room for an XLSX file, which is made on disk first
    """
    return csv(listing.Listed._fields, rows) if file_format == "csv" else _xlsx(rows)


def csv(
    columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> Generator[bytes, None, None]:
    """Yield a heading and a line each, times in UK time with offset, harmless in a spreadsheet."""
    yield (",".join(columns) + "\n").encode()
    left = iter(rows)
    while block := list(itertools.islice(left, _ROWS_A_BLOCK)):
        yield "".join([",".join(map(_csv_cell, row)) + "\n" for row in block]).encode()


def _csv_cell(value: object) -> str:
    if isinstance(value, str):
        return _csv_text(value)
    if isinstance(value, datetime.datetime):
        return _csv_time(value)
    return "" if value is None else str(value)


@functools.lru_cache(_KEPT)
def _csv_text(text: str) -> str:
    if _FORMULA.match(text):
        text = f"'{text}"
    if _NEEDS_QUOTES.search(text):
        return '"{}"'.format(text.replace('"', '""'))
    return text


@functools.lru_cache(_KEPT)
def _csv_time(moment: datetime.datetime) -> str:
    return timezone.localtime(moment).isoformat()


def _xlsx(rows: Iterable[listing.Listed]) -> Generator[bytes, None, None]:
    """
    Yield a workbook whose cells are what they hold: text, numbers, UK clock times.

    Text is no formula there, whatever it begins with. Beside each code stand its words.
    """
    with tempfile.TemporaryFile() as file:
        _write_workbook(rows, file)
        file.seek(0)
        while block := file.read(_BYTES_A_BLOCK):
            yield block


def _write_workbook(rows: Iterable[listing.Listed], file: IO[bytes]) -> None:
    # Its rows go to disk one by one; the workbook is put together when it is closed.
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
        workbook.use_zip64()
        clock_time = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet, place = _new_sheet(workbook), 0
        for row in rows:
            place += 1
            if place == ROWS_A_SHEET:
                sheet, place = _new_sheet(workbook), 1
            _write_row(sheet, place, row, clock_time)


def _new_sheet(workbook: xlsxwriter.Workbook) -> worksheet.Worksheet:
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 0)
    bold = workbook.add_format({"bold": True})
    for place, name in enumerate(_headings()):
        sheet.write_string(0, place, name, bold)
        sheet.set_column(place, place, max(12, len(name) + 2))
    return sheet


def _headings() -> Iterator[str]:
    for name in listing.Listed._fields:
        yield name
        if name in codes.OF_COLUMNS:
            yield f"{name}_in_words"


def _write_row(
    sheet: worksheet.Worksheet, place: int, row: listing.Listed, clock_time: xlsx_format.Format
) -> None:
    column = 0
    for name, value in zip(listing.Listed._fields, row, strict=True):
        if isinstance(value, str):
            if value:
                sheet.write_string(place, column, value)
        elif isinstance(value, datetime.datetime):
            sheet.write_datetime(place, column, _clock_time(value), clock_time)
        elif value is not None:
            sheet.write_number(place, column, float(value))
        column += 1
        if name in codes.OF_COLUMNS:
            if value:
                sheet.write_string(place, column, _in_words(codes.OF_COLUMNS[name], value))
            column += 1


@functools.lru_cache(_KEPT)
def _clock_time(moment: datetime.datetime) -> datetime.datetime:
    """Return UK clock time, as a spreadsheet has no time zones."""
    return timezone.localtime(moment).replace(tzinfo=None)


@functools.lru_cache(_KEPT)
def _in_words(choices: type[TextChoices], code: str) -> str:
    return dict(choices.choices).get(code, "unknown code")
