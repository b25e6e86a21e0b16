"""The start page: a search, what arrived, what waits, and what needs a human."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timesince, timezone

from warehouse import codes, models, words
from warehouse.admin import arrival_charts, flow_files, outcomes, remedies, searching
from warehouse.queries import arrivals, look_ups


DAYS = 7
_LONGEST_PENDING = datetime.timedelta(hours=1)


def page(request: HttpRequest) -> HttpResponse:
    """Show the start page, with the overview to those who may see flow files."""
    may_see_files = request.user.has_perm("warehouse.view_flowfile")
    context = {"recent": _recent(request), **(_overview() if may_see_files else {})}
    return admin.site.index(request, context)


def _recent(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the meter points that the user looked at last, with their addresses."""
    if not request.user.has_perm("warehouse.view_meterpoint"):
        return []
    looked_at = look_ups.recent(request.user.get_username())
    return [(words.mpan_tag(one), searching.meter_point_url(one)) for one in looked_at]


def _overview() -> dict[str, Any]:
    overview = arrivals.since(arrivals.start_of_last(DAYS))
    address = reverse("admin:warehouse_flowfile_changelist")
    since = f"{address}?arrived={DAYS}"
    return {
        "overview": overview,
        "is_empty": not (overview.arrived or models.FlowFile.objects.exists()),
        "days": DAYS,
        "most_rows": arrivals.MOST_ROWS,
        "since_url": since,
        "arrived": [
            {
                "date": f"{row.date:%a} {row.date.day} {row.date:%b}",
                "files": f"{row.files:,}",
                "rejected_files": f"{row.rejected_files:,}",
                "readings": f"{row.loaded_readings:,}",
                "rejected_lines": f"{row.rejected_lines:,}",
                "sender": words.visible(row.sender) or words.NOTHING,
            }
            for row in overview.arrived
        ],
        **_charts(),
        **_senders(),
        **_age(overview.waiting_since),
        "waiting_since": words.minute_tag(overview.waiting_since),
        "waiting_url": f"{address}?status={codes.FlowFileStatus.STAGED}",
        "refused": [_listed(flow_file) for flow_file in overview.refused],
        "partly_loaded": [_listed(flow_file) for flow_file in overview.partly_loaded],
        "refused_more": overview.refused_count - len(overview.refused),
        "partly_loaded_more": overview.partly_loaded_count - len(overview.partly_loaded),
        "refused_url": f"{since}&status={flow_files.OutcomeFilter.refused}",
        "partly_loaded_url": f"{since}&status={codes.FlowFileStatus.LOADED_WITH_REJECTIONS}",
    }


def _age(since: datetime.datetime | None) -> dict[str, Any]:
    """Return for how long the oldest file has been pending, and whether that is too long."""
    now = timezone.now()
    if since is None:
        return {}
    return {
        "pending_for": timesince.timesince(since, now),
        "is_overdue": now - since >= _LONGEST_PENDING,
    }


def _charts() -> dict[str, Any]:
    found, is_cut = arrivals.by_day()
    return {
        "charts": arrival_charts.of_senders(found),
        "most_files_drawn": f"{arrivals.MOST_FILES_DRAWN:,}" if is_cut else "",
    }


def _senders() -> dict[str, Any]:
    found = arrivals.senders(most=arrivals.MOST_SENDERS + 1)
    return {
        "recent_days": arrivals.RECENT_DAYS,
        "pause_days": arrivals.PAUSE_DAYS,
        "most_senders": arrivals.MOST_SENDERS,
        "has_more_senders": len(found) > arrivals.MOST_SENDERS,
        "senders": [
            {
                "name": words.participant(sender.sender_role, sender.sender),
                "files": f"{sender.files:,}",
                "rejected_files": f"{sender.rejected_files:,}",
                "readings": f"{sender.loaded_readings:,}",
                "last_arrival": words.minute_tag(sender.last_arrival),
                "silence": _silence(sender),
                "missing": _missing(sender),
            }
            for sender in found[: arrivals.MOST_SENDERS]
        ],
    }


def _silence(sender: arrivals.Sender) -> str:
    if not sender.is_silent:
        return ""
    return f"silent for {sender.silent_days} days, before that for {sender.longest_pause} at most"


def _missing(sender: arrivals.Sender) -> str:
    if sender.missing_file_ids is None:
        return words.NOTHING
    told = [str(first) if first == last else f"{first} to {last}" for first, last in sender.gaps]
    missing = sum(last - first + 1 for first, last in sender.gaps)
    if missing < sender.missing_file_ids:
        told.append(f"and {sender.missing_file_ids - missing:,} more")
    return ", ".join(told) or "none"


def _listed(flow_file: models.FlowFile) -> dict[str, str]:
    rejected = flow_file.rejected_line_count
    first_finding: str | None = flow_file.first_finding  # type: ignore[attr-defined] # of the query
    return {
        "name": words.visible(flow_file.file_name),
        "url": reverse("admin:warehouse_flowfile_change", args=[flow_file.pk]),
        "arrived": words.minute_tag(flow_file.staged_at),
        "outcome": outcomes.tag(flow_file),
        "reason": words.told(flow_file.reason)
        or f"{rejected:,} {'line' if rejected == 1 else 'lines'} rejected",
        # Lines are rejected for many reasons, which the page of their file tells.
        "remedy": remedies.of_file(flow_file, first_finding or "") if flow_file.reason else "",
    }
