"""Flow files: which came, what became of them, and what each said of itself."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views import main
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import safestring

from warehouse import codes, models, words
from warehouse.admin import filters, flow_file_page, outcomes, read_only
from warehouse.queries import arrivals, files


class OutcomeFilter(filters.ChoiceFilter):
    title = "outcome"
    parameter_name = "status"
    refused = "REFUSED"

    def values(self) -> Sequence[tuple[str, str]]:
        return [*words.OUTCOMES.items(), (self.refused, "rejected or failed")]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == self.refused:
            return queryset.filter(status__in=codes.REFUSED_STATUSES)
        if value == codes.FlowFileStatus.LOADED_WITH_REJECTIONS:
            queryset = queryset.filter(
                rejected_line_count__gt=0
            )  # they all have, as an index says
        return queryset.filter(status=value)


_PERIOD = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", re.ASCII)


class ArrivalFilter(filters.ChoiceFilter):
    """
    The last days, or a year, then a month of it, then a day: each a range of an index.

    Django's date hierarchy would read the whole table to tell on which days something arrived.
    """

    title = "arrival"
    parameter_name = "arrived"
    template = "admin/warehouse/flowfile/arrival_filter.html"
    days = (
        ("1", "today"),
        ("2", "since yesterday"),
        ("7", "in the last 7 days"),
        ("31", "in the last 31 days"),
    )

    def values(self) -> Sequence[tuple[str, str]]:
        periods = [(period, self.in_words(period)) for period in self._periods()]
        return [*self.days, *periods]

    def choices(self, changelist: main.ChangeList) -> Iterator[Any]:
        """Yield what Django does, and a day's number: a month of those takes few lines."""
        values = ["", *(str(value) for value, _ in self.lookup_choices)]
        for value, choice in zip(values, super().choices(changelist), strict=True):
            is_day = len(value) == len("2016-03-31") and self._days_of(value) is not None
            yield {**choice, "day": int(value[-2:]) if is_day else None}

    def in_words(self, value: str) -> str:
        days = self._days_of(value)
        if days is None:
            return words.visible(value)
        first, _ = days
        return {4: f"in {first:%Y}", 7: f"in {first:%B %Y}"}.get(
            len(value), f"on {first.day} {first:%B %Y}"
        )

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value in dict(self.days):
            return queryset.filter(staged_at__gte=arrivals.start_of_last(int(value)))
        days = self._days_of(value)
        if days is None:
            return queryset.none()
        first, end = (arrivals.midnight(day) for day in days)
        return queryset.filter(staged_at__gte=first, staged_at__lt=end)

    def _periods(self) -> Iterator[str]:
        """Yield the years in which files arrived, and what lies within the chosen period."""
        ends = files.days_of_first_and_last_arrival()
        if ends is None:
            return
        first, last = ends
        value = self.value() or ""
        chosen = value if self._days_of(value) else "-"
        for year in range(last.year, first.year - 1, -1):
            yield f"{year}"
            if chosen[:4] == f"{year}":
                yield from self._periods_within(chosen, first, last)

    def _periods_within(
        self, chosen: str, first: datetime.date, last: datetime.date
    ) -> Iterator[str]:
        """Yield the months of the chosen year, newest first, or the chosen month and its days."""
        months = (f"{chosen[:4]}-{month:02d}" for month in range(12, 0, -1))
        for month in months:
            is_reached = f"{first:%Y-%m}" <= month <= f"{last:%Y-%m}"
            if is_reached and chosen[:7] in {month[:4], month}:
                yield month
            if is_reached and chosen[:7] == month:
                days = (f"{month}-{day:02d}" for day in range(1, 32))
                yield from (
                    day for day in days if self._days_of(day) and f"{first}" <= day <= f"{last}"
                )

    def _days_of(self, value: str) -> tuple[datetime.date, datetime.date] | None:
        """Return the first day of a period and the one after its last, if there is such a one."""
        match = _PERIOD.fullmatch(value)
        if match is None:
            return None
        year, month, day = match.groups()
        try:
            first = datetime.date(int(year), int(month or 1), int(day or 1))
            if day:
                return first, first + datetime.timedelta(days=1)
            if month:
                return first, (first + datetime.timedelta(days=31)).replace(day=1)
            return first, first.replace(year=first.year + 1)
        except (ValueError, OverflowError):
            return None


class SenderFilter(filters.SenderFilter):
    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(sender=value)


class FlowFilter(filters.ChoiceFilter):
    title = "flow"
    parameter_name = "flow"

    def values(self) -> Sequence[tuple[str, str]]:
        return [(flow, words.visible(flow)) for flow in files.flows()]

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(flow=value)


class IssuesFilter(filters.ChoiceFilter):
    title = "issues"
    parameter_name = "issues"

    def values(self) -> Sequence[tuple[str, str]]:
        return (("rejected", "with rejected lines"), ("warnings", "with warnings"))

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "rejected":
            return queryset.filter(rejected_line_count__gt=0)
        return queryset.filter(warning_count__gt=0) if value == "warnings" else queryset.none()


@admin.register(models.FlowFile)
class FlowFileAdmin(read_only.ReadOnlyAdmin):
    list_display = (
        "name",
        "outcome",
        "flow_in_words",
        "route",
        "readings",
        "rejected_lines",
        "warnings",
        "arrived",
    )
    list_filter = (ArrivalFilter, OutcomeFilter, IssuesFilter, SenderFilter, FlowFilter)
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

    def context_of(self, request: HttpRequest, row: models.FlowFile) -> dict[str, Any]:
        return flow_file_page.of(request, row)

    @admin.display(description="file name")
    def name(self, flow_file: models.FlowFile) -> str:
        return words.visible(flow_file.file_name)

    @admin.display(description="outcome")
    def outcome(self, flow_file: models.FlowFile) -> safestring.SafeString:
        return outcomes.tag(flow_file)

    @admin.display(description="flow")
    def flow_in_words(self, flow_file: models.FlowFile) -> str:
        return flow_file_page.as_sent(flow_file.flow)

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
