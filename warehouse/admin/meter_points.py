"""Meter points, and the meters at them: two lists that lead to one page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import utils as admin_utils
from django.contrib.admin.views import main
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import html, safestring, timezone

from warehouse import models
from warehouse.admin import audit, meter_point_page, searching, words
from warehouse.queries import search


@admin.register(models.MeterPoint)
class MeterPointAdmin(searching.SearchAdmin[models.MeterPoint]):
    list_display = ("mpan_core", "serial_numbers")
    ordering = ("mpan_core",)
    fields = ()
    change_form_template = "admin/warehouse/meterpoint/page.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.MeterPoint]:
        meter_points: QuerySet[models.MeterPoint] = super().get_queryset(request)
        if "object_id" in getattr(request.resolver_match, "kwargs", {}):
            return meter_points
        return meter_points.prefetch_related(
            Prefetch("meters", queryset=models.Meter.objects.order_by("id"))
        )

    def narrow(
        self, found: search.Found, queryset: QuerySet[models.MeterPoint]
    ) -> QuerySet[models.MeterPoint]:
        return search.meter_points_of(found, queryset)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show all there is to tell of a meter point; what is not stored is searched for."""
        meter_point = self.shown(request, object_id)
        if meter_point is not None:
            audit.record(request, [meter_point.pk], models.LookedAt.METER_POINT)
            page = request.GET.get("page", "1")
            context = meter_point_page.context(meter_point.pk, page, timezone.now())
            extra_context = {**context, **(extra_context or {})}
        elif request.method != "POST" and self.has_view_permission(request):
            query = urlencode({main.SEARCH_VAR: admin_utils.unquote(object_id)})
            address = reverse("admin:warehouse_meterpoint_changelist")
            return HttpResponseRedirect(f"{address}?{query}")
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="meters")
    def serial_numbers(self, meter_point: models.MeterPoint) -> str:
        return ", ".join(words.visible(meter.serial_number) for meter in meter_point.meters.all())


@admin.register(models.Meter)
class MeterAdmin(searching.SearchAdmin[models.Meter]):
    list_display = ("serial", "mpan")
    ordering = ("serial_number_search", "id")

    def narrow(
        self, found: search.Found, queryset: QuerySet[models.Meter]
    ) -> QuerySet[models.Meter]:
        return search.meters_of(found, queryset)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Go to the meter's place on the page of its meter point."""
        meter = self.shown(request, object_id)
        if meter is None:
            return super().change_view(request, object_id, form_url, extra_context)
        url = searching.meter_point_url(meter.meter_point_id)
        return HttpResponseRedirect(f"{url}#meter-{meter.pk}")

    @admin.display(description="meter serial number")
    def serial(self, meter: models.Meter) -> str:
        return words.visible(meter.serial_number)

    @admin.display(description="MPAN")
    def mpan(self, meter: models.Meter) -> safestring.SafeString:
        url = searching.meter_point_url(meter.meter_point_id)
        return html.format_html('<a href="{}">{}</a>', url, meter.meter_point_id)
