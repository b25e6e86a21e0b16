"""What became of a file, in the words of the contract."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping

from django.db.models import Count

from warehouse import models


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
class FileReport:
    """What became of one path; counts are of its content, zero where nothing is known of it."""

    path: str
    outcome: Outcome
    reason: str = ""
    sha256: str = ""
    line_count: int = 0
    reading_count: int = 0
    rejected_line_count: int = 0
    warning_count: int = 0
    findings: Mapping[str, int] = dataclasses.field(default_factory=dict)


# The fields of a flow file that a report is made from; the others are many.
REPORTED_FIELDS = (
    "file_name",
    "sha256",
    "status",
    "reason",
    "line_count",
    "reading_count",
    "rejected_line_count",
    "warning_count",
)


def count_findings(flow_files: Iterable[models.FlowFile]) -> Mapping[int, Mapping[str, int]]:
    """Return by file id how often each code of a finding was noted; files without are left out."""
    flawed = {
        flow_file.pk
        for flow_file in flow_files
        if flow_file.rejected_line_count or flow_file.warning_count
    }
    counts: dict[int, dict[str, int]] = {}
    if flawed:
        issues = models.LineIssue.objects.filter(flow_file__in=flawed)
        rows = issues.values_list("flow_file_id", "code").annotate(Count("id")).order_by("code")
        for flow_file_id, code, count in rows:
            counts.setdefault(flow_file_id, {})[code] = count
    return counts


def report_of(
    flow_file: models.FlowFile,
    *,
    path: str,
    findings: Mapping[str, int],
    is_duplicate: bool = False,
) -> FileReport:
    """Report a flow file as it stands, or as the content that a path turned out to be."""
    outcome = Outcome(models.FlowFileStatus(flow_file.status).label)
    reason = flow_file.reason
    if is_duplicate and flow_file.status in models.ACCEPTED_STATUSES:
        outcome, reason = Outcome.DUPLICATE, f"same content as {flow_file.file_name}"
    return FileReport(
        path=path,
        outcome=outcome,
        reason=reason,
        sha256=flow_file.sha256,
        line_count=flow_file.line_count,
        reading_count=flow_file.reading_count,
        rejected_line_count=flow_file.rejected_line_count,
        warning_count=flow_file.warning_count,
        findings=findings,
    )
