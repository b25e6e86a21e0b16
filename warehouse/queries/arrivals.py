"""What arrived of late, what waits, and what needs a human."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from django.db.models import Count, Min, Sum
from django.db.models.functions import TruncDate

from warehouse import models


MOST_LISTED = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arrived:
    """What one sender sent on one day, by the day of arrival."""

    date: datetime.date
    sender: str
    files: int
    readings: int
    rejected_lines: int
    rejected_files: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Group:
    """What one sender sent on one day, of one outcome."""

    date: datetime.date
    sender: str
    status: str
    files: int
    loaded_readings: int
    rejected_lines: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overview:
    """The start page's numbers; what needs a human is of the same days as what arrived."""

    arrived: Sequence[Arrived]
    waiting_count: int
    waiting_since: datetime.datetime | None
    refused: Sequence[models.FlowFile]
    refused_count: int
    partly_loaded: Sequence[models.FlowFile]
    partly_loaded_count: int


_REFUSED = (models.FlowFileStatus.REJECTED, models.FlowFileStatus.FAILED)


def since(moment: datetime.datetime) -> Overview:
    """Return what happened since then, by the index over the time of arrival."""
    recent = models.FlowFile.objects.filter(staged_at__gte=moment)
    waiting = models.FlowFile.objects.filter(status=models.FlowFileStatus.STAGED).aggregate(
        count=Count("id"), since=Min("staged_at")
    )
    refused = recent.filter(status__in=_REFUSED)
    partly_loaded = recent.filter(status=models.FlowFileStatus.LOADED_WITH_REJECTIONS)
    groups = [
        _Group(**group)
        for group in recent.annotate(date=TruncDate("staged_at"))
        .values("date", "sender", "status")
        .annotate(
            files=Count("id"),
            loaded_readings=Sum("reading_count"),
            rejected_lines=Sum("rejected_line_count"),
        )
    ]
    return Overview(
        arrived=_by_day_and_sender(groups),
        waiting_count=waiting["count"],
        waiting_since=waiting["since"],
        refused=list(refused.order_by("-staged_at", "-id")[:MOST_LISTED]),
        refused_count=sum(group.files for group in groups if group.status in _REFUSED),
        partly_loaded=list(partly_loaded.order_by("-staged_at", "-id")[:MOST_LISTED]),
        partly_loaded_count=sum(
            group.files
            for group in groups
            if group.status == models.FlowFileStatus.LOADED_WITH_REJECTIONS
        ),
    )


def _by_day_and_sender(groups: Sequence[_Group]) -> Sequence[Arrived]:
    """Add up over the outcomes; the last day comes first."""
    keys = sorted({(-group.date.toordinal(), group.sender) for group in groups})
    return [
        Arrived(
            date=datetime.date.fromordinal(-day),
            sender=sender,
            files=sum(group.files for group in of_key),
            readings=sum(group.loaded_readings for group in of_key),
            rejected_lines=sum(group.rejected_lines for group in of_key),
            rejected_files=sum(group.files for group in of_key if group.status in _REFUSED),
        )
        for day, sender in keys
        for of_key in [
            [group for group in groups if (-group.date.toordinal(), group.sender) == (day, sender)]
        ]
    ]
