"""The page of a flow file: what became of it, what it says of itself, what is wrong in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from warehouse import codes, models, words
from warehouse.admin import audit, outcomes, raw_lines, remedies, sender_text
from warehouse.queries import files, marks


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fact:
    term: str
    value: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class IssueRow:
    """A kind of finding as the page shows it, with the ways on."""

    severity: str
    finding: str
    item: str
    remedy: str
    count: str
    among: str
    first_line_number: int
    line_url: str
    issues_url: str


# What an outcome means for who searches, where the file gives no reason of its own.
_EXPLAINED: Mapping[str, str] = {
    codes.FlowFileStatus.STAGED: (
        "its lines are stored and wait to be transformed; its readings are not found until then"
    ),
    codes.FlowFileStatus.LOADED_WITH_REJECTIONS: (
        "some of its lines were refused, as the issues tell; the rest is in"
    ),
}

# What to do where the outcome tells it, and no finding does.
_REMEDIES: Mapping[str, str] = {
    codes.FlowFileStatus.STAGED: "If it stays so, Operations can transform it on this page.",
    codes.FlowFileStatus.LOADED_WITH_REJECTIONS: (
        "Ask the sender to correct the lines and to send them in a new file: see the text below."
    ),
}


def of(request: HttpRequest, flow_file: models.FlowFile) -> dict[str, Any]:
    """Return what the page shows; whose MPANs are in its text for the sender is recorded."""
    kinds = files.issue_kinds(flow_file)
    may_see_issues = request.user.has_perm("warehouse.view_lineissue")
    told = _for_sender(request, flow_file, kinds) if may_see_issues else {}
    return _page(flow_file, kinds) | told


def _for_sender(
    request: HttpRequest, flow_file: models.FlowFile, kinds: Sequence[files.IssueKind]
) -> dict[str, Any]:
    """Return what is wrong as a text, and record whose MPANs are in it."""
    if not kinds:
        return {}
    told = sender_text.of(flow_file, kinds)
    audit.record(request, told.mpan_cores, codes.LookedAt.ISSUE)
    return {
        "issues_csv_url": (f"{reverse('admin:warehouse_lineissue_download')}?file={flow_file.pk}"),
        "sender_text": told.text,
        "most_kinds": sender_text.MOST_KINDS,
        "most_lines": sender_text.MOST_LINES,
    }


def _page(flow_file: models.FlowFile, kinds: Sequence[files.IssueKind]) -> dict[str, Any]:
    deliveries = files.latest_deliveries(flow_file)
    issues_url = f"{reverse('admin:warehouse_lineissue_changelist')}?file={flow_file.pk}"
    is_rejected = flow_file.status == codes.FlowFileStatus.REJECTED
    refused_for = kinds[0].code if is_rejected and kinds else ""
    has_rival = flow_file.reuses_file_identifier or refused_for == "reused-file-id"
    rival = files.holder_of_its_id(flow_file) if has_rival else None
    return {
        "title": words.visible(flow_file.file_name),
        "subtitle": None,
        "icon": outcomes.icon(flow_file),
        "outcome": words.outcome(flow_file),
        "reason": words.told(flow_file.reason) or _EXPLAINED.get(flow_file.status, ""),
        "refused_for": refused_for,
        "remedy": remedies.of_file(flow_file, refused_for) or _REMEDIES.get(flow_file.status, ""),
        "rival_name": rival and words.visible(rival.file_name),
        "rival_url": rival and reverse("admin:warehouse_flowfile_change", args=[rival.pk]),
        "facts": (
            ("What became of it", _counts(flow_file)),
            ("Header", _header(flow_file)),
            ("Trailer", _trailer(flow_file)),
        ),
        "deliveries": [
            {
                "file_name": words.visible(delivery.file_name),
                "path": words.visible(delivery.path),
                "origin": delivery.get_origin_display(),
                "brought_by": words.visible(delivery.brought_by),
                "delivered": words.clock_time_tag(delivery.delivered_at),
            }
            for delivery in deliveries
        ],
        "issues": [_issue_row(flow_file, kind) for kind in kinds[: files.MOST_ISSUE_KINDS]],
        "marked": [
            (f"{count:,} {codes.Mark(status).label}", f"{issues_url}&mark={status}")
            for status, count in marks.count_of(flow_file).items()
        ],
        "more_issues": words.more(len(kinds), files.MOST_ISSUE_KINDS, len(kinds)),
        "has_readings": flow_file.status in codes.LOADED_STATUSES and flow_file.reading_count > 0,
        "deliveries_heading": _deliveries_heading(deliveries),
        "readings_url": f"{reverse('admin:warehouse_reading_changelist')}?file={flow_file.pk}",
        "issues_url": issues_url,
        "lines_url": raw_lines.url(raw_lines.line_id(flow_file.pk, 1), flow_file),
        "why_not_whole": raw_lines.why_not_whole(flow_file),
    }


def _deliveries_heading(deliveries: Sequence[models.Delivery]) -> str:
    is_cut = len(deliveries) >= files.MOST_DELIVERIES
    return "Deliveries of this content" + (f", latest {len(deliveries)}" if is_cut else "")


def _issue_row(flow_file: models.FlowFile, kind: files.IssueKind) -> IssueRow:
    query = {
        "file": flow_file.pk,
        "severity": kind.severity,
        "code": kind.code,
        **({"item": kind.item} if kind.item else {}),
    }
    return IssueRow(
        severity=codes.Severity(kind.severity).label,
        finding=words.finding(kind.code),
        item=words.item(kind.item),
        remedy=remedies.of(kind.code) or words.NOTHING,
        count=f"{kind.count:,}",
        among=f"among the first {kind.among:,}" if kind.among else "",
        first_line_number=kind.first_line_number,
        line_url=raw_lines.url(raw_lines.line_id(flow_file.pk, kind.first_line_number), flow_file),
        issues_url=f"{reverse('admin:warehouse_lineissue_changelist')}?{urlencode(query)}",
    )


def _counts(flow_file: models.FlowFile) -> Sequence[Fact]:
    facts = [
        Fact(term="Arrived", value=words.clock_time(flow_file.staged_at)),
        Fact(term="Transformed", value=words.clock_time(flow_file.transformed_at)),
        Fact(term="Readings", value=f"{flow_file.reading_count:,}"),
        Fact(term="Rejected lines", value=f"{flow_file.rejected_line_count:,}"),
        Fact(term="Warnings", value=f"{flow_file.warning_count:,}"),
        Fact(term="Lines", value=f"{flow_file.line_count:,}"),
        Fact(term="Size", value=f"{flow_file.size:,} bytes, {words.visible(flow_file.encoding)}"),
        Fact(term="SHA-256", value=flow_file.sha256),
    ]
    if flow_file.is_strict:
        facts.append(Fact(term="Loaded strictly", value="whole or not at all"))
    if flow_file.reuses_file_identifier:
        facts.append(Fact(term="File id", value="used before by this sender, accepted anyway"))
    return facts


def _header(flow_file: models.FlowFile) -> Sequence[Fact]:
    return (
        Fact(term="File id", value=as_sent(flow_file.file_identifier)),
        Fact(term="Flow and version", value=as_sent(flow_file.flow)),
        Fact(term="From", value=words.participant(flow_file.sender_role, flow_file.sender)),
        Fact(term="To", value=words.participant(flow_file.recipient_role, flow_file.recipient)),
        Fact(term="Created", value=words.clock_time(flow_file.file_created_at)),
        Fact(term="Sending application", value=as_sent(flow_file.sending_application)),
        Fact(term="Receiving application", value=as_sent(flow_file.receiving_application)),
        Fact(term="Broadcast", value=as_sent(flow_file.broadcast)),
        Fact(term="Test flag", value=_test_flag(flow_file.test_flag)),
    )


def _trailer(flow_file: models.FlowFile) -> Sequence[Fact]:
    return (
        Fact(term="Lines it says to hold", value=_number(flow_file.declared_group_count)),
        Fact(term="MPANs it says to hold", value=_number(flow_file.declared_flow_count)),
        Fact(term="Checksum", value=as_sent(flow_file.checksum)),
        Fact(term="Completed", value=words.clock_time(flow_file.file_completed_at)),
    )


def as_sent(text: str) -> str:
    return words.visible(text) if text.strip() else words.NOTHING


def _number(number: int | None) -> str:
    return words.NOTHING if number is None else f"{number:,}"


def _test_flag(flag: str) -> str:
    return "OPER, live data" if flag == "OPER" else as_sent(flag)
