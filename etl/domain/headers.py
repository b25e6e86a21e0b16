"""ZHV, the first line of a flow file: who sends what to whom, and since when."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from . import fields, findings, flows


LIVE_TEST_FLAG = "OPER"

# J-item, name and longest value of each field behind the record code, in the order they are sent.
FIELDS = (
    ("J1064", "File Identifier", 10),
    ("J0937", "Flow and Version", 8),
    ("J0934", "From Role Code", 2),
    ("J0938", "From Participant Id", 4),
    ("J0935", "To Role Code", 2),
    ("J0939", "To Participant Id", 4),
    ("J0280", "File Creation Timestamp", 14),
    ("J1060", "Sending Application Id", 5),
    ("J1061", "Receiving Application Id", 5),
    ("J1062", "Broadcast", 1),
    ("J1063", "Test Data Flag", 4),
)
_MANDATORY_FIELDS = 7
_FLOW, _CREATED_AT, _TEST_FLAG = 1, 6, 10
_ROLES = (2, 4)
_FLOW_LENGTH = 8


class Header(NamedTuple):
    """
    What a header says, as far as it can be read, in the order it is sent.

    The creation time (J0280) is UK clock time.
    """

    file_identifier: str = ""
    flow: str = ""
    sender_role: str = ""
    sender: str = ""
    recipient_role: str = ""
    recipient: str = ""
    created_at: datetime.datetime | None = None
    sending_application: str = ""
    receiving_application: str = ""
    broadcast: str = ""
    test_flag: str = ""


def read(record: bytes) -> Header:
    """Return what the record says, whether or not that is well-formed."""
    sent = fields.values_of(record, count=len(FIELDS))[: len(FIELDS)]  # behind them may stand more
    values: list[Any] = [*map(fields.short, sent)]
    values[_CREATED_AT] = fields.clock_time(values[_CREATED_AT])
    return Header(*values)


def judge(
    record: bytes, *, line_number: int, takes: Collection[str]
) -> Iterator[findings.FileIssue]:
    """
    Yield what is wrong with a header, the cause first; nothing is said of its test flag.

    A known flow is wrong if it is none of those that are taken.
    """
    values = fields.values_of(record, count=len(FIELDS))
    for code, index, expected in _judge_values(values, takes, is_ended=record.endswith(b"|")):
        yield _issue(code, index, values[index], line_number=line_number, expected=expected)


def _judge_values(
    values: Sequence[str], takes: Collection[str], *, is_ended: bool
) -> Iterator[tuple[str, int, str]]:
    flow = values[_FLOW]
    known = flows.of(flow)
    # Another flow may have another header.
    if len(flow) == _FLOW_LENGTH and not known.groups:
        yield "wrong-flow", _FLOW, flows.in_words()
    if known.groups and known.name not in takes:
        yield (
            "other-flow",
            _FLOW,
            f"{' or '.join(sorted(takes))}, not {known.title} ({known.name})",
        )
    yield from _judge_lengths(values)
    if not known.groups:
        yield "bad-header", _FLOW, "with a flow and its version here, such as D0010002"
    if any(values[len(FIELDS) :]):
        yield "bad-header", _TEST_FLAG, "with no field behind this"
    if fields.clock_time(values[_CREATED_AT]) is None:
        yield "bad-header", _CREATED_AT, "with a date and time that exists, ccyymmddhhmmss"
    if values[_TEST_FLAG] != LIVE_TEST_FLAG and not is_ended:
        yield "bad-header", _TEST_FLAG, "with a | at its end, which seems to be cut"
    for index in _ROLES:
        if len(values[index]) > 1:
            yield "unknown-code", index, "which has one character"


def _judge_lengths(values: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    for index, (_, _, longest) in enumerate(FIELDS):
        if not values[index] and index < _MANDATORY_FIELDS:
            yield "bad-header", index, "with this item"
        if len(values[index]) > longest:
            yield "bad-header", index, f"with at most {longest} characters here"


def judge_test_flag(header: Header, *, line_number: int) -> Iterator[findings.FileIssue]:
    if header.test_flag != LIVE_TEST_FLAG:
        yield _issue("test-file", _TEST_FLAG, header.test_flag, line_number=line_number)


def _issue(
    code: str, index: int, value: str, *, line_number: int, expected: str = ""
) -> findings.FileIssue:
    item, name, _ = FIELDS[index]
    return findings.FileIssue(
        code=code,
        line_number=line_number,
        group_code="ZHV",
        item=item,
        name=name,
        value=fields.short(value),
        expected=expected,
    )
