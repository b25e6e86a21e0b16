"""
A plain reading of a flow file, line by line, to compare the product with.

Written from the specification alone: it shares no code with what it judges, keeps everything in
memory, and prefers the obvious to the quick.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import NamedTuple


LONDON = zoneinfo.ZoneInfo("Europe/London")
PARENTS = {
    "026": "",
    "027": "026",
    "028": "026",
    "029": "028",
    "030": "028",
    "032": "030",
    "033": "030",
}
# What stands for each of these codes in a file, by its flow.
CODES = {
    "D0010": {code: code for code in PARENTS},
    "D0086": {
        "026": "196",
        "027": "765",
        "028": "197",
        "029": "766",
        "030": "198",
        "032": "07A",
        "033": "199",
    },
}
# What is not seen, in Unicode's ranges; at both ends of a text, or anywhere in a serial number.
_UNSEEN = (
    "[\x01-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    "\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
    "\U000e0100-\U000e01ef]"
)


class Reading(NamedTuple):
    """What one line of a reading says, with what stands above and below it."""

    mpan_core: str
    serial_key: str
    register: str
    read_at: datetime.datetime
    value: Decimal
    md_reset_at: datetime.datetime | None
    md_reset_count: int | None
    reading_flag: str
    reading_method: str
    reading_type: str
    validation_status: str
    reason_code: str
    reading_status: str


class SiteVisit(NamedTuple):
    """What one line of a site visit says, and what it is said of."""

    mpan_core: str
    serial_key: str | None
    reading_line_number: int | None
    check_code: str
    additional_information: str


@dataclasses.dataclass
class Line:
    """
    One line in its place; `is_sound` is whether it and all lines above it can be loaded.

    `code` is that of D0010, whatever stands for it in the file.
    """

    number: int
    code: str
    fields: Sequence[str]
    parent: Line | None
    is_sound: bool
    result: Line | None = None
    result_count: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Content:
    """What is kept of a file, each by its line number."""

    raw_lines: Mapping[int, str]
    readings: Mapping[int, Reading]
    site_visits: Mapping[int, SiteVisit]
    rejected_line_numbers: AbstractSet[int]


REJECTED = Content(raw_lines={}, readings={}, site_visits={}, rejected_line_numbers=frozenset())


def split(content: bytes) -> list[bytes]:
    """Cut at line ends: at a CR alone where that ends the first line, or between two records."""
    first_end = re.search(rb"\r*\n|\r", content.rstrip(b"\r"))
    if first_end and first_end[0] == b"\r":
        return re.split(rb"\r\n|\n|\r", content)
    return re.split(rb"\r*\n|(?<=\|)\r+(?=[0-9A-Za-z]{3}\|)", content.rstrip(b"\r"))


def text_lines(content: bytes) -> dict[int, str]:
    """Return the lines that are not blank, by number, without what pads header and trailer."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    encoding = next(name for name in ("utf-8", "cp1252", "latin-1") if _can_decode(content, name))
    lines: dict[int, bytes] = {}
    is_behind_trailer = False
    for number, whole_line in enumerate(split(content), start=1):
        if not whole_line.strip(b" \t" + b"\x1a\x0c\0\r" * is_behind_trailer):
            continue
        is_behind_trailer = whole_line.startswith(b"ZPT|")
        is_header = not lines and whole_line.startswith(b"ZHV|")
        padding = b" \t\x1a\x0c\0\r" if is_behind_trailer else b" \t" * is_header
        lines[number] = whole_line.rstrip(padding) if padding else whole_line
    return {number: line.decode(encoding) for number, line in lines.items()}


def content_of(content: bytes) -> Content:
    """Walk through a file whose envelope is whole."""
    lines = text_lines(content)
    first, *within, _ = lines
    flow = lines[first].split("|")[2].strip()
    codes = CODES[flow[:5]]
    placed = _walk({number: lines[number] for number in within}, flow[-3:], codes)
    sound = [line for line in placed if line.is_sound]
    return Content(
        raw_lines=lines,
        readings={line.number: _reading(line) for line in sound if line.code == "030"},
        site_visits={
            line.number: _site_visit(line) for line in sound if line.code in ("027", "029", "033")
        },
        rejected_line_numbers={line.number for line in placed if not line.is_sound},
    )


def _walk(lines: Mapping[int, str], version: str, codes: Mapping[str, str]) -> list[Line]:
    placed = []
    above: dict[str, Line] = {}
    for number, text in lines.items():
        sent, pipe, _ = text.partition("|")
        code = next((code for code, in_file in codes.items() if in_file == sent), "")
        if not code or not pipe:
            placed.append(Line(number, code, [], None, is_sound=False))
            above = _open_behind_unknown(text, above, codes)
            continue
        parent = above.get(PARENTS[code])
        has_place = code == "026" or (parent is not None and parent.is_sound)
        fields = text.split("|")[1:]
        line = Line(number, code, [*fields, *[""] * 7], parent, is_sound=has_place)
        line.is_sound = has_place and _is_closed(text) and _RULES[code](line, version)
        if code == "032" and parent is not None:
            parent.result_count += 1
            line.is_sound &= parent.result_count == 1
            parent.result = line if line.is_sound else parent.result
        above = {name: open_line for name, open_line in above.items() if not _is_below(name, code)}
        above[code] = line
        placed.append(line)
    return placed


