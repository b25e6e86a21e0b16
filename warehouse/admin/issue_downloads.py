"""The issues that a list shows as a file to take away: streamed, in constant memory."""

from __future__ import annotations

from collections.abc import Sequence

from django import urls
from django.core import exceptions
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from warehouse import codes, models
from warehouse.admin import audit, downloads, filters, read_only, remedies, searching
from warehouse.queries import issues as issue_queries
from warehouse.queries import sheets


_COLUMNS = (*issue_queries.Listed._fields, "remedy")


class IssueDownloadAdmin(read_only.ReadOnlyAdmin):
    """A list of issues that is handed on whole."""

    def get_urls(self) -> list[urls.URLPattern]:
        download = self.admin_site.admin_view(self.download_listed)
        return [
            urls.path("download/", download, name="warehouse_lineissue_download"),
            *super().get_urls(),
        ]

    def downloads_of(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        address = urls.reverse("admin:warehouse_lineissue_download")
        return [("Download as CSV", f"{address}?{request.GET.urlencode()}")]

    def download_listed(self, request: HttpRequest) -> StreamingHttpResponse:
        """
        Hand on what the list shows, all of its pages.

        What is searched is recorded by its meter point, all else by the files that it is from.

        :raises PermissionDenied: if the user may not see issues, or posts
        """
        if request.method != "GET" or not self.has_view_permission(request):
            raise exceptions.PermissionDenied
        issues: QuerySet[models.LineIssue] = filters.narrowed(request, self)
        issues, _ = self.get_search_results(request, issues, request.GET.get("q", ""))
        if searching.typed(request):
            mpan_cores = issues.values_list("mpan_core", flat=True).distinct()
            audit.record(request, mpan_cores, codes.LookedAt.DOWNLOAD)
        else:
            file_ids = issues.values_list("flow_file_id", flat=True).distinct()
            audit.record_files(request, file_ids, codes.LookedAt.DOWNLOAD)
        issues = issues.order_by(*self.get_ordering(request))
        rows = ((*row, remedies.of_issue(row)) for row in issue_queries.listed(issues))
        return downloads.response("issues", sheets.csv(_COLUMNS, rows))
