"""Line issues: what is wrong in the files, to filter and to follow to the raw line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import html, safestring

from warehouse import codes, models, words
from warehouse.admin import (
    addresses,
    audit,
    filters,
    issue_downloads,
    marking,
    raw_lines,
    remedies,
    searching,
)
from warehouse.queries import files, terms


class FlowFileFilter(filters.FlowFileFilter):
    def of_file(self, queryset: QuerySet[Any], flow_file_id: int) -> QuerySet[Any]:
        return queryset.filter(flow_file=flow_file_id)


class SeverityFilter(filters.ChoiceFilter):
    title = "severity"
    parameter_name = "severity"

    def values(self) -> Sequence[tuple[str, str]]:
        return codes.Severity.choices

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(severity=value)


class FindingFilter(filters.ChoiceFilter):
    title = "finding"
    parameter_name = "code"

    def values(self) -> Sequence[tuple[str, str]]:
        return [(code, words.finding(code)) for code in files.issue_codes()]

    def in_words(self, value: str) -> str:
        return words.finding(value)

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(code=value)


class ItemFilter(filters.ChoiceFilter):
    title = "item"
    parameter_name = "item"

    def values(self) -> Sequence[tuple[str, str]]:
        return [(item, words.item(item)) for item in files.issue_items()]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(item=value)


class SenderFilter(filters.SenderFilter):
    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(flow_file__sender=value)


@admin.register(models.LineIssue)
class LineIssueAdmin(marking.MarkingAdmin, issue_downloads.IssueDownloadAdmin):
    list_display = (
        "severity_in_words",
        "finding",
        "message_with_remedy",  # which names the item
        "mpan",
        "file",
        "line",
    )
    list_display_links = ("finding",)
    list_select_related = ("flow_file",)
    list_filter = (
        FlowFileFilter,
        marking.MarkFilter,
        SeverityFilter,
        FindingFilter,
        ItemFilter,
        SenderFilter,
    )
    ordering = ("-flow_file_id", "-line_number", "-id")
    list_per_page = 25  # with a remedy each they are tall, and take long to draw
    search_fields = ("mpan_core",)  # shows the box; what is searched is told below
    search_help_text = "An MPAN: its 13 digits, with or without spaces."
    fields = (
        "flow",
        "file",
        "line",
        "mpan",
        "severity_in_words",
        "finding",
        "item_number",
        "shown_value",
        "shown_message",
        "remedy",
        "mark_in_full",
    )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Put the latest file's first, by an index; those of one file come as its lines do."""
        if FlowFileFilter.parameter_name in request.GET:
            return ("flow_file_id", "line_number", "id")
        return self.ordering

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[models.LineIssue],
        search_term: str,
    ) -> tuple[QuerySet[models.LineIssue], bool]:
        if search_term.strip():
            mpan_core = terms.read(search_term).mpan_core
            # An empty MPAN is that of the lines under none, which nobody can have meant.
            queryset = queryset.filter(mpan_core=mpan_core) if mpan_core else queryset.none()
        return queryset, False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """
        Show the list, and record whose it is if a meter point was searched: it tells its readings.

        :raises PermissionDenied: if something is posted
        """
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            listed = response.context_data["cl"]
            if listed.result_count:
                response.context_data["tools"] = self.downloads_of(request)
            if listed.query:
                mpan_cores = [issue.mpan_core for issue in listed.result_list]
                audit.record(request, mpan_cores, codes.LookedAt.ISSUE)
        return response

    def context_of(self, request: HttpRequest, row: models.LineIssue) -> dict[str, Any]:
        audit.record(request, [row.mpan_core], codes.LookedAt.ISSUE)
        finding = words.finding(row.code).capitalize()
        title = f"{finding} in line {row.line_number}"
        return {"title": title, "subtitle": None, **super().context_of(request, row)}

    @admin.display(description="severity")
    def severity_in_words(self, issue: models.LineIssue) -> str:
        return issue.get_severity_display()

    @admin.display(description="finding")
    def finding(self, issue: models.LineIssue) -> str:
        return words.finding(issue.code)

    @admin.display(description="item")
    def item_number(self, issue: models.LineIssue) -> str:
        return words.item(issue.item)

    @admin.display(description="value")
    def shown_value(self, issue: models.LineIssue) -> str:
        return words.visible(issue.value)

    @admin.display(description="what was expected")
    def shown_message(self, issue: models.LineIssue) -> str:
        return words.told(issue.message)

    @admin.display(description="what was expected, and what to do")
    def message_with_remedy(self, issue: models.LineIssue) -> safestring.SafeString:
        told = remedies.below(words.told(issue.message), remedies.of_issue(issue))
        return html.format_html("{}{}", told, self.mark_below(issue))

    @admin.display(description="what to do")
    def remedy(self, issue: models.LineIssue) -> str:
        return remedies.of_issue(issue) or words.NOTHING

    @admin.display(description="MPAN")
    def mpan(self, issue: models.LineIssue) -> safestring.SafeString:
        if not issue.mpan_core:
            return html.format_html("{}", words.NOTHING)
        # A search, which opens the page where there is one: the line may be all that is known.
        url = searching.search_url("meterpoint_changelist", issue.mpan_core)
        return html.format_html('<a href="{}">{}</a>', url, issue.mpan_core)

    @admin.display(description="flow")
    def flow(self, issue: models.LineIssue) -> str:
        return words.visible(issue.flow_file.flow) or words.NOTHING

    @admin.display(description="file")
    def file(self, issue: models.LineIssue) -> safestring.SafeString:
        url = addresses.url_of_file(issue.flow_file_id)
        return html.format_html(
            '<a href="{}">{}</a>', url, words.visible(issue.flow_file.file_name)
        )

    @admin.display(description="line")
    def line(self, issue: models.LineIssue) -> safestring.SafeString:
        line_id = raw_lines.line_id(issue.flow_file_id, issue.line_number)
        return raw_lines.link(line_id, issue.flow_file)