def _open_behind_unknown(
    text: str, above: dict[str, Line], codes: Mapping[str, str]
) -> dict[str, Line]:
    """
    Tell what a line of no known group leaves open: whatever it may have been before it broke.

    Without three letters or digits and a | at its start nothing is known of it. Else it may be
    what stands for a 026, 028 or 030 with one wrong character, the first of these that fits.
    """
    if not re.match(r"[0-9A-Za-z]{3}\|", text):
        return {}
    for code in ("026", "028", "030"):
        sent = codes[code]
        patterns = (f".{sent[1:]}", f"{sent[0]}.{sent[2]}", f"{sent[:2]}.")
        if any(re.match(pattern, text) for pattern in patterns):
            return {name: line for name, line in above.items() if not _is_below(name, code)}
    return above


def _is_below(code: str, other: str) -> bool:
    return code == other or (code != "" and _is_below(PARENTS[code], other))


def _is_closed(text: str) -> bool:
    return bool(re.search(rf"\|{_UNSEEN}*\Z", text))


def _is_point(line: Line, _: str) -> bool:
    return (
        re.fullmatch(r"[0-9]{13}", stripped(line.fields[0])) is not None
        and stripped(line.fields[0]) != "0" * 13
        and _is_given(line.fields[1], 1)
        and _is_all(line, 2)
    )


def _is_meter(line: Line, _: str) -> bool:
    serial_number = stripped(line.fields[0])
    return _is_given(serial_number, 10) and _is_given(line.fields[1], 1) and _is_all(line, 2)


def _is_reading(line: Line, version: str) -> bool:
    register, read_at, value, md_reset_at, md_resets, flag, method = line.fields[:7]
    return (
        _is_given(stripped(register), 2)
        and _time(read_at) is not None
        and re.fullmatch(r"[0-9]{1,8}(\.[0-9]0*)?", value) is not None
        and (_is_blank(md_reset_at) or _time(md_reset_at) is not None)
        and (_is_blank(md_resets) or re.fullmatch(r"[0-9]{1,3}", md_resets) is not None)
        and len(flag) <= 1
        and (_is_given(method, 1) if version == "002" else _is_blank(method) and len(method) <= 1)
        and _is_all(line, 7)
    )


def _is_result(line: Line, _: str) -> bool:
    return len(line.fields[0]) <= 2 and _is_given(line.fields[1], 1) and _is_all(line, 2)


def _is_visit(line: Line, _: str) -> bool:
    return _is_given(line.fields[0], 2) and len(line.fields[1]) <= 200 and _is_all(line, 2)


_RULES: Mapping[str, Callable[[Line, str], bool]] = {
    "026": _is_point,
    "027": _is_visit,
    "028": _is_meter,
    "029": _is_visit,
    "030": _is_reading,
    "032": _is_result,
    "033": _is_visit,
}


def _is_blank(text: str) -> bool:
    return stripped(text) == ""


def stripped(text: str) -> str:
    """Return a text without what nobody sees at its ends."""
    return re.sub(rf"\A{_UNSEEN}+|{_UNSEEN}+\Z", "", text)


def _key(serial_number: str) -> str:
    return re.sub(_UNSEEN, "", serial_number).upper()


def _reason(code: str) -> str:
    return "" if _is_blank(code) else code


def _is_given(text: str, longest: int) -> bool:
    return not _is_blank(text) and len(text) <= longest


def _is_all(line: Line, count: int) -> bool:
    return all(_is_blank(field) for field in line.fields[count:])


def _can_decode(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _time(text: str) -> datetime.datetime | None:
    if not re.fullmatch(r"[0-9]{14}", text) or not 1950 <= int(text[:4]) <= 2199:
        return None
    try:
        clock = datetime.datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - follows below
    except ValueError:
        return None
    # Of an hour shown twice the second is meant; a skipped one counts as if it had not been. In
    # both cases that is the later of the two instants that the clock could stand for.
    return max(
        clock.replace(tzinfo=LONDON, fold=fold).astimezone(datetime.timezone.utc)
        for fold in (0, 1)
    )


def _reading(line: Line) -> Reading:
    register, read_at, value, md_reset_at, md_resets, flag, method = line.fields[:7]
    meter = line.parent
    assert meter is not None
    point = meter.parent
    assert point is not None
    instant = _time(read_at)
    assert instant is not None
    return Reading(
        mpan_core=stripped(point.fields[0]),
        serial_key=_key(meter.fields[0]),
        register=stripped(register),
        read_at=instant,
        value=Decimal(value),
        md_reset_at=_time(md_reset_at),
        md_reset_count=None if _is_blank(md_resets) else int(md_resets),
        reading_flag=stripped(flag),
        reading_method=stripped(method),
        reading_type=meter.fields[1],
        validation_status=point.fields[1],
        reason_code=_reason(line.result.fields[0]) if line.result else "",
        reading_status=line.result.fields[1] if line.result else "",
    )


def _site_visit(line: Line) -> SiteVisit:
    above = {}
    parent = line.parent
    while parent is not None:
        above[parent.code] = parent
        parent = parent.parent
    return SiteVisit(
        mpan_core=stripped(above["026"].fields[0]),
        serial_key=_key(above["028"].fields[0]) if "028" in above else None,
        reading_line_number=above["030"].number if "030" in above else None,
        check_code=line.fields[0],
        additional_information=line.fields[1],
    )
