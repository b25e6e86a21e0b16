"""What is known of a flow file beyond its own row."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Sequence

from django import db
from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.utils import timezone

from warehouse import codes, keys, models
from warehouse.queries import arrivals


MOST_DELIVERIES = 50
# Issues are told apart by kind among the first of each severity only, so that a file that is
# wrong in every line opens as fast as any, and no warnings hide a rejection.
MOST_ISSUES_LOOKED_AT = 10_000
MOST_ISSUE_KINDS = 50
MOST_CHOICES = 200  # of a filter; any other is found by its address

STRETCH = ExpressionWrapper(
    F("id").bitrightshift(keys.BITS_OF_A_STRETCH),
    output_field=BigIntegerField(),  # Django would take it for one of four bytes
)

# Findings that another line of the file causes, by how far they are from it: told behind it.
_CAUSED = {"orphan-line": 1, "parent-rejected": 2}

_HEX = re.compile(r"[0-9a-f]{1,64}")
_SHORTEST_HASH = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class IssueKind:
    """One finding in a file: how often, and where first, if among so many issues only."""

    severity: str
    code: str
    item: str
    count: int
    first_line_number: int
    among: int | None


def stretches(flow_file_id: int) -> tuple[int, int]:
    """Return the first and the last stretch of lines that this file can have."""
    return keys.stretch(flow_file_id << 32), keys.stretch(flow_file_id << 32 | 0xFFFF_FFFF)


def readings_of(flow_file_id: int, readings: QuerySet[models.Reading]) -> QuerySet[models.Reading]:
    """Narrow the readings to those of one file, by the index of stretches."""
    return readings.alias(stretch=STRETCH).filter(stretch__range=stretches(flow_file_id))


def latest_deliveries(flow_file: models.FlowFile) -> Sequence[models.Delivery]:
    return list(flow_file.deliveries.order_by("-delivered_at", "-id")[:MOST_DELIVERIES])


def issue_kinds(flow_file: models.FlowFile) -> Sequence[IssueKind]:
    """
    Return the findings in a file, rejections first, the most frequent first.

    What stands under a rejected line is rejected as well, often many times: that comes last.
    """
    kinds = _issue_kinds(flow_file, codes.Severity.REJECTED)
    if flow_file.warning_count:  # else all of a file of rejections would be read to find none
        kinds += _issue_kinds(flow_file, codes.Severity.WARNING)
    return kinds


def _issue_kinds(flow_file: models.FlowFile, severity: codes.Severity) -> list[IssueKind]:
    issues = flow_file.issues.filter(severity=severity).order_by("line_number", "id")
    kinds = (
        models.LineIssue.objects.filter(id__in=issues.values("id")[:MOST_ISSUES_LOOKED_AT])
        .values("severity", "code", "item")
        .annotate(count=Count("id"), first_line_number=Min("line_number"))
        .order_by("-count", "code", "item")
    )
    is_cut = sum(kind["count"] for kind in kinds) >= MOST_ISSUES_LOOKED_AT
    among = MOST_ISSUES_LOOKED_AT if is_cut else None
    found = [IssueKind(**kind, among=among) for kind in kinds]
    return sorted(found, key=lambda kind: _CAUSED.get(kind.code, 0))


def holder_of_its_id(flow_file: models.FlowFile) -> models.FlowFile | None:
    """Return the file that came before under the same file id of the same sender, if any."""
    holders = models.FlowFile.objects.filter(
        file_identifier=flow_file.file_identifier,
        sender=flow_file.sender,
        sender_role=flow_file.sender_role,
        status__in=codes.ACCEPTED_STATUSES,
        reuses_file_identifier=False,
    )
    return holders.exclude(id=flow_file.pk).first()


def first_issues(
    flow_file: models.FlowFile, kinds: Sequence[IssueKind], *, most: int
) -> Sequence[tuple[IssueKind, Sequence[models.LineIssue]]]:
    """Return the first issues of each kind, by one statement; none of lines that are forgotten."""
    if not kinds:
        return []
    first, *others = (
        flow_file.issues.filter(
            severity=kind.severity,
            code=kind.code,
            item=kind.item,
            line_number__gte=kind.first_line_number,
        )
        .exclude(kind=codes.FORGOTTEN)
        .order_by("line_number", "id")[:most]
        for kind in kinds
    )
    found: dict[tuple[str, str, str], list[models.LineIssue]] = {}
    for issue in first.union(*others, all=True):
        found.setdefault((issue.severity, issue.code, issue.item), []).append(issue)
    return [(kind, found.get((kind.severity, kind.code, kind.item), [])) for kind in kinds]


def search(flow_files: QuerySet[models.FlowFile], typed: str) -> QuerySet[models.FlowFile]:
    """Find by the file id, or by the beginning of file name or SHA-256; all have an index."""
    condition = Q(file_identifier=typed) | Q(file_name__startswith=typed)
    if len(typed) >= _SHORTEST_HASH and _HEX.fullmatch(typed.lower()):
        condition |= Q(sha256__gte=typed.lower(), sha256__lt=f"{typed.lower()}g")
    return flow_files.filter(condition)


def find(
    *,
    sender: str | None = None,
    flow: str | None = None,
    status: str | None = None,
    since: datetime.date | None = None,
    until: datetime.date | None = None,
) -> QuerySet[models.FlowFile]:
    """Return the files of a sender, of a flow, of a status, or that arrived on these UK dates."""
    asked = {"sender": sender, "flow": flow, "status": status}
    found = models.FlowFile.objects.filter(
        **{name: value for name, value in asked.items() if value is not None}
    )
    if since is not None:
        found = found.filter(staged_at__gte=arrivals.midnight(since))
    if until is not None:
        found = found.filter(staged_at__lt=arrivals.day_after(until))
    return found


def senders() -> Sequence[str]:
    """Return who ever sent a file, at most `MOST_CHOICES`."""
    return _distinct(models.FlowFile, "sender")


def flows() -> Sequence[str]:
    """Return flows and versions of which a file ever came, at most `MOST_CHOICES`."""
    return _distinct(models.FlowFile, "flow")


def issue_codes() -> Sequence[str]:
    """Return the findings that any issue has, at most `MOST_CHOICES`."""
    return _distinct(models.LineIssue, "code")


def issue_items() -> Sequence[str]:
    """Return the J-items that any issue has, at most `MOST_CHOICES`."""
    return _distinct(models.LineIssue, "item")


# Goes from each value to the next by an index that leads with the column; DISTINCT would read
# the whole table.
_DISTINCT = """
    WITH RECURSIVE found AS (
        SELECT min({column}) AS value
        FROM {table}
        UNION ALL
        SELECT (SELECT min({column}) FROM {table} WHERE {column} > found.value)
        FROM found
        WHERE found.value IS NOT NULL
    )

    SELECT value
    FROM found
    WHERE value <> ''
    LIMIT %s
"""


def _distinct(model: type[models.FlowFile | models.LineIssue], column: str) -> Sequence[str]:
    statement = _DISTINCT.format(table=model._meta.db_table, column=column)  # noqa: SLF001 - Django's name for it
    with db.connection.cursor() as cursor:
        cursor.execute(statement, [MOST_CHOICES])
        return [value for (value,) in cursor.fetchall()]


def days_of_first_and_last_arrival() -> tuple[datetime.date, datetime.date] | None:
    """Return the days from the ends of the index, if anything ever arrived."""
    ends = models.FlowFile.objects.aggregate(first=Min("staged_at"), last=Max("staged_at"))
    if ends["first"] is None:
        return None
    return timezone.localdate(ends["first"]), timezone.localdate(ends["last"])
