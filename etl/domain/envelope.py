"""The envelope of a flow file: header, trailer, and whether what is between them is whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from . import checksum, fields, findings, flows, formats, grammar, headers, records, trailers


# The first that fits is taken. Latin-1 gives every byte a character, and the bytes back.
ENCODINGS = ("utf-8", "cp1252", "latin-1")


class _Starts(NamedTuple):
    """How the lines of a flow start, behind a line end, by their kind."""

    top: str
    # Of groups that others stand under: where these are all that there is, between header and
    # trailer, which is nearly everywhere, nothing else need be looked for.
    common: Mapping[str, bytes]
    rare: Mapping[str, bytes]


def _starts(flow: grammar.Flow) -> _Starts:
    starts = {group.code: b"\n%b|" % group.code.encode() for group in flow.groups}
    parents = {code for code in starts if flow.descendants(code)}
    kinds = {group.code: group.kind for group in flow.groups}
    return _Starts(
        top=next(group.kind for group in flow.groups if group.parent is None),
        common={kinds[code]: start for code, start in starts.items() if code in parents},
        rare={kinds[code]: start for code, start in starts.items() if code not in parents},
    )


_STARTS = {flow.name: _starts(flow) for flow in flows.KNOWN.values()}
_NO_STARTS = _Starts(top="", common={}, rare={})


class Envelope(NamedTuple):
    """
    What reading a content once tells of it as a whole.

    Header and trailer are what can be read of them; the lines are counted by their kind, for the
    groups of the flow that the header names. The issues are either the one rejection, for which
    nothing of the file is loaded, or warnings. The records of a small content are held, so that
    it need not be read again.
    """

    sha256: str
    size: int
    encoding: str
    line_count: int
    blank_line_count: int
    kind_line_counts: Mapping[str, int]
    header: headers.Header
    trailer: trailers.Trailer
    issues: Sequence[findings.FileIssue]
    held: Sequence[records.Block]

    @property
    def rejection(self) -> findings.FileIssue | None:
        return next((issue for issue in self.issues if issue.severity == "REJECTED"), None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """Which flows are taken, and what is accepted though an envelope should not have it."""

    takes: Collection[str] = tuple(flows.KNOWN)
    accept_test_files: bool = False
    accept_wrong_counts: bool = False


def examine(stream: BinaryIO, *, rules: Rules = Rules()) -> Envelope:
    """
    Read a content, in constant memory; what is wrong with it is told, never raised.

    It is read once, and once more where its trailer gives a checksum, which is rare.
    """
    content = records.Records(stream)
    body = _Body()
    held: list[records.Block] = []
    for block in content:
        body.look_at(block)
        held = [*held, block] if content.size <= records.BLOCK_SIZE else []
    return Envelope(
        sha256=content.sha256,
        size=content.size,
        encoding=body.encoding,
        line_count=content.line_count,
        blank_line_count=content.blank_line_count,
        kind_line_counts=body.kind_line_counts,
        header=body.header,
        trailer=body.trailer,
        issues=_until_rejected(_issues(stream, content, body, rules)),
        held=held,
    )


def _until_rejected(issues: Iterable[findings.FileIssue]) -> Sequence[findings.FileIssue]:
    """Return the warnings, or what rejects the file alone; behind that nothing is looked at."""
    warnings = []
    for issue in issues:
        if issue.severity == "REJECTED":
            return (issue,)
        warnings.append(issue)
    return tuple(warnings)


class _Body:
    """What is seen on the way; whole blocks are searched, so that a line costs next to nothing."""

    def __init__(self) -> None:
        self.first = self.last = b""
        self.first_number = self.last_number = 0
        self.record_count = 0
        self.kind_line_counts: dict[str, int] = {}
        self._starts = _NO_STARTS
        self._encodings: Sequence[str] = ENCODINGS
        self.header = headers.Header()
        self.trailer = trailers.Trailer()
        self.nul_number: int | None = None
        # Each with the number of its line.
        self.second_header: tuple[int, bytes] | None = None
        self.trailer_record: tuple[int, bytes] | None = None
        self.after_trailer: tuple[int, bytes] | None = None

    def look_at(self, block: records.Block) -> None:
        data = b"\n" + block.data
        other_count = block.line_count
        if not self.record_count:
            self.first = data[1 : data.index(b"\n", 1)]
            self.first_number = block.first_number
            if self.first.startswith(b"ZHV|"):
                self.header = headers.read(self.first)
                other_count -= 1
            self._starts = _STARTS.get(flows.of(self.header.flow).name, _NO_STARTS)
        self.record_count += block.line_count
        self.last_number = block.first_number + block.line_count - 1
        self.last = data[data.rfind(b"\n", 0, -1) + 1 : -1]
        is_ended = self.last.startswith(b"ZPT|")
        counts = {kind: data.count(start) for kind, start in self._starts.common.items()}
        other_count -= sum(counts.values()) + is_ended
        if other_count or self.trailer_record:
            counts |= {kind: data.count(start) for kind, start in self._starts.rare.items()}
            self._look_for_envelope(block.first_number, data)
        elif is_ended:
            self._note_trailer(self.last_number, self.last)
        for kind, number in counts.items():
            self.kind_line_counts[kind] = self.kind_line_counts.get(kind, 0) + number

        if self.nul_number is None and (place := data.find(b"\0")) >= 0:
            self.nul_number = block.first_number + data.count(b"\n", 0, place) - 1
        if not data.isascii():
            self._encodings = still_fit(self._encodings, data)

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
        if self.trailer_record is None:
            place = data.find(b"\nZPT|")
            if (found := record(place)) is not None:
                self._note_trailer(*found)
                self.after_trailer = record(data.index(b"\n", place + 1))
        elif self.after_trailer is None:
            self.after_trailer = record(0)

    def _note_trailer(self, number: int, record: bytes) -> None:
        self.trailer_record = number, record
        self.trailer = trailers.read(record)

    def counted(self) -> trailers.Counted:
        return trailers.Counted(
            file_identifier=self.header.file_identifier,
            group_count=self.record_count - 2,
            flow_count=self.kind_line_counts.get(self._starts.top, 0),
            created_at=self.header.created_at,
        )

    @property
    def encoding(self) -> str:
        return self._encodings[0]


def _issues(
    stream: BinaryIO, content: records.Records, body: _Body, rules: Rules
) -> Iterator[findings.FileIssue]:
    """Yield what is wrong, causes before what they bring about."""
    yield from _on_text(stream, content, body)
    first = (body.first_number, body.first)
    if not body.first.startswith(b"ZHV|"):
        is_foreign = body.first.partition(b"|")[0] in {b"ZHD", b"ZHF"}
        yield _misplaced("foreign-header" if is_foreign else "no-header", first)
    if body.record_count == 1:
        yield _misplaced("no-trailer", first, group_code="ZHV")
    yield from headers.judge(body.first, line_number=body.first_number, takes=rules.takes)
    if body.second_header is not None:
        yield _misplaced("second-header", body.second_header, group_code="ZHV")
    if body.trailer_record is None:
        yield _misplaced("no-trailer", (body.last_number, body.last))
    if body.after_trailer is not None:
        yield _misplaced("data-after-trailer", body.after_trailer)
    counted = body.counted()
    yield from trailers.judge(
        body.last,
        body.trailer,
        counted,
        line_number=body.last_number,
        accept_wrong_counts=rules.accept_wrong_counts,
    )
    if not counted.flow_count:
        yield findings.FileIssue(code="empty-flow", line_number=body.last_number, group_code="ZPT")
    if not rules.accept_test_files:
        yield from headers.judge_test_flag(body.header, line_number=body.first_number)
    if body.trailer.checksum:
        found = _checksum_of(stream)
        yield trailers.judge_checksum(body.trailer, found, line_number=body.last_number)
    yield from _on_padding(content, body)


def _on_text(
    stream: BinaryIO, content: records.Records, body: _Body
) -> Iterator[findings.FileIssue]:
    if not body.first.startswith(b"ZHV|"):
        stream.seek(0)
        found = formats.of(stream.read(formats.HEAD_SIZE))
        if found is not None:
            yield findings.FileIssue(code=found.code, line_number=1, value=found.name)
    if content.too_long_line is not None:
        yield findings.FileIssue(code="line-too-long", line_number=content.too_long_line)
    if not body.record_count:
        yield findings.FileIssue(code="empty-file", line_number=1)
    if body.nul_number is not None:
        yield findings.FileIssue(code="not-text", line_number=body.nul_number)


def _on_padding(content: records.Records, body: _Body) -> Iterator[findings.FileIssue]:
    for line_number, padding in content.padding.items():
        rest = padding.strip(b" \t\r")
        yield findings.FileIssue(
            code="padding-after-trailer" if rest else "blank-padding",
            line_number=line_number,
            group_code={body.first_number: "ZHV", body.last_number: "ZPT"}.get(line_number, ""),
            value=f"0x{rest[0]:02X}" if rest else fields.short(padding.decode("latin-1")),
        )


def _misplaced(
    code: str, record: tuple[int, bytes], *, group_code: str = ""
) -> findings.FileIssue:
    number, text = record
    value = fields.short(text.decode("latin-1"))
    return findings.FileIssue(code=code, line_number=number, group_code=group_code, value=value)


def _checksum_of(stream: BinaryIO) -> int:
    stream.seek(0)
    return checksum.of_lines(
        line
        for block in records.Records(stream)
        for line in block.data.split(b"\n")
        if not line.startswith(b"ZPT|")
    )


def still_fit(encodings: Sequence[str], data: bytes) -> Sequence[str]:
    """Return those of the encodings by which these bytes are text; the last always is one."""
    return [name for name in encodings if name == ENCODINGS[-1] or _can_decode(data, name)]


def _can_decode(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
