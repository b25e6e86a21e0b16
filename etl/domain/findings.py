"""
What can be wrong with a flow file or a line of it: one catalogue of stable codes.

Sources: the D0010 specification's sections 2 to 6 and 9, and the DTC item formats. The SQL steps
and the envelope check name the codes; severity and wording stand here alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal


Scope = Literal["file", "line"]
Severity = Literal["REJECTED", "WARNING"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """A kind of finding: what was expected, and what an operator does about it."""

    code: str
    scope: Scope
    severity: Severity
    expectation: str
    remedy: str


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
    def severity(self) -> Severity:
        return CATALOGUE[self.code].severity

    @property
    def message(self) -> str:
        subject = f"{self.item} {self.name} is" if self.item else "found"
        found = f"{subject} '{self.value}': " if self.item or self.value else ""
        expected = f", {self.expected}" if self.expected else ""
        return f"{found}{CATALOGUE[self.code].expectation}{expected}"


_Told = Mapping[str, tuple[str, str]]  # expectation and remedy of each, by its code


def _findings(scope: Scope, severity: Severity, told: _Told) -> Mapping[str, Finding]:
    return {
        code: Finding(
            code=code, scope=scope, severity=severity, expectation=expectation, remedy=remedy
        )
        for code, (expectation, remedy) in told.items()
    }


_RESEND = "Ask the sender for the file again."
_CORRECT = "Ask the sender to correct the line and to send it in a new file."

# The file is rejected whole.
_REJECTED_FILES: _Told = {
    "empty-file": ("expected a ZHV header, found nothing", _RESEND),
    "archive": (
        "expected a flow file as text, or packed by gzip",
        "Unpack it, and load the flow files that are in it.",
    ),
    "utf-16": (
        "expected a byte a character, as ASCII and UTF-8 have",
        "Convert it, as by iconv -f UTF-16 -t UTF-8, or ask the sender for plain text.",
    ),
    "xml": (
        "expected a ZHV header; the network can deliver flows as XML, which is another format",
        "Ask the sender for the variable-length user file format.",
    ),
    "web-page": (
        "expected a ZHV header; a web server's page was saved instead of the file",
        "Fetch the file again, and see that the server gave it.",
    ),
    "not-text": ("expected text, found a NUL byte", _RESEND),
    "line-too-long": (
        "expected records of at most 208 characters, found one of more than 65,536 bytes",
        "Not a flow file, or its line ends are lost: ask the sender for it again.",
    ),
    "no-header": (
        "expected a ZHV header in the first line",
        "Not a flow file, or its beginning is lost: ask the sender for it again.",
    ),
    "foreign-header": (
        "expected a ZHV header; ZHD (pool transfer) and ZHF (fixed length) are other formats",
        "Ask the sender for the variable-length user file format.",
    ),
    "bad-header": ("expected a well-formed ZHV header", _RESEND),
    "wrong-flow": (
        "expected a known flow",
        "Another flow, or a version that is not known yet: route it to where it belongs.",
    ),
    "other-flow": (
        "expected the flow that this command takes",
        "Load it by load_flows, which takes every flow that is known.",
    ),
    "test-file": (
        "expected test flag OPER, which marks live data",
        "Test data: load it with --accept-test-files, if that is meant.",
    ),
    "no-trailer": ("expected a ZPT trailer in the last line; the file is cut short", _RESEND),
    "bad-trailer": ("expected a well-formed ZPT trailer", _RESEND),
    "second-header": (
        "expected one ZHV header; two files seem to be joined",
        "Cut the files apart at their headers, or ask the sender for them again.",
    ),
    "data-after-trailer": (
        "expected nothing after the ZPT trailer",
        "Two files joined, or a damaged transfer: ask the sender for it again.",
    ),
    "file-id-differs": (
        "expected the file id of the header in the trailer",
        "Ask the sender for the file again. If it is whole, load it with --accept-wrong-counts.",
    ),
    "group-count-differs": (
        "expected the number of lines between header and trailer",
        (
            "Lines were lost or added on the way: ask the sender for the file again. If they are"
            " all there is, load it with --accept-wrong-counts."
        ),
    ),
    "reused-file-id": (
        "expected a file id that this sender has not used for other content",
        "Compare the two files. If both count, load this one with --accept-reused-file-ids.",
    ),
}
# The file loads; the finding is kept beside it.
_OF_FILES: _Told = {
    "wrong-file-id-accepted": (
        "expected the file id of the header in the trailer; loaded by --accept-wrong-counts",
        "Ask the sender which file the trailer belongs to.",
    ),
    "wrong-count-accepted": (
        "expected the number of lines between header and trailer; loaded by --accept-wrong-counts",
        "Ask the sender whether lines are missing.",
    ),
    "padding-after-trailer": (
        "expected nothing after the ZPT trailer; what pads the file was passed over",
        "Nothing to do; it is the same content as without.",
    ),
    "flow-count-differs": (
        "expected the number of meter point lines",
        "Tell the sender; no reading depends on it.",
    ),
    "checksum-given": (
        "expected none, or that of the pool format's rule",
        "Kept with the file. If it differs, ask the sender by which rule it is made.",
    ),
    "bad-trailer-time": (
        "expected a date and time that exists, as ccyymmddhhmmss",
        "Tell the sender; no reading depends on it.",
    ),
    "completed-before-created": (
        "expected a completion time not before the creation time",
        "Tell the sender; no reading depends on it.",
    ),
    "empty-flow": (
        "expected at least one meter point line; there are no readings",
        "Ask the sender whether readings were meant to be in it.",
    ),
}
# The line is rejected, and what stands under it.
_REJECTED_LINES: _Told = {
    "unknown-group": ("expected a group of the flow that the header names", _CORRECT),
    "orphan-line": (
        "expected a line of the group that this one belongs under before it",
        "What it belongs to was lost or never sent: ask the sender.",
    ),
    "parent-rejected": (
        "the line that this one belongs under was rejected",
        "See the issue of that line.",
    ),
    "repeated-group": ("expected one validation result at most under a reading", _CORRECT),
    "unterminated-line": ("expected a | at the end of the line, which seems to be cut", _CORRECT),
    "extra-field": ("expected no more fields than the group has items", _CORRECT),
    "missing-item": ("expected a value, the item is mandatory", _CORRECT),
    "too-long": ("expected no more characters than its format has", _CORRECT),
    "bad-mpan": ("expected 13 digits", _CORRECT),
    "bad-date": (
        "expected a date and time that exists, as ccyymmddhhmmss, years 1950 to 2199",
        _CORRECT,
    ),
    "bad-number": ("expected digits as its format allows", _CORRECT),
}
# The line loads; the finding is kept beside it.
_OF_LINES: _Told = {
    "mpan-check-digit": (
        "expected a last digit that agrees with the other twelve",
        "Check the MPAN with the customer's bill; a digit may be mistyped at the source.",
    ),
    "unknown-code": (
        "expected a code of the catalogue's valid set",
        "Kept as sent. Valid sets grow: see whether the catalogue knows the code by now.",
    ),
    "future-date": (
        "expected a time that has passed",
        "Do not quote the reading without asking the sender.",
    ),
    "clock-skipped": (
        "expected a time that UK clocks showed; they were put forward over it",
        "Stored as if the clocks had not changed.",
    ),
    "clock-repeated": (
        "expected a time that UK clocks showed once; they were put back over it",
        "Stored as the second of the two.",
    ),
    "time-of-day": (
        "expected midnight or 235959; only special readings carry a time of day",
        "Nothing to do; the time is stored as sent.",
    ),
    "missing-result": (
        "expected a validation result with the reason why the reading is suspect",
        "Ask the sender for the reason, if a customer needs it.",
    ),
    "missing-reason": (
        "expected the code of a reason; the result of the check is kept without one",
        "Ask the sender for the reason, if a customer needs it.",
    ),
    "more-decimals": (
        "expected one decimal at most; those behind it are zeros and were passed over",
        "Nothing to do; the value is exact.",
    ),
    "blank-padding": (
        "expected no blanks here, such as a tab; they were passed over",
        "Nothing to do.",
    ),
}

CATALOGUE: Mapping[str, Finding] = {
    **_findings("file", "REJECTED", _REJECTED_FILES),
    **_findings("file", "WARNING", _OF_FILES),
    **_findings("line", "REJECTED", _REJECTED_LINES),
    **_findings("line", "WARNING", _OF_LINES),
}
