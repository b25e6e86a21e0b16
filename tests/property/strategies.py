"""
Valid flow files to draw, with everything that the catalogue allows; damages.py damages them.

File ids and MPANs come from a counter and not from what is drawn. So no example meets what
another one left in the tables, which need no emptying, and shrinking is not disturbed.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.property import oracle


PRIMES = (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43)
MIDNIGHT = datetime.time(0, 0, 0)
NEARLY_MIDNIGHT = datetime.time(23, 59, 59)

_numbers = itertools.count(1)


def mpan_core(number: int) -> str:
    """Return a valid MPAN core."""
    digits = f"{120_000_000_000 + number}"
    check = sum(prime * int(digit) for prime, digit in zip(PRIMES, digits, strict=True))
    return f"{digits}{check % 11 % 10}"


# Everything may stand in a text but the separators and NUL; these are the ones that have broken
# importers, and there is always a chance of any other.
_AWKWARD = "\"'\\\t\r%{};,-.$`*?<>&#@\x01\x0b\x1b\x1c\x7f\x85\xa0é£ß€Łж中\u2028\ufeff😀"
_CHARACTERS = st.one_of(
    st.sampled_from("ABCDEFXYZ0123456789 "),
    st.sampled_from("ABCDEFXYZ0123456789 "),
    st.sampled_from(_AWKWARD),
    st.characters(exclude_categories=["Cs"], exclude_characters="|\n\0"),
)
_PLAIN = "0123456789 ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz"


def texts(longest: int) -> st.SearchStrategy[str]:
    """Draw a text that is more than what nobody sees."""
    return st.text(_CHARACTERS, min_size=1, max_size=longest).filter(
        # A CR with what looks like a record behind it ends a line.
        lambda text: oracle.stripped(text) != "" and not re.match(r"\r+[0-9A-Za-z]{3}$", text)
    )


def codes(known: str | Sequence[str]) -> st.SearchStrategy[str]:
    """Draw a code of the valid set, now and then another one of its length."""
    length = len(known[0])
    return st.one_of(st.sampled_from(known), st.sampled_from(known), texts(length))


_SERIAL_NUMBERS = st.one_of(
    st.sampled_from(["F75A 00802", "D13C01717", "36933604", "A1", "a 1", r"\N", r"\.", '"']),
    st.sampled_from(["A1  ", "\tA1", "a\xa01", "A\t1", "A1        \t"]),
    texts(10),
)
_REGISTERS = st.one_of(
    st.sampled_from(["S", "S ", "\tS", "TO", "01", "1", "DY", "NT", r"\N"]), texts(2)
)
_INFORMATION = st.one_of(
    st.sampled_from(["", r"\N", r"\.", '"', "100 %s", "'; DROP TABLE reading; --", "x" * 200]),
    st.text(_CHARACTERS, max_size=12),
)
_VISIT_CODES = codes(
    [f"{number:02d}" for number in (*range(1, 12), *range(13, 45), *range(50, 59), 88, 89)]
)
_REASON_CODES = st.one_of(
    st.sampled_from(["", " "]), codes([f"{number:02d}" for number in range(1, 28)])
)
_READING_TYPES = codes("ACDFIMPQRSTUVWXYZO")
_STATUSES = codes("VUF")
_FLAGS = st.one_of(st.sampled_from(["", "T", "F", " "]), codes("TF"))
_METHODS = codes("NP")
_OUTCOMES = codes("TF")
_VALUES = st.one_of(
    st.sampled_from(["0", "0.0", "00000000.0", "007", "99999999.9", "99999999", "10.5", "7.000"]),
    st.integers(0, 99_999_999).map(str),
    st.integers(0, 999_999_999).map(lambda tenths: f"{tenths // 10}.{tenths % 10}"),
)
_RESET_COUNTS = st.one_of(st.just(""), st.sampled_from(["", " ", "0", "000", "007", "999", "12"]))
_DAYS = st.dates(datetime.date(1950, 1, 1), datetime.date(2199, 12, 31))
# The nights in which UK clocks change: skipped hours, repeated hours, and what is next to them.
_CHANGES = st.builds(
    lambda day, hour, minute: datetime.datetime.combine(day, datetime.time(hour, minute)),
    st.sampled_from(
        [
            datetime.date(1968, 10, 27),
            datetime.date(1971, 10, 31),
            datetime.date(1972, 3, 19),
            datetime.date(2016, 3, 27),
            datetime.date(2016, 10, 30),
            datetime.date(2024, 3, 31),
            datetime.date(2024, 10, 27),
            datetime.date(2150, 3, 29),
        ]
    ),
    st.integers(0, 3),
    st.sampled_from([0, 30, 59]),
)
_TIMES = st.one_of(
    st.builds(datetime.datetime.combine, _DAYS, st.sampled_from([MIDNIGHT, NEARLY_MIDNIGHT])),
    st.builds(datetime.datetime.combine, _DAYS, st.times()),
    _CHANGES,
).map(lambda clock: clock.strftime("%Y%m%d%H%M%S"))
_RESET_TIMES = st.one_of(st.sampled_from(["", "", " "]), _TIMES)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Meters:
    """The meter points and meters that the files of one example share."""

    mpan_cores: Sequence[str]
    serial_numbers: Sequence[str]


@st.composite
def meters(draw: st.DrawFn) -> Meters:
    number = next(_numbers) * 3
    cores = [mpan_core(number + offset) for offset in range(3)]
    if draw(st.booleans()):
        # A wrong check digit is only worth a warning.
        cores[2] = cores[2][:12] + str((int(cores[2][12]) + 5) % 10)
    return Meters(
        mpan_cores=cores,
        serial_numbers=draw(st.lists(_SERIAL_NUMBERS, min_size=1, max_size=2)),
    )


_PADDING = st.sampled_from(["", "", "", "", "|", " ", " | |"])


@st.composite
def _site_visits(draw: st.DrawFn, code: str) -> list[str]:
    lines = []
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        information = draw(_INFORMATION)
        # An optional item at the end may be missing with its separator.
        end = "" if information == "" and draw(st.booleans()) else f"{information}|"
        lines.append(f"{code}|{draw(_VISIT_CODES)}|{end}")
    return lines


@st.composite
def _readings(draw: st.DrawFn, version: str) -> list[str]:
    items = [draw(_REGISTERS), draw(_TIMES), draw(_VALUES)]
    items += [draw(_RESET_TIMES), draw(_RESET_COUNTS), draw(_FLAGS)]
    if version == "002":
        items.append(draw(_METHODS))
    elif draw(st.booleans()):
        while not items[-1].strip(" "):
            items.pop()
    else:
        items.append("")
    below = draw(_site_visits("033"))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(below)))
        below.insert(place, f"032|{draw(_REASON_CODES)}|{draw(_OUTCOMES)}|")
    return ["|".join(["030", *items]) + "|" + draw(_PADDING), *below]


@st.composite
def bodies(draw: st.DrawFn, shared: Meters, version: str) -> list[str]:
    """Draw the lines between header and trailer, as a D0010 has them."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        core, status = draw(st.sampled_from(shared.mpan_cores)), draw(_STATUSES)
        lines += [f"026|{core}|{status}|", *draw(_site_visits("027"))]
        for _ in range(draw(st.integers(0, 2))):
            serial_number = draw(st.sampled_from(shared.serial_numbers))
            lines.append(f"028|{serial_number}|{draw(_READING_TYPES)}|{draw(_PADDING)}")
            lines += draw(_site_visits("029"))
            for _ in range(draw(st.integers(0, 2))):
                lines += draw(_readings(version))
    return lines


