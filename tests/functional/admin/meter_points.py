"""A meter point with a history: what files told of it, and its page."""

from __future__ import annotations

import pathlib
import re

from tests import builder
from tests.functional.admin import flow_files
from warehouse import models


ADDRESS = f"/warehouse/meterpoint/{builder.MPAN}/change/"


def file(name: str, serial: str, reading_type: str, *readings: builder.Lines) -> dict[str, str]:
    meter = builder.meter(serial, *readings, reading_type=reading_type)
    content = builder.flow_file(builder.meter_point(builder.MPAN, meter), file_id=name)
    return {f"{name}.uff": content.decode()}


def reading_of(file_name: str) -> models.Reading:
    """Return the only reading of a file."""
    flow_file = models.FlowFile.objects.get(file_name=file_name)
    (reading,) = (
        reading
        for reading in models.Reading.objects.filter(mpan_core=builder.MPAN)
        if reading.flow_file_id == flow_file.pk
    )
    return reading


def address_of(reading: models.Reading) -> str:
    return f"/warehouse/reading/{reading.mpan_core}-{reading.pk}/change/"


def reading(month: str, value: str, **rest: str) -> builder.Lines:
    return builder.reading(read_at=f"{month}01000000", value=value, **rest)


def load_history(folder: pathlib.Path) -> None:
    visit = builder.flow_file(
        builder.meter_point(builder.MPAN, builder.line("027|20|card left|")),
        file_id="visit",
    )
    flow_files.load(
        folder,
        {
            **file("first", "OLD 1", "R", reading("202301", "100.0")),
            **file("second", "OLD 1", "R", reading("202302", "150.5")),
            **file("wrong", "OLD 1", "C", reading("202303", "999.0")),
            **file("taken back", "OLD 1", "W", reading("202303", "999.0")),
            **file("right", "OLD 1", "R", reading("202303", "190.0")),
            **file("once more", "OLD 1", "R", reading("202303", "190.0")),
            **file("low", "OLD 1", "R", reading("202304", "180.0")),
            **file("exchange", "NEW 2", "I", reading("202304", "5.0")),
            **file("after", "NEW 2", "R", reading("202305", "25.0")),
            **file("peak", "NEW 2", "R", reading("202304", "40.0", register="MD", md_resets="1")),
            **file(
                "peak 2", "NEW 2", "R", reading("202305", "60.0", register="MD", md_resets="1")
            ),
            "visit.uff": visit.decode(),
        },
    )


def cells(page: str) -> list[dict[str, str]]:
    """Return the rows of the history; a row is its cells by their labels."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        {
            label: " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for label, cell in re.findall(
                r'<td[^>]*data-label="([^"]+)"[^>]*>(.*?)</td>', row, re.DOTALL
            )
        }
        for row in body.split("<tr")[1:]
    ]


def rows(page: str) -> dict[str, dict[str, str]]:
    """Return the rows of the history by file name."""
    return {row["From"].partition(".uff")[0]: row for row in cells(page)}
