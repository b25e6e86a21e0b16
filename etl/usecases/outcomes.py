"""What became of a file, in the words of the contract."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from django.db.models import Count

from etl.domain import findings as catalogue
from warehouse import codes, models


class Outcome(str, enum.Enum):
    """The words that are printed, also as JSON."""

    LOADED = "loaded"
    LOADED_WITH_REJECTIONS = "loaded with rejections"
    STAGED = "staged"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    FAILED = "failed"


# All of the file is where it should be.
GOOD = frozenset({Outcome.LOADED, Outcome.STAGED, Outcome.DUPLICATE})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why nothing of a content was loaded, and what to do."""

    code: str
    line: int
    item: str
    value: str
    expected: str
    remedy: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileReport:
    """
    What became of one path; counts are of its content, zero where nothing is known of it.

    The findings are told by their codes: how often each was noted, and what to do about it.
    """

    path: str
    outcome: Outcome
    reason: str = ""
    sha256: str = ""
    line_count: int = 0
    reading_count: int = 0
    rejected_line_count: int = 0
    warning_count: int = 0
    findings: Mapping[str, int] = dataclasses.field(default_factory=dict)
    remedies: Mapping[str, str] = dataclasses.field(default_factory=dict)
    refusal: Refusal | None = None


def failed(path: str, reason: str) -> FileReport:
    return FileReport(path=path, outcome=Outcome.FAILED, reason=reason)


class FileState(NamedTuple):
    """How a flow file stands: the few of its fields that are asked for after each file."""

    id: int
    file_name: str
    sha256: str
    file_identifier: str
    sender: str
    sender_role: str
    status: str
    is_strict: bool
    reason: str
    line_count: int
    reading_count: int
    rejected_line_count: int
    warning_count: int
    transformed_at: datetime.datetime | None

    @property
    def is_accepted(self) -> bool:
        return self.status in codes.ACCEPTED_STATUSES


def _count_findings(flow_files: Iterable[FileState]) -> Mapping[int, Mapping[str, int]]:
    """Return by file id how often each code of a finding was noted; files without are left out."""
    flawed = {
        flow_file.id
        for flow_file in flow_files
        if flow_file.rejected_line_count or flow_file.warning_count or _is_rejected(flow_file)
    }
    counts: dict[int, dict[str, int]] = {}
    if flawed:
        issues = models.LineIssue.objects.filter(flow_file__in=flawed)
        rows = issues.values_list("flow_file_id", "code").annotate(Count("id")).order_by("code")
        for flow_file_id, code, count in rows:
            counts.setdefault(flow_file_id, {})[code] = count
    return counts


def _find_refusals(flow_files: Iterable[FileState]) -> Mapping[int, Refusal]:
    """Return by file id the first finding for which the file was rejected, if it was."""
    rejected = {flow_file.id for flow_file in flow_files if _is_rejected(flow_file)}
    issues = models.LineIssue.objects.filter(
        flow_file__in=rejected, severity=codes.Severity.REJECTED
    )
    first = issues.order_by("flow_file_id", "line_number", "id").distinct("flow_file_id")
    return {issue.flow_file_id: _refusal(issue) for issue in first} if rejected else {}


def _is_rejected(flow_file: FileState) -> bool:
    return flow_file.status == codes.FlowFileStatus.REJECTED


def _refusal(issue: models.LineIssue) -> Refusal:
    finding = catalogue.CATALOGUE[issue.code]
    # The message ends with what is expected here: the same for all of the kind, and more of this.
    _, expectation, more = issue.message.rpartition(finding.expectation)
    return Refusal(
        code=issue.code,
        line=issue.line_number,
        item=issue.item,
        value=issue.value,
        expected=f"{expectation}{more}",
        remedy=finding.remedy,
    )


def _remedies(noted: Iterable[str]) -> Mapping[str, str]:
    """Return what to do about each finding, first about what was rejected."""
    found = sorted(
        map(catalogue.CATALOGUE.__getitem__, noted),
        key=lambda finding: finding.severity == codes.Severity.WARNING,
    )
    return {finding.code: finding.remedy for finding in found}


class Presented(NamedTuple):
    """A flow file as it stands, and the path under which it was presented."""

    flow_file: FileState
    path: str
    is_duplicate: bool = False


def reports(presented: Iterable[Presented]) -> Iterator[FileReport]:
    """Report what became of each, in their order."""
    presented = list(presented)
    flow_files = [one.flow_file for one in presented]
    findings, refusals = _count_findings(flow_files), _find_refusals(flow_files)
    for one in presented:
        flow_file = one.flow_file
        outcome = Outcome(codes.FlowFileStatus(flow_file.status).label)
        reason = flow_file.reason
        if one.is_duplicate and flow_file.is_accepted:
            outcome, reason = Outcome.DUPLICATE, f"same content as {flow_file.file_name}"
        found = findings.get(flow_file.id, {})
        yield FileReport(
            path=one.path,
            outcome=outcome,
            reason=reason,
            sha256=flow_file.sha256,
            line_count=flow_file.line_count,
            reading_count=flow_file.reading_count,
            rejected_line_count=flow_file.rejected_line_count,
            warning_count=flow_file.warning_count,
            findings=found,
            remedies=_remedies(found),
            refusal=refusals.get(flow_file.id),
        )
