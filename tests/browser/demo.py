"""A meter point with a past, for browser tests and screenshots: files to load by the command."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import TypedDict

from tests import builder


MPAN = builder.MPAN
DOUBTFUL_MPAN = builder.THIRD_MPAN
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
    yield (
        "no access",
        _file(
            "no access", builder.line("027|20|Dog in garden, card left at door|"), day="20160120"
        ),
    )
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
            day="20160125",
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
            **_envelope("suspect", "20160401"),
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
            **_envelope("partly", "20160331", "OTHR"),
        ),
    )
    # The latest of this register is one that nobody should quote.
    yield (
        "doubtful",
        builder.flow_file(
            builder.meter_point(
                DOUBTFUL_MPAN,
                builder.meter(
                    "D16C02551",
                    builder.reading("DY", read_at="20160401000000", value="20417.0"),
                    builder.reading(
                        "DY",
                        read_at="20160701000000",
                        value="9118.0",
                        flag="F",
                        below=builder.line("032|11|F|"),
                    ),
                ),
            ),
            **_envelope("doubtful", "20160702"),
        ),
    )
    yield "cut short", builder.flow_file(trailer="", file_id="cut").rstrip(b"\n") + b"\n"


def _one(serial: str, day: str, value: str, reading_type: str, sender: str = "UDMS") -> bytes:
    reading = builder.reading(read_at=f"{day}000000", value=value)
    return _file(
        f"{day[2:]}{reading_type}{sender[0]}",
        builder.meter(serial, reading, reading_type=reading_type),
        day=day,
        sender=sender,
    )


def _file(name: str, *inner: builder.Lines, day: str, sender: str = "UDMS") -> bytes:
    return builder.flow_file(builder.meter_point(MPAN, *inner), **_envelope(name, day, sender))


class _Envelope(TypedDict):
    file_id: str
    header: str


def _envelope(name: str, day: str, sender: str = "UDMS") -> _Envelope:
    """Return a header that says that the file was made on this day."""
    header = f"ZHV|{name}|D0010002|D|{sender}|X|MRCY|{day}120000||||OPER|"
    return {"file_id": name, "header": header}
