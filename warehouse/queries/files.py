"""What is known of a flow file beyond its own row."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from warehouse import models


MOST_DELIVERIES = 50
# Issues are told apart by kind among the first of them only, so that a file that is wrong in
# every line opens as fast as any.
MOST_ISSUES_LOOKED_AT = 10_000
MOST_ROWS_LOOKED_AT = 1_000

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
    return _distinct(models.FlowFile.objects.order_by("-id").values_list("sender", flat=True))


def issue_codes() -> Sequence[str]:
    """Return the findings among the latest issues."""
    return _distinct(models.LineIssue.objects.order_by("-id").values_list("code", flat=True))


def issue_items() -> Sequence[str]:
    """Return the J-items among the latest issues."""
    return _distinct(models.LineIssue.objects.order_by("-id").values_list("item", flat=True))


def _distinct(values: QuerySet[Any, str]) -> Sequence[str]:
    """Tell apart here what the server would read a whole table for."""
    return sorted(set(values[:MOST_ROWS_LOOKED_AT]) - {""})


def years_of_arrival() -> Sequence[int]:
    """Return the years in which files arrived, the last one first, from the ends of the index."""
    ends = models.FlowFile.objects.aggregate(first=Min("staged_at"), last=Max("staged_at"))
    if ends["first"] is None:
        return []
    first, last = (timezone.localtime(ends[end]).year for end in ("first", "last"))
    return range(last, first - 1, -1)
