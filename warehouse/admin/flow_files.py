"""Flow files: which came, what became of them, and what each said of itself."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import safestring, timezone

from warehouse import models
from warehouse.admin import filters, raw_lines, read_only, words
from warehouse.queries import files


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
    count: int
    first_line_number: int
    line_url: str
    issues_url: str


# What an outcome means for who searches, where the file gives no reason of its own.
_EXPLAINED: Mapping[str, str] = {
    models.FlowFileStatus.STAGED: (
        "its lines are stored and wait to be transformed; its readings are not found until then"
    ),
    models.FlowFileStatus.LOADED_WITH_REJECTIONS: (
        "some of its lines were refused, as the issues tell; the rest is in"
    ),
}


class OutcomeFilter(filters.ChoiceFilter):
    title = "outcome"
    parameter_name = "status"

    def values(self) -> Sequence[tuple[str, str]]:
        return models.FlowFileStatus.choices

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(status=value)


class ArrivalFilter(filters.ChoiceFilter):
    """By the index over the time of arrival; a date hierarchy would read the whole table."""

    title = "arrival"
    parameter_name = "arrived"
    days = (("1", "since yesterday"), ("7", "in the last 7 days"), ("31", "in the last 31 days"))

    def values(self) -> Sequence[tuple[str, str]]:
        return [*self.days, *((str(year), f"in {year}") for year in files.years_of_arrival())]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        number = int(value)
        if value not in dict(self.days):
            zone = timezone.get_default_timezone()
            first = datetime.datetime(number, 1, 1, tzinfo=zone)
            return queryset.filter(
                staged_at__gte=first, staged_at__lt=first.replace(year=number + 1)
            )
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        return queryset.filter(staged_at__gte=midnight - datetime.timedelta(days=number))


class SenderFilter(filters.SenderFilter):
    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(sender=value)


class IssuesFilter(filters.ChoiceFilter):
    title = "issues"
    parameter_name = "issues"

    def values(self) -> Sequence[tuple[str, str]]:
        return (("rejected", "with rejected lines"), ("warnings", "with warnings"))

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        column = "rejected_line_count" if value == "rejected" else "warning_count"
        return queryset.filter(**{f"{column}__gt": 0})


@admin.register(models.FlowFile)
class FlowFileAdmin(read_only.ReadOnlyAdmin):
    list_display = (
        "name",
        "outcome",
        "route",
        "readings",
        "rejected_lines",
        "warnings",
        "arrived",
    )
    list_filter = (ArrivalFilter, OutcomeFilter, IssuesFilter, SenderFilter)
    ordering = ("-staged_at", "-id")
    search_fields = ("file_name",)  # shows the box; what is searched is told below
    search_help_text = (
        "The beginning of a file name or of a SHA-256, or a file id from the header."
    )
    fields = ("status",)
    change_form_template = "admin/warehouse/flowfile/page.html"

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[models.FlowFile],
        search_term: str,
    ) -> tuple[QuerySet[models.FlowFile], bool]:
        typed = search_term.strip()
        return files.search(queryset, typed) if typed else queryset, False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        flow_file = self.get_object(request, object_id) if request.method == "GET" else None
        if flow_file is not None and self.has_view_permission(request, flow_file):
            extra_context = {**_page(flow_file), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="file name")
    def name(self, flow_file: models.FlowFile) -> str:
        return words.visible(flow_file.file_name)

    @admin.display(description="outcome")
    def outcome(self, flow_file: models.FlowFile) -> str:
        return flow_file.get_status_display()

    @admin.display(description="sender → recipient")
    def route(self, flow_file: models.FlowFile) -> str:
        sender = words.visible(flow_file.sender) or words.NOTHING
        return f"{sender} → {words.visible(flow_file.recipient) or words.NOTHING}"

    @admin.display(description="readings")
    def readings(self, flow_file: models.FlowFile) -> str:
        return f"{flow_file.reading_count:,}"

    @admin.display(description="rejected lines")
    def rejected_lines(self, flow_file: models.FlowFile) -> str:
        return f"{flow_file.rejected_line_count:,}"

    @admin.display(description="warnings")
    def warnings(self, flow_file: models.FlowFile) -> str:
        return f"{flow_file.warning_count:,}"

    @admin.display(description="arrived")
    def arrived(self, flow_file: models.FlowFile) -> safestring.SafeString:
        return words.minute_tag(flow_file.staged_at)


def _page(flow_file: models.FlowFile) -> dict[str, Any]:
    return {
        "title": words.visible(flow_file.file_name),
        "subtitle": None,
        "outcome": flow_file.get_status_display(),
        "reason": words.visible(flow_file.reason) or _EXPLAINED.get(flow_file.status, ""),
        "facts": (
            ("What became of it", _counts(flow_file)),
            ("Header", _header(flow_file)),
            ("Trailer", _trailer(flow_file)),
        ),
        "deliveries": [
            {
                "file_name": words.visible(delivery.file_name),
                "path": words.visible(delivery.path),
                "delivered": words.clock_time_tag(delivery.delivered_at),
            }
            for delivery in files.latest_deliveries(flow_file)
        ],
        "issues": [_issue_row(flow_file, kind) for kind in files.issue_kinds(flow_file)],
        "readings_url": f"{reverse('admin:warehouse_reading_changelist')}?file={flow_file.pk}",
        "issues_url": f"{reverse('admin:warehouse_lineissue_changelist')}?file={flow_file.pk}",
        "lines_url": raw_lines.url(raw_lines.line_id(flow_file.pk, 1)),
    }


def _issue_row(flow_file: models.FlowFile, kind: files.IssueKind) -> IssueRow:
    issues = reverse("admin:warehouse_lineissue_changelist")
    return IssueRow(
        severity=models.Severity(kind.severity).label,
        finding=words.finding(kind.code),
        item=words.visible(kind.item) or words.NOTHING,
        count=kind.count,
        first_line_number=kind.first_line_number,
        line_url=raw_lines.url(raw_lines.line_id(flow_file.pk, kind.first_line_number)),
        issues_url=f"{issues}?file={flow_file.pk}&severity={kind.severity}",
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
        Fact(term="File id", value=_as_sent(flow_file.file_identifier)),
        Fact(term="Flow and version", value=_as_sent(flow_file.flow)),
        Fact(term="From", value=words.participant(flow_file.sender_role, flow_file.sender)),
        Fact(term="To", value=words.participant(flow_file.recipient_role, flow_file.recipient)),
        Fact(term="Created", value=words.clock_time(flow_file.file_created_at)),
        Fact(term="Sending application", value=_as_sent(flow_file.sending_application)),
        Fact(term="Receiving application", value=_as_sent(flow_file.receiving_application)),
        Fact(term="Broadcast", value=_as_sent(flow_file.broadcast)),
        Fact(term="Test flag", value=_test_flag(flow_file.test_flag)),
    )


def _trailer(flow_file: models.FlowFile) -> Sequence[Fact]:
    return (
        Fact(term="Lines it says to hold", value=_number(flow_file.declared_group_count)),
        Fact(term="MPANs it says to hold", value=_number(flow_file.declared_flow_count)),
        Fact(term="Checksum", value=_as_sent(flow_file.checksum)),
        Fact(term="Completed", value=words.clock_time(flow_file.file_completed_at)),
    )


def _as_sent(text: str) -> str:
    return words.visible(text) if text.strip() else words.NOTHING


def _number(number: int | None) -> str:
    return words.NOTHING if number is None else f"{number:,}"


def _test_flag(flag: str) -> str:
    return "OPER, live data" if flag == "OPER" else _as_sent(flag)
