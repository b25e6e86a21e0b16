"""What arrived of late and from whom, what waits, and what needs a human."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django import db
from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

import sql
from warehouse import codes, models


MOST_LISTED = 10
MOST_ROWS = 200  # of senders and days
MOST_SENDERS = 50
MOST_GAPS = 5  # of a sender
RECENT_DAYS = 30
# Over which the pauses between a sender's files are looked at.
PAUSE_DAYS = 120
MOST_DRAWN = 5  # senders by name
MOST_FILES_DRAWN = 20_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arrived:
    """What one sender sent on one day, by the day of arrival."""

    date: datetime.date
    sender: str
    files: int
    loaded_readings: int
    rejected_lines: int
    rejected_files: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overview:
    """The start page's numbers; what needs a human is of the same days as what arrived."""

    arrived: Sequence[Arrived]
    is_cut: bool
    waiting_count: int
    waiting_since: datetime.datetime | None
    refused: Sequence[models.FlowFile]
    refused_count: int
    partly_loaded: Sequence[models.FlowFile]
    partly_loaded_count: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sender:
    """
    Who sent files of late: how many in the last days, and what seems to be missing.

    File ids are missing between others that came, where those are numbers and mostly in a row;
    else it is not known (None). A sender is silent for longer than the longest of its pauses; one
    of which too few are known has none.
    """

    sender: str
    sender_role: str
    files: int
    rejected_files: int
    loaded_readings: int
    last_arrival: datetime.datetime
    silent_days: int
    longest_pause: int | None
    is_silent: bool
    missing_file_ids: int | None
    gaps: Sequence[tuple[int, int]]  # the first of them, first and last id of each


@dataclasses.dataclass(frozen=True, kw_only=True)
class Daily:
    """How many files a sender sent on each day on which one came; of the others, no name."""

    sender: str
    sender_role: str
    files: Mapping[datetime.date, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Totals:
    """What there is by now."""

    files: Mapping[str, int]  # by status
    loaded_readings: int
    waiting_since: datetime.datetime | None


# The code of the first finding of a file that rejects something, by the index of such findings.
_FIRST_FINDING = Subquery(
    models.LineIssue.objects.filter(flow_file=OuterRef("pk"), severity=codes.Severity.REJECTED)
    .order_by("line_number", "id")
    .values("code")[:1]
)
_LOADED = Q(status__in=codes.LOADED_STATUSES)
_PARTLY_LOADED = Q(status=codes.FlowFileStatus.LOADED_WITH_REJECTIONS)
_REFUSED = Q(status__in=codes.REFUSED_STATUSES)


def midnight(day: datetime.date) -> datetime.datetime:
    """Return when a day begins by UK clocks."""
    zone = timezone.get_default_timezone()
    return datetime.datetime.combine(day, datetime.time.min, tzinfo=zone)


def day_after(day: datetime.date) -> datetime.datetime:
    """Return when the day after begins; behind the last day that there is comes none."""
    is_last = day == datetime.date.max
    return midnight(day if is_last else day + datetime.timedelta(days=1))


def start_of_last(days: int) -> datetime.datetime:
    """Return when the last so many days began; today is the last of them."""
    return midnight(timezone.localdate() - datetime.timedelta(days=days - 1))


def since(moment: datetime.datetime) -> Overview:
    """Return what happened since then, by the index over the time of arrival."""
    recent = models.FlowFile.objects.filter(staged_at__gte=moment)
    waiting = models.FlowFile.objects.filter(status=codes.FlowFileStatus.STAGED).aggregate(
        count=Count("id"), since=Min("staged_at")
    )
    needing = recent.filter(_REFUSED | _PARTLY_LOADED).aggregate(
        refused=Count("id", filter=_REFUSED), partly_loaded=Count("id", filter=_PARTLY_LOADED)
    )
    rows = (
        recent.annotate(date=TruncDate("staged_at"))
        .values("date", "sender")
        .annotate(
            files=Count("id"),
            # A file that waits says how many readings it holds; they are none before it is loaded.
            loaded_readings=Sum("reading_count", filter=_LOADED, default=0),
            rejected_lines=Sum("rejected_line_count"),
            rejected_files=Count("id", filter=_REFUSED),
        )
        .order_by("-date", "sender")[: MOST_ROWS + 1]
    )
    arrived = [Arrived(**row) for row in rows]
    return Overview(
        arrived=arrived[:MOST_ROWS],
        is_cut=len(arrived) > MOST_ROWS,
        waiting_count=waiting["count"],
        waiting_since=waiting["since"],
        refused=_latest(recent.filter(_REFUSED)),
        refused_count=needing["refused"],
        partly_loaded=_latest(recent.filter(_PARTLY_LOADED)),
        partly_loaded_count=needing["partly_loaded"],
    )


def _latest(flow_files: QuerySet[models.FlowFile]) -> Sequence[models.FlowFile]:
    listed = flow_files.annotate(first_finding=_FIRST_FINDING)
    return list(listed.order_by("-staged_at", "-id")[:MOST_LISTED])


def senders(*, most: int = MOST_SENDERS) -> Sequence[Sender]:
    """Return who sent files of late, first those that are silent, or whose file ids have gaps."""
    parameters: dict[str, Any] = {
        "since": start_of_last(PAUSE_DAYS),
        "recently": start_of_last(RECENT_DAYS),
        "today": timezone.localdate(),
        "time_zone": timezone.get_default_timezone_name(),
        "most": most,
        "most_gaps": MOST_GAPS,
    }
    return [
        Sender(**{**row, "gaps": [(first, last) for first, last in row["gaps"] or ()]})
        for row in _rows("10_list_senders", parameters)
    ]


def by_day() -> tuple[Sequence[Daily], bool]:
    """
    Return what arrived on each of the last days, of those who sent most by name, then of others.

    And whether only the latest files are counted, as many as there may be.
    """
    parameters = {
        "since": start_of_last(RECENT_DAYS),
        "today": timezone.localdate(),
        "time_zone": timezone.get_default_timezone_name(),
        "most_senders": MOST_DRAWN,
        "others": MOST_FILES_DRAWN - 1,
    }
    files: dict[tuple[str, str], dict[datetime.date, int]] = {}
    for row in _rows("20_count_by_day", parameters):
        of_sender = files.setdefault((row["sender"], row["sender_role"]), {})
        of_sender[row["day"]] = row["files"]
    found = [
        Daily(sender=sender, sender_role=role, files=of_sender)
        for (sender, role), of_sender in files.items()
    ]
    count = sum(sum(of_sender.values()) for of_sender in files.values())
    return found, count >= MOST_FILES_DRAWN


def _rows(name: str, parameters: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    with db.connection.cursor() as cursor:
        cursor.execute(sql.statement("arrivals", name), parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def totals() -> Totals:
    """Return counts over all files, for an operator."""
    files = models.FlowFile.objects
    counts = files.values_list("status").annotate(Count("id")).order_by("status")
    sums = files.aggregate(
        readings=Sum("reading_count", filter=_LOADED, default=0),
        since=Min("staged_at", filter=Q(status=codes.FlowFileStatus.STAGED)),
    )
    return Totals(
        files=dict(counts), loaded_readings=sums["readings"], waiting_since=sums["since"]
    )
