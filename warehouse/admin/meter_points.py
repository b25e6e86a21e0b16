"""Meter points, and the meters at them: two lists that lead to one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin import utils as admin_utils
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import html, safestring, timezone

from warehouse import codes, keys, models, words
from warehouse.admin import addresses, audit, meter_point_page, read_only, searching
from warehouse.queries import search


class MeterPointList(read_only.ChangeList):
    """Knows which meters are at the meter points on its page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        serial_numbers = search.serial_numbers_at([row.pk for row in self.result_list])
        for meter_point in self.result_list:
            meter_point.serial_numbers = serial_numbers[meter_point.pk]


@admin.register(models.MeterPoint)
class MeterPointAdmin(searching.SearchAdmin[models.MeterPoint]):
    list_display = ("mpan_core", "serial_numbers")
    ordering = ("mpan_core",)
    fields = ()
    change_form_template = "admin/warehouse/meterpoint/page.html"

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[MeterPointList]:  # noqa: ARG002 - Django's signature
        return MeterPointList

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
            audit.record(request, [meter_point.pk], codes.LookedAt.METER_POINT)
            if request.GET.get("part") == "history":  # for a script, which puts it into the page
                context = meter_point_page.history_context(
                    meter_point.pk, request.GET, timezone.now()
                )
                return TemplateResponse(
                    request, "admin/warehouse/meterpoint/history.html", context
                )
            context = meter_point_page.context(meter_point.pk, request.GET, timezone.now())
            extra_context = {**context, **(extra_context or {})}
        elif request.method != "POST" and self.has_view_permission(request):
            typed = admin_utils.unquote(object_id)
            return HttpResponseRedirect(searching.search_url("meterpoint_changelist", typed))
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="meters")
    def serial_numbers(self, meter_point: models.MeterPoint) -> str:
        listed: tuple[Sequence[str], int] = meter_point.serial_numbers  # type: ignore[attr-defined] # of the list
        serial_numbers, count = listed
        more = words.more(count, len(serial_numbers), search.MOST_METERS_COUNTED)
        return ", ".join([*map(words.visible, serial_numbers), *filter(None, [more])])


@admin.register(models.Meter)
class MeterAdmin(searching.SearchAdmin[models.Meter]):
    list_display = ("serial", "mpan")
    ordering = ("serial_key", "mpan_core")

    def address_of(self, row: models.Meter) -> str:  # type: ignore[override] # of meters only
        return addresses.of_meter(row)

    def find(self, request: HttpRequest, address: str) -> models.Meter | None:
        mpan_core, serial_key = addresses.read(address)
        return (
            self.get_queryset(request)
            .filter(mpan_core=mpan_core, serial_key=keys.serial_key(serial_key))
            .first()
        )

    def change_view(self, request: HttpRequest, object_id: str, *rest: Any) -> HttpResponse:
        """Go to the meter's place on the page of its meter point."""
        meter = self.shown(request, object_id)
        if meter is None:
            return super().change_view(request, object_id, *rest)
        return HttpResponseRedirect(searching.meter_url(meter))

    @admin.display(description="meter serial number")
    def serial(self, meter: models.Meter) -> str:
        return words.visible(meter.serial_number)

    @admin.display(description="MPAN")
    def mpan(self, meter: models.Meter) -> safestring.SafeString:
        url = searching.meter_point_url(meter.mpan_core)
        return html.format_html('<a href="{}">{}</a>', url, meter.mpan_core)
