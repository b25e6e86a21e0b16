"""A meter point with a past, for browser tests and screenshots: files to load by the command."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from tests import builder


MPAN = builder.MPAN
_QUARTERS = [
    f"{year}{month}01" for year in (2013, 2014, 2015) for month in ("01", "04", "07", "10")
]


def write(folder: pathlib.Path) -> pathlib.Path:
    """Write the files into the folder, named in the order to load them in; return the folder."""
    for place, (name, content) in enumerate(_files()):
        (folder / f"{place:02d} {name}.uff").write_bytes(content)
    return folder


def _files() -> Iterator[tuple[str, bytes]]:
    value = 41_280.0
    for place, day in enumerate(_QUARTERS):
        value += 790 + (place % 4 in {0, 1}) * 310 + place * 7
        yield (
            f"routine {day}",
            _one("K12A 44821", day, f"{value:.1f}", "C" if place % 5 == 2 else "R"),
        )
    yield "no access", _file("no access", builder.line("027|20|Dog in garden, card left at door|"))
    yield (
        "meter exchange",
        _file(
            "exchange",
            builder.meter(
                "K12A 44821",
                builder.reading(read_at="20160125000000", value="53120.0", method="P"),
                reading_type="F",
            ),
            builder.meter(
                "F75A 00802",
                builder.reading(read_at="20160125000000", value="55000.0", method="P"),
                builder.line("029|10|Old meter taken off site|"),
                reading_type="I",
            ),
        ),
    )
    yield (
        "suspect",
        builder.flow_file(
            builder.meter_point(
                MPAN,
                builder.meter(
                    "F75A 00802",
                    builder.reading(
                        read_at="20160401000000",
                        value="56102.0",
                        flag="F",
                        below=builder.line("032|03|F|"),
                    ),
                ),
                validation_status="F",
            ),
            file_id="suspect",
        ),
    )
    yield "corrected", _one("F75A 00802", "20160401", "57102.0", "R")
    yield "customer", _one("F75A 00802", "20160701", "99999.0", "C")
    yield "taken back", _one("F75A 00802", "20160701", "99999.0", "W")
    yield "visited", _one("F75A 00802", "20160701", "57999.0", "R")
    yield "sent again", _one("F75A 00802", "20160701", "57999.0", "R", sender="OTHR")
    yield (
        "partly wrong",
        builder.flow_file(
            builder.meter_point(
                builder.OTHER_MPAN,
                builder.meter(
                    "S95105287",
                    builder.reading("TO", read_at="20160332000000", value="81900.0"),
                    builder.reading("TO", read_at="20160330000000", value="81902.0"),
                ),
            ),
            file_id="partly",
            sender="OTHR",
        ),
    )
    yield "cut short", builder.flow_file(trailer="", file_id="cut").rstrip(b"\n") + b"\n"


def _one(serial: str, day: str, value: str, reading_type: str, sender: str = "UDMS") -> bytes:
    reading = builder.reading(read_at=f"{day}000000", value=value)
    return _file(
        f"{day[2:]}{reading_type}{sender[0]}",
        builder.meter(serial, reading, reading_type=reading_type),
        sender=sender,
    )


def _file(name: str, *inner: builder.Lines, sender: str = "UDMS") -> bytes:
    return builder.flow_file(builder.meter_point(MPAN, *inner), file_id=name, sender=sender)
