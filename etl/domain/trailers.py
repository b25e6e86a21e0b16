"""ZPT, the last line of a flow file: what the sender counted, and when it was done."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import fields, findings


NAMES = {
    "J1064": "File Identifier",
    "J1067": "Total Group Count",
    "J1078": "Checksum",
    "J1066": "Flow Count",
    "J1065": "File Completion Timestamp",
}
_COUNT_DIGITS = 10
_FLOW_COUNT_DIGITS = 8
_CHECKSUM_DIGITS = 10


class Trailer(NamedTuple):
    """
    What a trailer says, as far as it can be read.

    What it counts leaves header and trailer out; the completion time (J1065) is UK clock time.
    """

    group_count: int | None = None
    checksum: str = ""
    flow_count: int | None = None
    completed_at: datetime.datetime | None = None


class Counted(NamedTuple):
    """What a trailer is held to: the file id of the header, and what there is in the file."""

    file_identifier: str
    group_count: int
    flow_count: int
    created_at: datetime.datetime | None


def read(record: bytes) -> Trailer:
    """Return what the record says, whether or not that is well-formed."""
    _, group_count, checksum, flow_count, completed_at, *_ = _values(record)
    return Trailer(
        group_count=_number(group_count, digits=_COUNT_DIGITS),
        checksum=fields.short(checksum),
        flow_count=_number(flow_count, digits=_FLOW_COUNT_DIGITS),
        completed_at=fields.clock_time(completed_at),
    )


def judge(
    record: bytes,
    trailer: Trailer,
    counted: Counted,
    *,
    line_number: int,
    accept_wrong_counts: bool,
) -> Iterator[findings.FileIssue]:
    """
    Yield what is wrong with a trailer that was read from a record, the cause first.

    Nothing is said of its checksum.
    """

    def issue(code: str, item: str, value: str, expected: str = "") -> findings.FileIssue:
        return _issue(code, item, value, line_number=line_number, expected=expected)

    identifier, group_count, _, flow_count, completed_at, *more = _values(record)
    # Above ten digits only the low-order ten are sent (DTC, J1067).
    is_whole = trailer.group_count == counted.group_count % 10**_COUNT_DIGITS
    is_own = identifier == counted.file_identifier
    if not (is_whole and is_own and not any(more)) and _is_cut(record, trailer):
        yield findings.FileIssue(
            code="no-trailer",
            line_number=line_number,
            group_code="ZPT",
            value=fields.short(record.decode("latin-1")),
        )
    if not is_own:
        code = "wrong-file-id-accepted" if accept_wrong_counts else "file-id-differs"
        yield issue(code, "J1064", identifier, f"'{counted.file_identifier}'")
    if trailer.group_count is None or any(more):
        yield issue("bad-trailer", "J1067", group_count, "with 6 fields")
    if not is_whole:
        code = "wrong-count-accepted" if accept_wrong_counts else "group-count-differs"
        yield issue(code, "J1067", group_count, str(counted.group_count))
    if flow_count and trailer.flow_count is None:
        yield issue("bad-trailer", "J1066", flow_count, f"up to {_FLOW_COUNT_DIGITS} digits")
    if trailer.flow_count is not None and trailer.flow_count != counted.flow_count:
        yield issue("flow-count-differs", "J1066", flow_count, str(counted.flow_count))
    if completed_at and trailer.completed_at is None:
        yield issue("bad-trailer-time", "J1065", completed_at)
    if _is_before(trailer.completed_at, counted.created_at):
        yield issue("completed-before-created", "J1065", completed_at)


def judge_checksum(trailer: Trailer, found: int, *, line_number: int) -> findings.FileIssue:
    """Tell what a checksum that is given turns out to be."""
    agrees = _number(trailer.checksum, digits=_CHECKSUM_DIGITS) == found
    return _issue(
        "checksum-given",
        "J1078",
        trailer.checksum,
        line_number=line_number,
        expected=f"{found}, {'with which it agrees' if agrees else 'from which it differs'}",
    )


def _is_before(one: datetime.datetime | None, other: datetime.datetime | None) -> bool:
    return one is not None and other is not None and one < other


def _is_cut(record: bytes, trailer: Trailer) -> bool:
    """Tell whether a record may have lost its end, the last item of which is a time."""
    return not record.endswith(b"|") and trailer.completed_at is None


def _values(record: bytes) -> Sequence[str]:
    return fields.values_of(record, count=len(NAMES))


def _number(text: str, *, digits: int) -> int | None:
    return int(text) if fields.is_number(text, digits=digits) else None


def _issue(
    code: str, item: str, value: str, *, line_number: int, expected: str
) -> findings.FileIssue:
    return findings.FileIssue(
        code=code,
        line_number=line_number,
        group_code="ZPT",
        item=item,
        name=NAMES[item],
        value=fields.short(value),
        expected=expected,
    )
