"""
Flow files to draw: valid ones with everything that the catalogue allows, and damaged ones.

File ids and MPANs come from a counter and not from what is drawn. So no example meets what
another one left in the tables, which need no emptying, and shrinking is not disturbed.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
from collections.abc import Callable, Sequence

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
    st.characters(codec="utf-8", exclude_characters="|\n\0"),
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
    """Draw the lines between header and trailer."""
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
    version = draw(st.sampled_from(["001", "002", "002"]))
    body = draw(bodies(shared, version))
    flows = sum(line.startswith("026|") for line in body)
    text = "".join(body)
    encodings = ["utf-8", *(name for name in ("cp1252", "latin-1") if _can_encode(text, name))]
    encoding = draw(st.sampled_from(encodings))
    has_last_line_end = draw(st.booleans())
    line_ends = ["\n", "\n", "\r\n", "\r\r\n", *["\r"] * ("\r" not in text)]
    ends = ["", "", "\n\n", " \r\n\t\n", "\x1a", "\x0c\n\0\0\0\n"]
    return File(
        header=f"ZHV|{file_id}|D0010{version}|D|UDMS|X|MRCY|20240201120000||||OPER|",
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


# What has broken importers, for fields of all kinds.
HOSTILE = (
    *(r"\N", r"\.", "\\", "\\\\", "\\t", '"', '""', "'", "%s", "%", "%%", "{}", "\t", "\r"),
    *("\x01", "\x08", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff", "\u202e", "é", "😀"),
    *("", " ", "  ", "\xa0", "NULL", "null", "NaN", "Infinity", "-Infinity", "1e5", "+5", "-1"),
    *(" 5", "5 ", "5.", ".5", ".", "5.25", "5,0", "1_000", "0x10", "123456789012", "99999999.95"),
    *("999999999", "1000", "٥", "５.０", "²", "1０", "--", "; DROP TABLE reading"),  # noqa: RUF001 - digits that are no ASCII
    *("20240230000000", "20230229000000", "20240101240000", "20240101235960", "20240101006000"),
    *("00000101000000", "99991231235959", "19491231235959", "22000101000000", "20241301000000"),
    *("20240100000000", "2024010100000", "202401010000000", "2024010100000０", "20240101"),  # noqa: RUF001 - the same
    *("1200023305968", "120002330596", "12000233059677", " 1200023305967", "１２００023305967"),  # noqa: RUF001 - the same
    *("026", "027", "028", "029", "030", "031", "032", "033", "ZHV", "ZPT", "ZHD", "ZHF", "ZTR"),
    *("D0010001", "D0010002", "D0010003", "D0086002", "TR01", "OPER", "oper", "0", "00", "4"),
    "x" * 11,
    "x" * 201,
    "é" * 200,
    "9" * 400,
    "x" * 5_000,
    "x" * 70_000,
    "|" * 10_000,
    "|x" * 10_000,
    "𝟘" * 14,  # noqa: RUF001 - the same
)
HOSTILE_LINES = tuple(
    text.encode()
    for text in (
        *("", " ", "\t", "\r", r"\.", r"\N", '"', "'", "|", "||", "|||", "%s", "030", "026", "x"),
        *("030|", "026|", "032|", "031|01|", "030 |S|20240101000000|1.0|||T|N|", "ＺＨＶ|"),  # noqa: RUF001 - no ASCII
        *("026||V|", "026|1200023305967|", "026|1200023305967|V", "026|1200023305967|V|x|"),
        *("028|A1|R|", "028|A1|R|||", "028||R|", "028|A1||", "028|A1|RR|", "027|20||", "029|20|"),
        *("030|S|20240101000000|1.0|||T|N|", "030|S|20240101000000|NaN|||T|N|"),
        *("030|S|20240101000000|1.0|||T|N|||||", "030|S|20240101000000|1.0|||T|N", "033|20|"),
        *("032|01|F|", "032|01|", "033|20|x|y|", "034|20|", "zhv|1|", "ZTT|", "<html>", "\x0c"),
        "ZHV|0|D0010002|D|UDMS|X|MRCY|20240201120000||||OPER|",
        "ZPT|0|0||0|20240201121500|",
        "|" * 10_000,
        "030|" + "9|" * 10_000,
        "030|" + "x" * 60_000,
        "027|01|" + "é" * 60_000,
    )
)

Mutation = Callable[[st.DrawFn, "list[bytes]"], None]


def _place(draw: st.DrawFn, lines: Sequence[object]) -> int:
    return draw(st.integers(0, len(lines) - 1))


def _drop_line(draw: st.DrawFn, lines: list[bytes]) -> None:
    del lines[_place(draw, lines)]


def _repeat_line(draw: st.DrawFn, lines: list[bytes]) -> None:
    line = lines[_place(draw, lines)]
    lines.insert(_place(draw, lines), line)


def _swap_lines(draw: st.DrawFn, lines: list[bytes]) -> None:
    one, other = _place(draw, lines), _place(draw, lines)
    lines[one], lines[other] = lines[other], lines[one]


def _cut_line(draw: st.DrawFn, lines: list[bytes]) -> None:
    place = _place(draw, lines)
    lines[place] = lines[place][: draw(st.integers(0, len(lines[place])))]


def _cut_file(draw: st.DrawFn, lines: list[bytes]) -> None:
    place = _place(draw, lines)
    lines[place] = lines[place][: draw(st.integers(0, len(lines[place])))]
    del lines[place + 1 :]


def _change_byte(draw: st.DrawFn, lines: list[bytes]) -> None:
    place = _place(draw, lines)
    line = bytearray(lines[place] or b"x")
    line[_place(draw, line)] = draw(st.integers(0, 255))
    lines[place] = bytes(line)


def _insert_bytes(draw: st.DrawFn, lines: list[bytes]) -> None:
    place = _place(draw, lines)
    line = lines[place]
    cut = draw(st.integers(0, len(line)))
    lines[place] = line[:cut] + draw(st.sampled_from(_BYTES)) + line[cut:]


_BYTES = (
    *(
        b"\0",
        b"\t",
        b"\r",
        b"\n",
        b"\n\n",
        b"\r\n",
        b"\x1a",
        b"\x1b[2J",
        b"\x7f",
        b"\x81",
        b"\xff",
    ),
    *(b"|", b"\\", b"\\.", b"\\N", b"\\x00", b'"', b"'", b"%", b"%(", b"\xe9", b"\xc3", b"\xa0"),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xc0\x80", b"\xff\xfe"),
)


def _change_code(draw: st.DrawFn, lines: list[bytes]) -> None:
    """Damage the group code alone, so that the line may have been of another group."""
    place = _place(draw, lines)
    line = bytearray(lines[place] or b"x")
    line[_place(draw, line[:4])] = draw(st.sampled_from(b"0123689OAz| "))
    lines[place] = bytes(line)


def _change_field(draw: st.DrawFn, lines: list[bytes]) -> None:
    place = _place(draw, lines)
    fields = lines[place].split(b"|")
    fields[_place(draw, fields)] = draw(st.sampled_from(HOSTILE)).encode()
    lines[place] = b"|".join(fields)


def _insert_field(draw: st.DrawFn, lines: list[bytes]) -> None:
    place = _place(draw, lines)
    fields = lines[place].split(b"|")
    fields.insert(_place(draw, fields), draw(st.sampled_from(HOSTILE)).encode())
    lines[place] = b"|".join(fields)


def _drop_field(draw: st.DrawFn, lines: list[bytes]) -> None:
    place = _place(draw, lines)
    fields = lines[place].split(b"|")
    del fields[_place(draw, fields)]
    lines[place] = b"|".join(fields)


def _insert_line(draw: st.DrawFn, lines: list[bytes]) -> None:
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(HOSTILE_LINES)))


def _change_count(draw: st.DrawFn, lines: list[bytes]) -> None:
    fields = lines[-1].split(b"|") + [b""] * 5
    fields[draw(st.integers(1, 5))] = draw(
        st.sampled_from([b"", b"0", b"1", b"-1", b"x", b"4294967296", b"9" * 10, b"9" * 30])
    )
    lines[-1] = b"|".join(fields)


def _double_file(_: st.DrawFn, lines: list[bytes]) -> None:
    lines += lines


_OF_A_LINE: Sequence[Mutation] = (
    _drop_line,
    _repeat_line,
    _swap_lines,
    _cut_line,
    _change_byte,
    _change_code,
    _insert_bytes,
    _change_field,
    _change_field,
    _insert_field,
    _drop_field,
    _insert_line,
)
_OF_A_FILE: Sequence[Mutation] = (*_OF_A_LINE, _cut_file, _change_count, _double_file)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Damaged:
    """What became of a valid file; where only the body was touched, the count is right again."""

    content: bytes
    is_envelope_whole: bool


@st.composite
def damaged_files(draw: st.DrawFn, shared: Meters) -> Damaged:
    """Draw a file that was damaged in one to three places."""
    whole = draw(files(shared))
    if draw(st.booleans()):
        return _damaged_within(draw, whole)
    lines = whole.content.split(b"\n")
    for _ in range(draw(st.integers(1, 3))):
        if lines:
            draw(st.sampled_from(_OF_A_FILE))(draw, lines)
    content = b"\n".join(lines)
    encoding = draw(st.sampled_from(["", "", "", "", "", "utf-16", "utf-16-be", "utf-7", "cp037"]))
    if encoding:
        content = content.decode("latin-1").encode(encoding)
    return Damaged(content=content, is_envelope_whole=False)


def _damaged_within(draw: st.DrawFn, whole: File) -> Damaged:
    """Damage the body and count it anew, so that its lines are looked at one by one."""
    body = [line.encode() for line in whole.body]
    for _ in range(draw(st.integers(1, 3))):
        if body:
            draw(st.sampled_from(_OF_A_LINE))(draw, body)
    text = b"\n".join(body)
    # Nothing of the body may pass for the end of the file, or for what no file has.
    found = oracle.split(b"ZHV|\n" + text)[1:]
    is_whole = all(
        not line.startswith((b"ZHV|", b"ZPT|")) and len(line) < 65_000 and b"\0" not in line
        for line in found
    )
    count = sum(line.strip(b" \t") != b"" for line in found)
    _, file_id, _, *rest = whole.trailer.split("|")
    trailer = "|".join(["ZPT", file_id, str(count), *rest])
    content = b"\n".join([whole.header.encode(), *([text] if body else []), trailer.encode(), b""])
    return Damaged(content=content, is_envelope_whole=is_whole)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MixedBatch:
    """Valid and damaged files about the same meters, in the order to give them in."""

    files: Sequence[File | Damaged]
    is_given_again: bool


@st.composite
def mixed_batches(draw: st.DrawFn) -> MixedBatch:
    shared = draw(meters())
    good = draw(st.lists(files(shared), min_size=1, max_size=2))
    damaged = draw(st.lists(damaged_files(shared), min_size=1, max_size=3))
    return MixedBatch(
        files=draw(st.permutations([*good, *damaged])),
        is_given_again=draw(st.sampled_from([False, False, False, True])),
    )


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
