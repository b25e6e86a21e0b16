"""Readings as the contract's `reading_listing` has them, for files that people take away."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from django.db.models import QuerySet
from django.utils import timezone

from warehouse import models


COLUMNS = (
    "mpan_core",
    "serial_number",
    "register",
    "read_at",
    "value",
    "reading_type",
    "validation_status",
    "reading_flag",
    "reading_method",
    "reason_code",
    "reading_status",
    "md_reset_at",
    "md_reset_count",
    "file_name",
    "line_number",
)
_ROWS_A_FETCH = 2_000


def rows(readings: QuerySet[models.Reading]) -> Iterator[Sequence[object]]:
    """Yield the readings' rows as they come from the server, times in UK time with offset."""
    found = readings.select_related("register__meter", "flow_file")
    for reading in found.iterator(chunk_size=_ROWS_A_FETCH):
        yield (
            reading.mpan_core,
            reading.register.meter.serial_number,
            reading.register.identifier,
            _clock_time(reading.read_at),
            reading.value,
            reading.reading_type,
            reading.validation_status,
            reading.reading_flag,
            reading.reading_method,
            reading.reason_code,
            reading.reading_status,
            _clock_time(reading.md_reset_at),
            "" if reading.md_reset_count is None else reading.md_reset_count,
            reading.flow_file.file_name,
            reading.line_number,
        )


def _clock_time(moment: datetime.datetime | None) -> str:
    return "" if moment is None else timezone.localtime(moment).isoformat()
