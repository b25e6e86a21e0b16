"""Damaged flow files to draw: valid ones in which something was dropped, changed or put in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from tests.property import oracle, strategies


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
def damaged_files(draw: st.DrawFn, shared: strategies.Meters) -> Damaged:
    """Draw a file that was damaged in one to three places."""
    whole = draw(strategies.files(shared))
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


def _damaged_within(draw: st.DrawFn, whole: strategies.File) -> Damaged:
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

    files: Sequence[strategies.File | Damaged]
    is_given_again: bool


@st.composite
def mixed_batches(draw: st.DrawFn) -> MixedBatch:
    shared = draw(strategies.meters())
    good = draw(st.lists(strategies.files(shared), min_size=1, max_size=2))
    damaged = draw(st.lists(damaged_files(shared), min_size=1, max_size=3))
    return MixedBatch(
        files=draw(st.permutations([*good, *damaged])),
        is_given_again=draw(st.sampled_from([False, False, False, True])),
    )
