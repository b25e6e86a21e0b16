"""Readings: the list that is searched, and a page each."""

from __future__ import annotations

from typing import Any

from django import urls
from django.contrib import admin, messages
from django.core import exceptions
from django.db.models import QuerySet, expressions
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import html, safestring, timezone

from warehouse import models
from warehouse.admin import audit, downloads, filters, raw_lines, read_only, searching, words
from warehouse.queries import history, search


class FlowFileFilter(filters.FlowFileFilter):
    def narrow(self, queryset: QuerySet[Any], flow_file_id: int) -> QuerySet[Any]:
        return _of_file(queryset, flow_file_id)


class ChangeList(read_only.ChangeList):
    """Knows of the readings on its page, and of no others, whether they count."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        standing_of = history.standings(self.result_list)
        for reading in self.result_list:
            reading.standing = standing_of[reading.pk]


@admin.register(models.Reading)
class ReadingAdmin(searching.SearchAdmin[models.Reading]):
    list_display = (
        "mpan",
        "serial_number",
        "register_identifier",
        "read",
        "register_reading",
        "standing_in_list",
        "type_in_words",
        "validation_in_words",
        "file",
    )
    list_display_links = ("register_reading",)
    list_filter = (FlowFileFilter,)
    actions = ("download_selected",)
    list_per_page = 25
    fieldsets = (
        (None, {"fields": ("mpan", "serial_number", "register_identifier", "read", "value")}),
        (
            "What it is worth",
            {
                "fields": (
                    "standing",
                    "type_in_words",
                    "validation_in_words",
                    "flag_in_words",
                    "reason_in_words",
                    "status_in_words",
                    "method_in_words",
                )
            },
        ),
        ("Maximum demand", {"fields": ("md_reset", "md_resets")}),
        ("Where it comes from", {"fields": ("file", "line", "issues")}),
    )
    readonly_fields = (
        "mpan",
        "serial_number",
        "register_identifier",
        "read",
        "standing",
        "type_in_words",
        "validation_in_words",
        "flag_in_words",
        "reason_in_words",
        "status_in_words",
        "method_in_words",
        "md_reset",
        "md_resets",
        "file",
        "line",
        "issues",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Reading]:
        readings: QuerySet[models.Reading] = super().get_queryset(request)
        return readings.select_related("register__meter", "flow_file")

    def get_ordering(self, request: HttpRequest) -> list[str | expressions.Combinable]:
        # The last loaded first, by the primary key; what was searched newest first, by the other.
        return ["-read_at", "-id"] if searching.typed(request) else ["-id"]

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the columns; the readings of one file have their lines where others have it."""
        columns = self.list_display
        return (*columns[:-1], "line") if _flow_file_id(request) else columns

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002 - Django's signature
        return ChangeList

    def narrow(
        self, found: search.Found, queryset: QuerySet[models.Reading]
    ) -> QuerySet[models.Reading]:
        return search.readings_of(found, queryset)

    def opens_single_hit(self, request: HttpRequest) -> bool:  # noqa: ARG002 - of the base class
        return False

    def get_urls(self) -> list[urls.URLPattern]:
        download = self.admin_site.admin_view(self.download_found)
        return [
            urls.path("download/", download, name="warehouse_reading_download"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """
        Show the list, and record whose readings are on it.

        :raises PermissionDenied: if something is posted that is no action of this user's, or one
            on readings that were not ticked: all that was found is handed on by its own link
        """
        if any(value not in {"", "0"} for value in request.POST.getlist("select_across")):
            raise exceptions.PermissionDenied
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            shown = response.context_data["cl"]
            if shown.result_count and (shown.query or shown.has_active_filters):
                address = urls.reverse("admin:warehouse_reading_download")
                response.context_data["download_url"] = f"{address}?{request.GET.urlencode()}"
            mpan_cores = [reading.mpan_core for reading in shown.result_list]
            audit.record(request, mpan_cores, models.LookedAt.LIST)
        return response

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        reading = self.shown(request, object_id)
        if reading is not None:
            audit.record(request, [reading.mpan_core], models.LookedAt.READING)
            title = f"Reading {reading.value} at meter point {reading.mpan_core}"
            extra_context = {"title": title, "subtitle": None, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def download_found(self, request: HttpRequest) -> HttpResponseBase:
        """
        Hand on what the list shows of a search or a file or both, all of its pages.

        :raises PermissionDenied: if the user may not see readings, or posts
        """
        if request.method != "GET" or not self.has_view_permission(request):
            raise exceptions.PermissionDenied
        term = searching.typed(request)
        flow_file_id = _flow_file_id(request)
        if not term and not flow_file_id:
            self.message_user(
                request,
                "Search for a meter point or a meter first;"
                " the command export_readings hands on all there is.",
                messages.WARNING,
            )
            return HttpResponseRedirect(urls.reverse("admin:warehouse_reading_changelist"))
        # Not by way of the list, which is of one page and shows all where it takes no search.
        readings = self.get_queryset(request).order_by(*self.get_ordering(request))
        if flow_file_id:
            readings = _of_file(readings, flow_file_id)
        if not term:
            audit.record_file(request, flow_file_id, models.LookedAt.DOWNLOAD)
            return _csv(readings)
        found = searching.found_by(request, term)
        audit.record(request, found.meter_points, models.LookedAt.DOWNLOAD)
        return _csv(self.narrow(found, readings))

    @admin.action(description="Download the selected readings as CSV", permissions=["view"])
    def download_selected(
        self, request: HttpRequest, queryset: QuerySet[models.Reading]
    ) -> HttpResponseBase:
        mpan_cores = list(queryset.order_by().values_list("mpan_core", flat=True).distinct())
        audit.record(request, mpan_cores, models.LookedAt.DOWNLOAD)
        return _csv(queryset)

    @admin.display(description="MPAN")
    def mpan(self, reading: models.Reading) -> safestring.SafeString:
        url = searching.meter_point_url(reading.mpan_core)
        return html.format_html('<a href="{}">{}</a>', url, reading.mpan_core)

    @admin.display(description="meter serial number")
    def serial_number(self, reading: models.Reading) -> str:
        return words.visible(reading.register.meter.serial_number)

    @admin.display(description="register")
    def register_identifier(self, reading: models.Reading) -> str:
        return words.visible(reading.register.identifier)

    @admin.display(description="read at, UK time")
    def read(self, reading: models.Reading) -> safestring.SafeString:
        return words.clock_time_tag(reading.read_at)

    @admin.display(description="reading")
    def register_reading(self, reading: models.Reading) -> str:
        if reading.standing in words.NOT_COUNTING:  # type: ignore[attr-defined] # of the list
            return html.format_html('<span class="does-not-count">{}</span>', reading.value)
        return str(reading.value)

    @admin.display(description="standing")
    def standing_in_list(self, reading: models.Reading) -> safestring.SafeString:
        standing: str = reading.standing  # type: ignore[attr-defined] # of the list
        is_doubted = history.is_doubted(reading) or reading.read_at > timezone.now()
        return html.format_html(
            '<span class="{}"><span class="standing" title="{}">{}</span></span>{}',
            standing,
            words.STANDINGS[standing],
            standing,
            html.format_html(' <span class="doubted">{}</span>', "doubted") if is_doubted else "",
        )

    @admin.display(description="standing")
    def standing(self, reading: models.Reading) -> str:
        standing = history.standings([reading])[reading.pk]
        return f"{standing}: {words.STANDINGS[standing]}"

    @admin.display(description="reading type")
    def type_in_words(self, reading: models.Reading) -> str:
        return words.reading_type(reading)

    @admin.display(description="validation")
    def validation_in_words(self, reading: models.Reading) -> str:
        return words.validation_status(reading)

    @admin.display(description="flag")
    def flag_in_words(self, reading: models.Reading) -> str:
        return words.in_words(models.ReadingFlag, reading.reading_flag)

    @admin.display(description="reason it was suspect")
    def reason_in_words(self, reading: models.Reading) -> str:
        return words.in_words(models.ReasonCode, reading.reason_code)

    @admin.display(description="status after checking")
    def status_in_words(self, reading: models.Reading) -> str:
        return words.in_words(models.ReadingFlag, reading.reading_status)

    @admin.display(description="method")
    def method_in_words(self, reading: models.Reading) -> str:
        return words.in_words(models.ReadingMethod, reading.reading_method)

    @admin.display(description="last reset")
    def md_reset(self, reading: models.Reading) -> safestring.SafeString:
        return words.clock_time_tag(reading.md_reset_at)

    @admin.display(description="number of resets")
    def md_resets(self, reading: models.Reading) -> str:
        count = reading.md_reset_count
        return words.NOTHING if count is None else str(count)

    @admin.display(description="file")
    def file(self, reading: models.Reading) -> safestring.SafeString:
        url = urls.reverse("admin:warehouse_flowfile_change", args=[reading.flow_file_id])
        return html.format_html(
            '<a href="{}">{}</a>', url, words.visible(reading.flow_file.file_name)
        )

    @admin.display(description="line")
    def line(self, reading: models.Reading) -> safestring.SafeString:
        return raw_lines.link(reading.pk, reading.flow_file)

    @admin.display(description="issues of the line")
    def issues(self, reading: models.Reading) -> safestring.SafeString:
        found = history.issues_of([reading]).get(reading.pk, ())
        links = html.format_html_join(
            ", ",
            '<a href="{}">{}</a>',
            (
                (
                    urls.reverse("admin:warehouse_lineissue_change", args=[issue.pk]),
                    words.finding(issue.code),
                )
                for issue in found
            ),
        )
        return links or html.format_html("{}", words.NOTHING)


def _flow_file_id(request: HttpRequest) -> int:
    """Return the id of the file whose readings are asked for, or 0."""
    return filters.flow_file_id(request.GET.get(FlowFileFilter.parameter_name, ""))


def _of_file(readings: QuerySet[models.Reading], flow_file_id: int) -> QuerySet[models.Reading]:
    # A reading's id holds its file's in the high half: one range of the primary key.
    return readings.filter(id__range=(flow_file_id << 32, (flow_file_id + 1 << 32) - 1))


def _csv(readings: QuerySet[models.Reading]) -> HttpResponseBase:
    return downloads.csv_response(readings, name=f"readings-{timezone.localtime():%Y%m%d-%H%M%S}")