@dataclasses.dataclass(frozen=True, kw_only=True)
class File:
    """A flow file in its parts; its content is what a sender would write."""

    header: str
    body: Sequence[str]
    trailer: str
    encoding: str = "utf-8"
    line_end: str = "\n"
    start: bytes = b""
    end: str = ""
    has_last_line_end: bool = True

    @property
    def content(self) -> bytes:
        text = self.line_end.join([self.header, *self.body, self.trailer])
        text += self.line_end * self.has_last_line_end + self.end
        return self.start + text.encode(self.encoding)


@st.composite
def files(draw: st.DrawFn, shared: Meters) -> File:
    """Draw a valid file, and what transfers do to one."""
    file_id = f"{next(_numbers):010d}"
    flow = draw(st.sampled_from(["D0010001", "D0010002", "D0010002", "D0086002"]))
    body = draw(bodies(shared, flow[-3:]))
    flows = sum(line.startswith("026|") for line in body)
    body = [oracle.CODES[flow[:5]][line[:3]] + line[3:] for line in body]
    text = "".join(body)
    encodings = ["utf-8", *(name for name in ("cp1252", "latin-1") if _can_encode(text, name))]
    encoding = draw(st.sampled_from(encodings))
    has_last_line_end = draw(st.booleans())
    line_ends = ["\n", "\n", "\r\n", "\r\r\n", *["\r"] * ("\r" not in text)]
    ends = ["", "", "\n\n", " \r\n\t\n", "\x1a", "\x0c\n\0\0\0\n"]
    return File(
        header=f"ZHV|{file_id}|{flow}|D|UDMS|X|MRCY|20240201120000||||OPER|",
        body=body,
        trailer=f"ZPT|{file_id}|{len(body)}||{flows}|20240201121500|",
        encoding=encoding,
        line_end=draw(st.sampled_from(line_ends)),
        start=b"\xef\xbb\xbf" if encoding == "utf-8" and draw(st.booleans()) else b"",
        end=draw(st.sampled_from(ends)) if has_last_line_end else "",
        has_last_line_end=has_last_line_end,
    )


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[File], list[File]]:
    """Draw files about the same meters, for two runs, so that the second finds them known."""
    shared = draw(meters())
    first = draw(st.one_of(st.just([]), st.lists(files(shared), min_size=1, max_size=2)))
    return first, draw(st.lists(files(shared), min_size=1, max_size=3))


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
