"""The page of the admin to which files are brought: one by a plain form, several by a script."""

from __future__ import annotations

from typing import Any

from django import http, shortcuts, urls
from django.contrib import admin, messages
from django.core import exceptions as django_exceptions
from drf_spectacular import utils
from rest_framework import request, status

from etl.api import problems, uploads, views
from etl.usecases import outcomes
from warehouse import words


@utils.extend_schema(exclude=True)
class UploadPage(uploads.ReceivingView):
    get_right = uploads.ReceivingView.post_right

    def get(self, request: request.Request) -> http.HttpResponse:
        context = {**admin.site.each_context(request), "title": "Upload flow files"}
        return shortcuts.render(request, "admin/etl/upload.html", context)

    def post(self, request: request.Request) -> http.HttpResponse:
        """Receive what the form sends, and lead to the page of the file."""
        report = self.receive(request)
        is_good = report.outcome in outcomes.GOOD
        told = f"Uploaded {words.visible(report.path)}: {report.outcome.value}"
        if report.reason:
            told += f", {words.visible(report.reason)}"
        messages.add_message(request, messages.SUCCESS if is_good else messages.WARNING, told)
        return http.HttpResponseRedirect(views.page_of(report) or urls.reverse("upload_page"))

    def handle_exception(self, exc: Exception) -> Any:
        """Say on the page what is wrong with what was sent; what else is wrong has pages."""
        answer = problems.handle(exc, self.get_exception_handler_context())
        if answer.status_code in {401, 403}:
            raise django_exceptions.PermissionDenied from exc
        if answer.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
            return answer
        if self.request.method != "POST":
            raise exc
        messages.error(self.request, answer.data["detail"])
        return http.HttpResponseRedirect(urls.reverse("upload_page"))
