"""What is known of a flow file beyond its own row."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from warehouse import models


MOST_DELIVERIES = 50
# Issues are told apart by kind among the first of them only, so that a file that is wrong in
# every line opens as fast as any.
MOST_ISSUES_LOOKED_AT = 10_000
MOST_FILES_LOOKED_AT = 2_000

_HEX = re.compile(r"[0-9a-f]{1,64}")
_SHORTEST_HASH = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class IssueKind:
    """One finding in a file: how often, and where first."""

    severity: str
    code: str
    item: str
    count: int
    first_line_number: int


def latest_deliveries(flow_file: models.FlowFile) -> Sequence[models.Delivery]:
    return list(flow_file.deliveries.order_by("-delivered_at", "-id")[:MOST_DELIVERIES])


def issue_kinds(flow_file: models.FlowFile) -> Sequence[IssueKind]:
    """Return the findings in a file, rejections first, the most frequent first."""
    first = flow_file.issues.order_by("line_number", "id")[:MOST_ISSUES_LOOKED_AT]
    kinds = (
        models.LineIssue.objects.filter(id__in=first.values("id"))
        .values("severity", "code", "item")
        .annotate(count=Count("id"), first_line_number=Min("line_number"))
        .order_by("severity", "-count", "code", "item")
    )
    return [IssueKind(**kind) for kind in kinds]


def search(flow_files: QuerySet[models.FlowFile], typed: str) -> QuerySet[models.FlowFile]:
    """Find by the file id, or by the beginning of file name or SHA-256; all have an index."""
    condition = Q(file_identifier=typed) | Q(file_name__startswith=typed)
    if len(typed) >= _SHORTEST_HASH and _HEX.fullmatch(typed.lower()):
        condition |= Q(sha256__gte=typed.lower(), sha256__lt=f"{typed.lower()}g")
    return flow_files.filter(condition)


def senders() -> Sequence[str]:
    """Return who sent the latest files; who fell silent long ago is found by searching."""
    latest = models.FlowFile.objects.order_by("-id")[:MOST_FILES_LOOKED_AT]
    senders = models.FlowFile.objects.filter(id__in=latest.values("id")).exclude(sender="")
    return list(senders.order_by("sender").values_list("sender", flat=True).distinct())


def issue_codes() -> Sequence[str]:
    """Return the findings among the latest issues."""
    latest = models.LineIssue.objects.order_by("-id")[:MOST_ISSUES_LOOKED_AT]
    issues = models.LineIssue.objects.filter(id__in=latest.values("id"))
    return list(issues.order_by("code").values_list("code", flat=True).distinct())


def issue_items() -> Sequence[str]:
    """Return the J-items among the latest issues."""
    latest = models.LineIssue.objects.order_by("-id")[:MOST_ISSUES_LOOKED_AT]
    issues = models.LineIssue.objects.filter(id__in=latest.values("id")).exclude(item="")
    return list(issues.order_by("item").values_list("item", flat=True).distinct())


def years_of_arrival() -> Sequence[int]:
    """Return the years in which files arrived, the last one first, from the ends of the index."""
    ends = models.FlowFile.objects.aggregate(first=Min("staged_at"), last=Max("staged_at"))
    if ends["first"] is None:
        return []
    first, last = (timezone.localtime(ends[end]).year for end in ("first", "last"))
    return range(last, first - 1, -1)
