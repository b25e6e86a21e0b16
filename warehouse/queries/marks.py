"""Marks on issues: asked, or answered, or none, which is open."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import JSONObject

from warehouse import marks, models


OPEN = "OPEN"  # what has no mark
MOST_MARKED = 500  # at once

_KEY = ("flow_file_id", "line_number", "code", "item")

# The mark of an issue within a query of issues, at one look by its key; null where it is open.
TOLD = Subquery(
    marks.IssueMark.objects.filter(**{name: OuterRef(name) for name in _KEY}).values(
        told=JSONObject(status="status", note="note", marked_by="marked_by", marked_at="marked_at")
    )
)


def mark(
    issues: Sequence[models.LineIssue],
    *,
    status: str,
    note: str | None,
    marked_by: str,
    marked_at: datetime.datetime,
) -> None:
    """Mark these issues; without a note each keeps the one that it has. Open takes marks off."""
    if status == OPEN:
        marked = models.LineIssue.objects.filter(id__in=[issue.pk for issue in issues])
        own = marked.filter(**{name: OuterRef(name) for name in _KEY})
        marks.IssueMark.objects.filter(Exists(own)).delete()
        return
    by_key = {
        _key(issue): marks.IssueMark(
            **dict(zip(_KEY, _key(issue), strict=True)),
            status=status,
            note=note or "",
            marked_by=marked_by,
            marked_at=marked_at,
        )
        for issue in issues
    }
    changed = ["status", "marked_by", "marked_at", *([] if note is None else ["note"])]
    marks.IssueMark.objects.bulk_create(
        by_key.values(), update_conflicts=True, unique_fields=_KEY, update_fields=changed
    )


def tell(issues: Sequence[models.LineIssue]) -> None:
    """Set the `mark` of each of these issues, which is none where it is open, by one query."""
    found = marks.IssueMark.objects.filter(
        flow_file__in={issue.flow_file_id for issue in issues},
        line_number__in={issue.line_number for issue in issues},
    )
    by_key = {_key(one): one for one in found}
    for issue in issues:
        issue.mark = by_key.get(_key(issue))


def narrowed(issues: QuerySet[models.LineIssue], status: str) -> QuerySet[models.LineIssue]:
    """Return those of the issues that are marked so, or that are open."""
    marked = marks.IssueMark.objects.filter(**{name: OuterRef(name) for name in _KEY})
    if status == OPEN:
        return issues.filter(~Exists(marked))
    return issues.filter(Exists(marked.filter(status=status)))


def count_of(flow_file: models.FlowFile) -> Mapping[str, int]:
    """Return how many marks of each kind there are in a file."""
    own = models.LineIssue.objects.filter(**{name: OuterRef(name) for name in _KEY})
    of_file = marks.IssueMark.objects.filter(Exists(own), flow_file=flow_file)
    return dict(of_file.values_list("status").annotate(Count("id")).order_by("status"))


def that_name(mpan_core: str) -> QuerySet[marks.IssueMark]:
    """Return the marks whose notes name a meter point, however its digits are spaced."""
    digits = Func(
        F("note"),
        Value("[^0-9]"),
        Value(""),
        Value("g"),
        function="regexp_replace",
        output_field=TextField(),
    )
    return marks.IssueMark.objects.alias(digits=digits).filter(digits__contains=mpan_core)


def _key(of: models.LineIssue | marks.IssueMark) -> tuple[int, int, str, str]:
    return of.flow_file_id, of.line_number, of.code, of.item
