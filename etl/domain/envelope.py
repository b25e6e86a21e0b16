"""The envelope of a flow file: header, trailer, and whether what is between them is whole."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from . import checksum, findings, grammar, records


LIVE_TEST_FLAG = "OPER"

# J-item, name and longest value of each field behind the record code, in the order they are sent.
_HEADER_FIELDS = (
    ("J1064", "File Identifier", 10),
    ("J0937", "Flow and Version", 8),
    ("J0934", "From Role Code", 1),
    ("J0938", "From Participant Id", 4),
    ("J0935", "To Role Code", 1),
    ("J0939", "To Participant Id", 4),
    ("J0280", "File Creation Timestamp", 14),
    ("J1060", "Sending Application Id", 5),
    ("J1061", "Receiving Application Id", 5),
    ("J1062", "Broadcast", 1),
    ("J1063", "Test Data Flag", 4),
)
_MANDATORY_HEADER_FIELDS = 7
# Where these are all that there is, which is nearly everywhere, nothing else need be looked for.
_COMMON_GROUPS = ("026", "028", "030")
_OTHER_GROUPS = tuple(code for code in grammar.GROUPS if code not in _COMMON_GROUPS)
_TRAILER_NAMES = {
    "J1064": "File Identifier",
    "J1067": "Total Group Count",
    "J1078": "Checksum",
    "J1066": "Flow Count",
    "J1065": "File Completion Timestamp",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Header:
    """ZHV, the first line; the creation time (J0280) is UK clock time."""

    file_identifier: str
    flow: str
    sender_role: str
    sender: str
    recipient_role: str
    recipient: str
    created_at: datetime.datetime
    sending_application: str
    receiving_application: str
    broadcast: str
    test_flag: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trailer:
    """ZPT, the last line; what it counts leaves header and trailer out."""

    group_count: int
    checksum: str
    flow_count: int | None
    completed_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileIssue:
    """A finding about a file as a whole, at the line where it shows."""

    code: str
    line_number: int
    group_code: str = ""
    item: str = ""
    name: str = ""
    value: str = ""
    expected: str = ""

    @property
    def severity(self) -> findings.Severity:
        return findings.CATALOGUE[self.code].severity

    @property
    def message(self) -> str:
        subject = f"{self.item} {self.name} is" if self.item else "found"
        found = f"{subject} '{self.value}': " if self.item or self.value else ""
        expected = f", {self.expected}" if self.expected else ""
        return f"{found}{findings.CATALOGUE[self.code].expectation}{expected}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Envelope:
    """
    What reading a content once tells of it as a whole.

    Header and trailer are there where they are well-formed; the lines are counted by the code of
    their group, for the groups of the grammar. The issues are either the one
    rejection, for which nothing of the file is loaded, or warnings.
    """

    sha256: str
    size: int
    encoding: str
    line_count: int
    blank_line_count: int
    group_line_counts: Mapping[str, int]
    header: Header | None
    trailer: Trailer | None
    issues: tuple[FileIssue, ...]

    @property
    def rejection(self) -> FileIssue | None:
        return next((issue for issue in self.issues if issue.severity == "REJECTED"), None)


class _RejectedError(Exception):
    def __init__(self, issue: FileIssue) -> None:
        self.issue = issue


def examine(stream: BinaryIO, *, accept_test_files: bool = False) -> Envelope:
    """
    Read a content, in constant memory; what is wrong with it is told, never raised.

    It is read once, and once more where its trailer gives a checksum, which is rare.
    """
    content = records.Records(stream)
    body = _Body()
    for block in content:
        body.look_at(block)
    header = trailer = None
    try:
        _check_text(body, content)
        header = _header(body, accept_test_files=accept_test_files)
        trailer = _trailer(body, header)
        issues = (*_on_checksum(body, trailer, stream), *_warnings(body, header, trailer))
    except _RejectedError as rejected:
        issues = (rejected.issue,)
    return Envelope(
        sha256=content.sha256,
        size=content.size,
        encoding=body.encoding,
        line_count=content.line_count,
        blank_line_count=content.blank_line_count,
        group_line_counts=body.group_line_counts,
        header=header,
        trailer=trailer,
        issues=issues,
    )


class _Body:
    """What is seen on the way; whole blocks are searched, so that a line costs next to nothing."""

    def __init__(self) -> None:
        self.first = self.last = b""
        self.first_number = self.last_number = 0
        self.record_count = 0
        self.group_line_counts = dict.fromkeys(grammar.GROUPS, 0)
        self._encodings = ["utf-8", "cp1252"]
        self.nul_number: int | None = None
        # Each with the number of its line.
        self.second_header: tuple[int, bytes] | None = None
        self.trailer: tuple[int, bytes] | None = None
        self.after_trailer: tuple[int, bytes] | None = None

    def look_at(self, block: records.Block) -> None:
        data = b"\n" + block.data
        if not self.record_count:
            self.first = data[1 : data.index(b"\n", 1)]
            self.first_number = block.first_number
        count = data.count(b"\n") - 1
        self.record_count += count
        counts = {code: data.count(b"\n%b|" % code.encode()) for code in _COMMON_GROUPS}
        is_common = sum(counts.values()) == count
        if not is_common:
            counts |= {code: data.count(b"\n%b|" % code.encode()) for code in _OTHER_GROUPS}
        for code, number in counts.items():
            self.group_line_counts[code] += number
        self.last_number = block.first_number + count - 1
        self.last = data[data.rfind(b"\n", 0, -1) + 1 : -1]

        if self.nul_number is None and (place := data.find(b"\0")) >= 0:
            self.nul_number = block.first_number + data.count(b"\n", 0, place) - 1
        if not is_common or self.trailer:
            self._look_for_envelope(block.first_number, data)
        if not data.isascii():
            self._encodings = [name for name in self._encodings if _can_decode(data, name)]

    def _look_for_envelope(self, first_number: int, data: bytes) -> None:
        def record(place: int) -> tuple[int, bytes] | None:
            """Return the record behind the LF at this place, if there is one."""
            if not 0 <= place < len(data) - 1:
                return None
            number = first_number + data.count(b"\n", 0, place)
            return number, data[place + 1 : data.index(b"\n", place + 1)]

        if self.second_header is None:
            start = 1 if self.first_number == first_number else 0
            self.second_header = record(data.find(b"\nZHV|", start))
        if self.trailer is None:
            place = data.find(b"\nZPT|")
            self.trailer = record(place)
            if self.trailer is not None:
                self.after_trailer = record(data.index(b"\n", place + 1))
        elif self.after_trailer is None:
            self.after_trailer = record(0)

    @property
    def flow_count(self) -> int:
        return self.group_line_counts["026"]

    @property
    def encoding(self) -> str:
        # Latin-1 gives every byte a character, and the bytes back.
        return next(iter(self._encodings), "latin-1")


def _check_text(body: _Body, content: records.Records) -> None:
    if content.too_long_line is not None:
        raise _RejectedError(FileIssue(code="line-too-long", line_number=content.too_long_line))
    if not body.record_count:
        raise _RejectedError(FileIssue(code="empty-file", line_number=1))
    if body.nul_number is not None:
        raise _RejectedError(FileIssue(code="not-text", line_number=body.nul_number))


def _header(body: _Body, *, accept_test_files: bool) -> Header:
    first = body.first.decode("latin-1")
    fields = first.split("|")
    if fields[0] != "ZHV":
        code = "foreign-header" if fields[0] in ("ZHD", "ZHF") else "no-header"
        raise _RejectedError(
            FileIssue(code=code, line_number=body.first_number, value=_short(first))
        )

    def issue(code: str, index: int, *, expected: str = "") -> _RejectedError:
        number, name, _ = _HEADER_FIELDS[index]
        return _RejectedError(
            FileIssue(
                code=code,
                line_number=body.first_number,
                group_code="ZHV",
                item=number,
                name=name,
                value=_short(values[index]),
                expected=expected,
            )
        )

    values = [field.strip() for field in fields[1:]]
    values += [""] * (len(_HEADER_FIELDS) - len(values))
    for index, (_, _, longest) in enumerate(_HEADER_FIELDS):
        if not values[index] and index < _MANDATORY_HEADER_FIELDS:
            raise issue("bad-header", index, expected="with this item")
        if len(values[index]) > longest:
            raise issue("bad-header", index, expected=f"with at most {longest} characters here")
    if any(values[len(_HEADER_FIELDS) :]):
        raise issue("bad-header", len(_HEADER_FIELDS) - 1, expected="with no field behind this")
    if values[1] not in {f"{grammar.FLOW}{version}" for version in grammar.VERSIONS}:
        raise issue("wrong-flow", 1)
    created_at = _clock_time(values[6])
    if created_at is None:
        raise issue("bad-header", 6, expected="with a date and time that exists, ccyymmddhhmmss")
    if values[10] != LIVE_TEST_FLAG and not accept_test_files:
        raise issue("test-file", 10)
    return Header(
        file_identifier=values[0],
        flow=values[1],
        sender_role=values[2],
        sender=values[3],
        recipient_role=values[4],
        recipient=values[5],
        created_at=created_at,
        sending_application=values[7],
        receiving_application=values[8],
        broadcast=values[9],
        test_flag=values[10],
    )


def _misplaced(code: str, record: tuple[int, bytes], *, group_code: str = "") -> _RejectedError:
    number, text = record
    value = _short(text.decode("latin-1"))
    return _RejectedError(
        FileIssue(code=code, line_number=number, group_code=group_code, value=value)
    )


def _trailer(body: _Body, header: Header) -> Trailer:
    if body.second_header is not None:
        raise _misplaced("second-header", body.second_header, group_code="ZHV")
    if body.trailer is None:
        raise _misplaced("no-trailer", (body.last_number, body.last))
    if body.after_trailer is not None:
        raise _misplaced("data-after-trailer", body.after_trailer)

    identifier, group_count, given_sum, flow_count, completed_at, *more = _trailer_values(body)
    counted = body.record_count - 2
    if identifier != header.file_identifier:
        raise _RejectedError(
            _trailer_issue(
                body,
                "file-id-differs",
                "J1064",
                identifier,
                expected=f"'{header.file_identifier}'",
            )
        )
    if not _is_number(group_count, digits=10) or any(more):
        raise _RejectedError(
            _trailer_issue(body, "bad-trailer", "J1067", group_count, expected="with 6 fields")
        )
    # Above ten digits only the low-order ten are sent (DTC, J1067).
    if int(group_count) != counted % 10**10:
        raise _RejectedError(
            _trailer_issue(
                body, "group-count-differs", "J1067", group_count, expected=str(counted)
            )
        )
    if flow_count and not _is_number(flow_count, digits=8):
        raise _RejectedError(
            _trailer_issue(body, "bad-trailer", "J1066", flow_count, expected="up to 8 digits")
        )
    return Trailer(
        group_count=int(group_count),
        checksum=given_sum,
        flow_count=int(flow_count) if flow_count else None,
        completed_at=_clock_time(completed_at),
    )


def _on_checksum(body: _Body, trailer: Trailer, stream: BinaryIO) -> Iterator[FileIssue]:
    if not trailer.checksum:
        return
    stream.seek(0)
    found = checksum.of_lines(
        line
        for block in records.Records(stream)
        for line in block.data.split(b"\n")
        if not line.startswith(b"ZPT|")
    )
    agrees = _is_number(trailer.checksum, digits=10) and int(trailer.checksum) == found
    yield _trailer_issue(
        body,
        "checksum-given",
        "J1078",
        trailer.checksum,
        expected=f"{found}, {'with which it agrees' if agrees else 'from which it differs'}",
    )


def _warnings(body: _Body, header: Header, trailer: Trailer) -> Iterator[FileIssue]:
    _, _, _, flow_count, completed_at, *_ = _trailer_values(body)
    if trailer.flow_count is not None and trailer.flow_count != body.flow_count:
        yield _trailer_issue(
            body, "flow-count-differs", "J1066", flow_count, expected=str(body.flow_count)
        )
    if completed_at and trailer.completed_at is None:
        yield _trailer_issue(body, "bad-trailer-time", "J1065", completed_at)
    if trailer.completed_at is not None and trailer.completed_at < header.created_at:
        yield _trailer_issue(body, "completed-before-created", "J1065", completed_at)
    if not body.flow_count:
        yield FileIssue(code="empty-flow", line_number=body.last_number, group_code="ZPT")


def _trailer_values(body: _Body) -> list[str]:
    values = [field.strip() for field in body.last.decode("latin-1").split("|")[1:]]
    return values + [""] * (len(_TRAILER_NAMES) - len(values))


def _trailer_issue(
    body: _Body, code: str, item: str, value: str, *, expected: str = ""
) -> FileIssue:
    return FileIssue(
        code=code,
        line_number=body.last_number,
        group_code="ZPT",
        item=item,
        name=_TRAILER_NAMES[item],
        value=_short(value),
        expected=expected,
    )


def _can_decode(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _clock_time(text: str) -> datetime.datetime | None:
    is_stamp = len(text) == len("ccyymmddhhmmss") and _is_number(text, digits=len(text))
    if not is_stamp or not "1950" <= text[:4] < "2200":
        return None
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:])
    try:
        # UK clock time as sent, so without a zone.
        return datetime.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - see above
    except ValueError:
        return None


def _is_number(text: str, *, digits: int) -> bool:
    return 0 < len(text) <= digits and text.isascii() and text.isdigit()


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:60]}…"  # noqa: PLR2004 - fits a line of a screen
