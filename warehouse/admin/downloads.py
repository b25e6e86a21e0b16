"""The readings of a search or of a file as files to take away: streamed, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import urls
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core import exceptions
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.utils import timezone

from warehouse import codes, models, words
from warehouse.admin import addresses, audit, filters, searching
from warehouse.queries import files, listing, search, sheets, standings


_FORMAT = "format"  # in the address of a download


class FlowFileFilter(filters.FlowFileFilter):
    def of_file(self, queryset: QuerySet[Any], flow_file_id: int) -> QuerySet[Any]:
        return files.readings_of(flow_file_id, queryset)


class StandingFilter(filters.GivenFilter):
    """
    What became of the readings that are asked for: no index tells, so each is looked at.

    A download looks at all of them, the list at some at a time.
    """

    title = "standing"
    parameter_name = "standing"

    def in_words(self, value: str) -> str:
        return words.STANDING_WORDS.get(value) or super().in_words(value)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's signature
        return queryset


def standing(request: HttpRequest) -> str:
    """Return the standing that is asked for, if any is."""
    return request.GET.get(StandingFilter.parameter_name, "").replace("\0", "")


def flow_file_id(request: HttpRequest) -> int:
    """Return the id of the file whose readings are asked for, or 0."""
    return filters.flow_file_id(request.GET.get(FlowFileFilter.parameter_name, ""))


def is_asked_for(request: HttpRequest) -> bool:
    """Tell whether a search or a file says which readings are meant."""
    return bool(searching.typed(request) or flow_file_id(request))


class DownloadAdmin(searching.SearchAdmin[models.Reading]):
    """A list of readings that is handed on whole, or those of a page that are ticked."""

    narrowing: Sequence[type[filters.GivenFilter]] = ()  # what a search is narrowed by
    actions = ("download_selected", "download_selected_as_workbook")

    def get_urls(self) -> list[urls.URLPattern]:
        download = self.admin_site.admin_view(self.download_found)
        return [
            urls.path("download/", download, name="warehouse_reading_download"),
            *super().get_urls(),
        ]

    def downloads_of(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        """Return the downloads of what a list shows: what they are called, and their addresses."""
        address = f"{urls.reverse('admin:warehouse_reading_download')}?{request.GET.urlencode()}"
        return [
            ("Download as CSV", address),
            ("Download for a spreadsheet (XLSX)", f"{address}&{_FORMAT}=xlsx"),
        ]

    def response_action(  # type: ignore[override] # it may be streamed
        self, request: HttpRequest, queryset: QuerySet[models.Reading], *rest: Any
    ) -> HttpResponseBase | None:
        """Act on the readings that are ticked: Django would ask for them by their ids alone."""
        ticked = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        asked = [addresses.read_reading(address) for address in ticked]
        if not asked:
            return super().response_action(request, queryset, *rest)  # it says that nothing is
        actions: Any = self.get_actions(request)
        act = actions[request.POST["action"]][0]
        chosen = self.get_queryset(request).filter(
            mpan_core__in={mpan_core for mpan_core, _ in asked},
            id__in=[reading_id for _, reading_id in asked],
        )
        response: HttpResponseBase = act(self, request, chosen)
        return response

    def download_found(self, request: HttpRequest) -> HttpResponseBase:
        """
        Hand on what the list shows of a search or a file or both, all of its pages.

        :raises PermissionDenied: if the user may not see readings, or posts
        :raises Http404: if it is asked for in a format that there is not
        """
        if request.method != "GET" or not self.has_view_permission(request):
            raise exceptions.PermissionDenied
        file_format = request.GET.get(_FORMAT, "csv")
        if file_format not in sheets.CONTENT_TYPES:
            raise Http404
        term = searching.typed(request)
        file_id = flow_file_id(request)
        if not term and not file_id:
            self.message_user(
                request,
                "Search for a meter point or a meter first;"
                " the command export_readings hands on all there is.",
                messages.WARNING,
            )
            return HttpResponseRedirect(urls.reverse("admin:warehouse_reading_changelist"))
        # Not by way of the list, which is of one page and shows all where it takes no search.
        readings = self.get_queryset(request).order_by(*self.get_ordering(request))
        if file_id:
            readings = files.readings_of(file_id, readings)
        for narrow in self.narrowing:
            asked = narrow(request, dict(request.GET.lists()), models.Reading, self)
            readings = asked.queryset(request, readings)
        if asked_standing := standing(request):
            readings = standings.narrowed(readings, asked_standing)
        if term:
            found = searching.found_by(request, term)
            readings = search.narrowed(found, readings)
            audit.record(request, found.meter_points, codes.LookedAt.DOWNLOAD)
        else:
            audit.record_files(request, [file_id], codes.LookedAt.DOWNLOAD)
        return _response(readings, file_format)

    @admin.action(description="Download the selected readings as CSV", permissions=["view"])
    def download_selected(
        self, request: HttpRequest, queryset: QuerySet[models.Reading]
    ) -> HttpResponseBase:
        return self._download_selected(request, queryset, "csv")

    @admin.action(
        description="Download the selected readings for a spreadsheet (XLSX)", permissions=["view"]
    )
    def download_selected_as_workbook(
        self, request: HttpRequest, queryset: QuerySet[models.Reading]
    ) -> HttpResponseBase:
        return self._download_selected(request, queryset, "xlsx")

    def _download_selected(
        self, request: HttpRequest, readings: QuerySet[models.Reading], file_format: str
    ) -> HttpResponseBase:
        mpan_cores = readings.order_by().values_list("mpan_core", flat=True).distinct()
        audit.record(request, mpan_cores, codes.LookedAt.DOWNLOAD)
        return _response(readings, file_format)


def _response(readings: QuerySet[models.Reading], file_format: str) -> StreamingHttpResponse:
    blocks = sheets.blocks(listing.listed(readings), file_format=file_format)
    return response("readings", blocks, file_format)


def response(
    name: str, blocks: Iterable[bytes], file_format: str = "csv"
) -> StreamingHttpResponse:
    """Hand on a file of this format, named by what is in it and by the time."""
    file_name = f"{name}-{timezone.localtime():%Y%m%d-%H%M%S}.{file_format}"
    return StreamingHttpResponse(
        blocks,
        content_type=sheets.CONTENT_TYPES[file_format],
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )
