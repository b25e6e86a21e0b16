"""Readings as CSV: streamed, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from warehouse import models
from warehouse.queries import listing


# What a spreadsheet takes for the beginning of a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Before Python 3.13 a cell is quoted for the characters of this only.
_LINE_END = "\r\n"


class _Echo:
    """A file that hands each line back instead of keeping it, ended as `export_readings` does."""

    def write(self, line: str) -> str:
        return f"{line.removesuffix(_LINE_END)}\n"


def csv_response(readings: QuerySet[models.Reading], *, name: str) -> StreamingHttpResponse:
    """Return the readings as a CSV file of this name, in constant memory."""
    return StreamingHttpResponse(
        _lines(readings),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _lines(readings: QuerySet[models.Reading]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo(), lineterminator=_LINE_END)
    yield writer.writerow(listing.COLUMNS)
    for row in listing.rows(readings):
        yield writer.writerow([_harmless(cell) for cell in row])


def _harmless(cell: object) -> object:
    """Return the cell; text that a spreadsheet would run as a formula gets an apostrophe."""
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
