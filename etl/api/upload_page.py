"""The pages of the admin to which files are brought: new ones, and one that was refused."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from django import http, shortcuts, urls
from django.contrib import admin, messages
from django.contrib.admin import models as admin_models
from django.core import exceptions as django_exceptions
from drf_spectacular import utils
from rest_framework import exceptions, request, status

from etl.api import problems, uploads, views
from etl.intake import sources
from etl.usecases import outcomes, stage
from warehouse import models, words


@utils.extend_schema(exclude=True)
class UploadPage(uploads.ReceivingView):
    """One by a plain form, several by a script."""

    get_right = uploads.ReceivingView.post_right

    def get(self, request: request.Request) -> http.HttpResponse:
        context = {**admin.site.each_context(request), "title": "Upload flow files"}
        return shortcuts.render(request, "admin/etl/upload.html", context)

    def post(self, request: request.Request) -> http.HttpResponse:
        """Receive what the form sends, and lead to the page of the file."""
        return self.tell(request, self.receive(self.asked(request)))

    def tell(self, request: request.Request, report: outcomes.FileReport) -> http.HttpResponse:
        """Lead to the page of the file, and say there what became of it."""
        is_good = report.outcome in outcomes.GOOD
        told = f"Uploaded {words.visible(report.path)}: {report.outcome.value}"
        if report.reason:
            told += f", {words.visible(report.reason)}"
        messages.add_message(request, messages.SUCCESS if is_good else messages.WARNING, told)
        return http.HttpResponseRedirect(views.page_of(report) or self.form_url())

    def form_url(self) -> str:
        """Return the address of the page that has the form."""
        return urls.reverse("upload_page")

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
        return http.HttpResponseRedirect(self.form_url())


@utils.extend_schema(exclude=True)
class AcceptPage(UploadPage):
    """
    Where a refused file comes once more, to be loaded by a rule that somebody relaxes for it.

    Its lines are not stored, so whoever accepts it chooses it once more.
    """

    http_method_names = ["post"]  # noqa: RUF012 - as the base class has it

    def post(self, request: request.Request, flow_file_id: int) -> http.HttpResponse:  # type: ignore[override] # of one file
        """
        Load the content of this flow file, and of no other, and log who accepted what of it.

        :raises ParseError: if another content came, or nothing is accepted
        """
        flow_file = shortcuts.get_object_or_404(models.FlowFile, id=flow_file_id)
        options = self.asked(request)
        accepted = [
            name for name, is_set in options.items() if name.startswith("accept_") and is_set
        ]
        if not accepted:
            raise exceptions.ParseError("Nothing was accepted: say what of the file is.")
        if _hash(options) != flow_file.sha256:
            raise exceptions.ParseError(
                f"The file that was chosen is not {words.visible(flow_file.file_name)}, but"
                " another content. Nothing of it was taken; upload it by itself."
            )
        report = self.receive(options)
        rules = ", ".join(accepted).replace("_", " ")
        admin_models.LogEntry.objects.log_actions(  # type: ignore[call-overload] # for users of no id
            request.user.pk,
            [flow_file],
            admin_models.CHANGE,
            f"{rules.capitalize()}: {report.outcome.value}",
            single_object=True,
        )
        return self.tell(request, report)

    def form_url(self) -> str:
        return urls.reverse("admin:warehouse_flowfile_change", args=[self.kwargs["flow_file_id"]])


def _hash(options: Mapping[str, Any]) -> str:
    """
    Return the hash of the records that came, however they are packed.

    :raises ParseError: if they can't be unpacked
    """
    try:
        arrival = sources.Arrival(path=options["file"].file.name)
        with contextlib.closing(sources.Source(arrival)) as source:
            return stage.read(source, rules=stage.Rules(), known=()).sha256
    except sources.UnreadableError as error:
        raise exceptions.ParseError(f"The file can't be read: {error}.") from error
