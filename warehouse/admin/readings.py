"""Readings: the list that is searched, and a page each."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, expressions
from django.http import HttpRequest
from django.urls import reverse
from django.utils import html, safestring

from warehouse import models
from warehouse.admin import filters, raw_lines, searching, words
from warehouse.queries import search


class FlowFileFilter(filters.FlowFileFilter):
    def narrow(self, queryset: QuerySet[Any], flow_file_id: int) -> QuerySet[Any]:
        # A reading's id holds its file's in the high half: one range of the primary key.
        return queryset.filter(id__range=(flow_file_id << 32, (flow_file_id + 1 << 32) - 1))


@admin.register(models.Reading)
class ReadingAdmin(searching.SearchAdmin[models.Reading]):
    list_display = (
        "mpan",
        "serial_number",
        "register_identifier",
        "read",
        "register_reading",
        "type_in_words",
        "validation_in_words",
        "file",
    )
    list_display_links = ("register_reading",)
    list_filter = (FlowFileFilter,)
    list_select_related = ("register__meter", "flow_file")
    fieldsets = (
        (None, {"fields": ("mpan", "serial_number", "register_identifier", "read", "value")}),
        (
            "What it is worth",
            {
                "fields": (
                    "type_in_words",
                    "validation_in_words",
                    "flag_in_words",
                    "reason_in_words",
                    "status_in_words",
                    "method_in_words",
                )
            },
        ),
        ("Maximum demand", {"fields": ("md_reset", "md_reset_count")}),
        ("Where it comes from", {"fields": ("file", "line")}),
    )
    readonly_fields = (
        "mpan",
        "serial_number",
        "register_identifier",
        "read",
        "type_in_words",
        "validation_in_words",
        "flag_in_words",
        "reason_in_words",
        "status_in_words",
        "method_in_words",
        "md_reset",
        "file",
        "line",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Reading]:
        readings: QuerySet[models.Reading] = super().get_queryset(request)
        return readings.select_related("register__meter", "flow_file")

    def get_ordering(self, request: HttpRequest) -> list[str | expressions.Combinable]:
        # The last loaded first, by the primary key; what was searched newest first, by the other.
        return ["-read_at", "-id"] if request.GET.get("q", "").strip() else ["-id"]

    def narrow(
        self, found: search.Found, queryset: QuerySet[models.Reading]
    ) -> QuerySet[models.Reading]:
        return search.readings_of(found, queryset)

    def opens_single_hit(self, request: HttpRequest) -> bool:  # noqa: ARG002 - of the base class
        return False

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
        return str(reading.value)

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

    @admin.display(description="file")
    def file(self, reading: models.Reading) -> safestring.SafeString:
        url = reverse("admin:warehouse_flowfile_change", args=[reading.flow_file_id])
        return html.format_html(
            '<a href="{}">{}</a>', url, words.visible(reading.flow_file.file_name)
        )

    @admin.display(description="line")
    def line(self, reading: models.Reading) -> safestring.SafeString:
        return raw_lines.link(reading.pk)
