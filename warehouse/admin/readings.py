"""Readings: the list that is searched, and a page each."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views import main
from django.core import exceptions
from django.db.models import Q, QuerySet, expressions
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from warehouse import codes, keys, models, words
from warehouse.admin import (
    addresses,
    audit,
    downloads,
    filters,
    read_only,
    reading_columns,
    searching,
)
from warehouse.queries import arrivals, files, history, standings


_ASK = searching.Answer(
    heading="Which readings?",
    advice=(
        "Search by MPAN or by meter serial number.",
        "For the readings of one file open the file, then follow “Its readings”.",
    ),
)


class SinceFilter(filters.DayFilter):
    title = "first day"
    parameter_name = "since"

    def of_day(self, queryset: QuerySet[Any], day: datetime.date) -> QuerySet[Any]:
        return queryset.filter(read_at__gte=arrivals.midnight(day))


class UntilFilter(filters.DayFilter):
    title = "last day"
    parameter_name = "until"

    def of_day(self, queryset: QuerySet[Any], day: datetime.date) -> QuerySet[Any]:
        return queryset.filter(read_at__lt=arrivals.day_after(day))


class RegisterFilter(filters.GivenFilter):
    title = "register"
    parameter_name = "register"

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(identifier=value)


class TypeFilter(filters.GivenFilter):
    title = "reading type"
    parameter_name = "type"

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(reading_type=value)


class PlaceFilter(filters.GivenFilter):
    """Where the list goes on: said by its own links, and no choice."""

    title = "place"
    parameter_name = "before"

    def has_output(self) -> bool:
        return False


class ChangeList(read_only.ChangeList):
    """
    The readings of a search, of a file or of both, with what stands beside those on the page.

    Of neither there is no list: "the latest of all" has no index, and answers nobody's question.
    Its last page leads to a list of what comes behind, which begins at that place of an index.
    """

    looked_through = f"{standings.MOST_LOOKED_THROUGH:,}"

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[models.Reading]:
        readings: QuerySet[models.Reading] = super().get_queryset(request, exclude_parameters)
        self._looked_to: tuple[datetime.datetime, int] | None = None
        if not downloads.is_asked_for(request):
            return readings.none()
        if place := request.GET.get(PlaceFilter.parameter_name):
            readings = _behind(place, readings, is_by_time=bool(searching.typed(request)))
        if standing := downloads.standing(request):
            most = self.list_per_page * read_only.CappedPaginator.MOST_PAGES + 1
            readings, self._looked_to = standings.among_first(readings, standing, most=most)
        return readings

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Return an address of the list; but for that of another page it begins anew."""
        is_of_page = main.PAGE_VAR in (new_params or {})
        place = [] if is_of_page else [PlaceFilter.parameter_name]
        return super().get_query_string(new_params, [*(remove or ()), *place])

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.narrowing = _narrowing(request)
        self.standings = tuple(words.STANDING_WORDS.items())
        self.is_unasked = not downloads.is_asked_for(request)
        self.result_list = list(self.result_list)
        last = self.result_list[-1] if self.result_list else None
        is_capped = self.paginator.is_capped
        end = (last.read_at, last.pk) if is_capped and last else self._looked_to
        if end and self.page_num == self.paginator.num_pages:
            place = {PlaceFilter.parameter_name: addresses.of_place(*end)}
            self.further_url = self.get_query_string(place)
        if PlaceFilter.parameter_name in request.GET:
            self.first_url = self.get_query_string()
        self.is_looked_through = not is_capped and self._looked_to is not None
        reading_columns.set_beside(self.result_list)


@admin.register(models.Reading)
class ReadingAdmin(reading_columns.ReadingColumns, downloads.DownloadAdmin):
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
    narrowing = (SinceFilter, UntilFilter, RegisterFilter, TypeFilter)
    list_filter = (downloads.FlowFileFilter, downloads.StandingFilter, PlaceFilter, *narrowing)
    list_per_page = 25
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "mpan",
                    "serial_number",
                    "register_identifier",
                    "read",
                    "value",
                    "advance",
                )
            },
        ),
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
        ("Where it comes from", {"fields": ("flow", "file", "file_made", "line", "issues")}),
    )

    def get_ordering(
        self, request: HttpRequest
    ) -> list[str | expressions.Combinable | expressions.OrderBy]:
        # What was searched newest first, by the key; of a file the last line first, by the index
        # of stretches.
        return ["-read_at", "-id"] if searching.typed(request) else [files.STRETCH.desc(), "-id"]

    def address_of(self, row: models.Reading) -> str:  # type: ignore[override] # of readings only
        return addresses.of_reading(row)

    def is_address(self, value: str) -> bool:
        """Tell whether a box to tick could have this value; other lists have ids in theirs."""
        return addresses.read_reading(value) != ("", 0)

    def find(self, request: HttpRequest, address: str) -> models.Reading | None:
        mpan_core, reading_id = addresses.read_reading(address)
        found = self.get_queryset(request).filter(mpan_core=mpan_core, id=reading_id).order_by()
        reading = found.first()
        if reading is not None:
            reading_columns.set_beside([reading])
            reading.around = history.around(reading)
        return reading

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the columns; the readings of one file have their lines where others have it."""
        columns = self.list_display
        return (*columns[:-1], "line") if downloads.flow_file_id(request) else columns

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002 - Django's signature
        return ChangeList

    def opens_single_hit(self, request: HttpRequest) -> bool:  # noqa: ARG002 - of the base class
        return False

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
            if shown.result_count:
                response.context_data["tools"] = self.downloads_of(request)
            mpan_cores = [reading.mpan_core for reading in shown.result_list]
            audit.record(request, mpan_cores, codes.LookedAt.LIST)
            if shown.is_unasked:
                response.context_data["answer"] = _ASK
        return response

    def context_of(self, request: HttpRequest, row: models.Reading) -> dict[str, Any]:
        audit.record(request, [row.mpan_core], codes.LookedAt.READING)
        meter_point = searching.meter_point_url(row.mpan_core)
        return {
            "title": f"Reading {row.value} at meter point {row.mpan_core}",
            "subtitle": None,
            "mpan_core": row.mpan_core,
            "meter_point_url": meter_point,
            "close_url": f"{meter_point}#reading-{row.pk}",
            **_neighbors(row),
        }


def _behind(
    address: str, readings: QuerySet[models.Reading], *, is_by_time: bool
) -> QuerySet[models.Reading]:
    """Return the readings of a list that come behind a place: older ones, or lines before it."""
    place = addresses.read_place(address)
    if place is None:
        return readings.none()
    read_at, reading_id = place
    if is_by_time:
        is_behind = Q(read_at__lt=read_at) | Q(id__lt=reading_id)
        return readings.filter(is_behind, read_at__lte=read_at)
    here = keys.stretch(reading_id)
    return readings.alias(here=files.STRETCH).filter(here__lte=here, id__lt=reading_id)


def _narrowing(request: HttpRequest) -> dict[str, str] | None:
    """Return what the list is narrowed to; of a file there is no index to narrow it by more."""
    if not downloads.is_asked_for(request):
        return None
    of_search = ("since", "until", "register", "type") if searching.typed(request) else ()
    return {name: request.GET.get(name, "") for name in (*of_search, "standing")}


def _neighbors(reading: Any) -> dict[str, str]:
    """Return the ways to the readings of the register before this one and after it."""
    around: history.Around | None = reading.around
    ways = {"previous_url": around and around.previous, "next_url": around and around.next}
    return {name: addresses.url_of_reading(row) for name, row in ways.items() if row}
