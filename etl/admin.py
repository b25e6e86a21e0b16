"""What the pipeline adds to the admin: raw lines, and what can be done about a file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from django import shortcuts, urls
from django.contrib import admin, messages
from django.core import exceptions
from django.db.models import Model, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from etl import models
from etl.domain import findings, flows, headers, trailers
from etl.usecases import raw_lines as contents
from etl.usecases import transform
from warehouse import codes, keys, words
from warehouse import models as warehouse_models
from warehouse.admin import (
    addresses,
    audit,
    flow_files,
    raw_lines,
    read_only,
    remedies,
    searching,
)
from warehouse.queries import files


NEIGHBORS = 10
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")  # in the name of a download
_LONGEST_NAME = 100
_MOST_TOLD = 10  # files, each in a message of its own
_ENVELOPE = {"header": "file header", "trailer": "file trailer"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    number: int
    url: str
    group: str
    payload: str
    is_wanted: bool
    is_parent: bool


@admin.register(models.StagedLine)
class StagedLineAdmin(read_only.ReadOnlyAdmin):
    """One page a line; a list of all lines of all files would help nobody."""

    fields = ()
    change_form_template = "admin/etl/stagedline/page.html"

    def has_view_permission(
        self,
        request: HttpRequest,
        obj: Model | None = None,  # noqa: ARG002 - Django's signature
    ) -> bool:
        """Who may see a reading may see the line that it came from."""
        return request.user.has_perm("warehouse.view_reading")

    def has_module_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def find(self, request: HttpRequest, address: str) -> models.StagedLine | None:  # noqa: ARG002 - of the base class
        line_id = addresses.row_id(address)
        stretch = keys.stretch(line_id)
        return models.StagedLine.objects.filter(stretch=stretch, id=line_id).first()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the files, or to the line of a file that is asked for by its number."""
        if request.method == "POST":
            return super().changelist_view(request, extra_context)
        flow_file_id = addresses.row_id(request.GET.get("file", ""), below=2**31)
        if not flow_file_id:
            return HttpResponseRedirect(reverse("admin:warehouse_flowfile_changelist"))
        number = addresses.row_id(request.GET.get("line", "").strip(), below=2**32)
        line_id = raw_lines.line_id(flow_file_id, number)
        return HttpResponseRedirect(reverse("admin:etl_stagedline_change", args=[line_id]))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """
        Show the line with those around it, and its items by name.

        A line that is no longer kept is told of on the page of its file.
        """
        if request.method == "POST" or not self.has_view_permission(request):
            return super().change_view(request, object_id, form_url, extra_context)
        line = self.get_object(request, object_id)
        if line is None:
            return self._tell_that_it_is_not_kept(request, object_id)
        flow_file = warehouse_models.FlowFile.objects.get(id=line.pk >> 32)
        neighbors = _neighbors(line.pk)
        mpan_cores = (neighbor.mpan_core for neighbor in neighbors)
        audit.record(request, mpan_cores, codes.LookedAt.RAW_LINE)
        context = _page(line, flow_file, neighbors) | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def _tell_that_it_is_not_kept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        line_id = addresses.row_id(object_id)
        flow_file = warehouse_models.FlowFile.objects.filter(id=line_id >> 32).first()
        if flow_file is None:
            self.message_user(request, "There is no such line.", messages.WARNING)
            return HttpResponseRedirect(reverse("admin:index"))
        self.message_user(request, _why_not_kept(flow_file, line_id), messages.WARNING)
        return HttpResponseRedirect(
            reverse("admin:warehouse_flowfile_change", args=[flow_file.pk])
        )


def _why_not_kept(flow_file: warehouse_models.FlowFile, line_id: int) -> str:
    if not raw_lines.are_kept(flow_file):
        return f"The raw line is not kept. {raw_lines.why_not_whole(flow_file)}"
    return (
        f"The file has no line {line_id & 0xFFFF_FFFF:,} with text in it;"
        f" it has {flow_file.line_count:,} lines."
    )


def _neighbors(line_id: int) -> Sequence[models.StagedLine]:
    # A row holds a line at least, so as many rows before and behind hold them all.
    first, last = files.stretches(line_id >> 32)
    here = keys.stretch(line_id)
    rows = models.StagedText.objects.alias(stretch=files.STRETCH)
    before = rows.filter(stretch__range=(first, here), id__lte=line_id).order_by("-stretch", "-id")
    behind = rows.filter(stretch__range=(here, last), id__gt=line_id).order_by("stretch", "id")
    ids = [
        *before.values_list("id", flat=True)[: NEIGHBORS + 1],
        *behind.values_list("id", flat=True)[:NEIGHBORS],
    ]
    stretches = (keys.stretch(min(ids)), keys.stretch(max(ids)))
    lines = models.StagedLine.objects.filter(stretch__range=stretches)
    return [
        *reversed(lines.filter(id__lt=line_id).order_by("-id")[:NEIGHBORS]),
        *lines.filter(id__gte=line_id).order_by("id")[: NEIGHBORS + 1],
    ]


def _page(
    line: models.StagedLine,
    flow_file: warehouse_models.FlowFile,
    neighbors: Sequence[models.StagedLine],
) -> dict[str, Any]:
    return {
        "title": f"Line {line.line_number} of {words.visible(flow_file.file_name)}",
        "subtitle": None,
        "file_name": words.visible(flow_file.file_name),
        "file_url": reverse("admin:warehouse_flowfile_change", args=[flow_file.pk]),
        "meter_point_url": _meter_point_url(line.mpan_core),
        "group": _group_in_words(line.kind),
        "items": _items(line),
        "lines": [
            Line(
                number=neighbor.line_number,
                url=reverse("admin:etl_stagedline_change", args=[neighbor.pk]),
                group=_group_in_words(neighbor.kind),
                payload=words.visible(neighbor.payload),
                is_wanted=neighbor.pk == line.pk,
                is_parent=neighbor.pk == line.parent_id,
            )
            for neighbor in neighbors
        ],
    }


def _meter_point_url(mpan_core: str) -> str:
    """Return the address of the meter point that a line stands under, if it is a known one."""
    known = warehouse_models.MeterPoint.objects.filter(mpan_core=mpan_core)
    return searching.meter_point_url(mpan_core) if known.exists() else ""


def _items(line: models.StagedLine) -> Sequence[tuple[str, str]]:
    group = flows.GROUPS.get(line.kind)
    values = line.payload.split("|")[1:]
    if group is None:
        return []
    return [
        (f"{item.name} ({item.number})", words.visible(value) or words.NOTHING)
        for item, value in zip(group.items, values, strict=False)
    ]


def _group_in_words(kind: str) -> str:
    group = flows.GROUPS.get(kind)
    return group.name if group else _ENVELOPE.get(kind, "unknown group")


# What can be accepted of a refused file, as uploads name it, and what it is refused for then.
_RULES = {
    "accept_test_files": {"test-file"},
    "accept_reused_file_ids": {"reused-file-id"},
    "accept_wrong_counts": {"group-count-differs", "file-id-differs"},
}


class PipelineFlowFileAdmin(flow_files.FlowFileAdmin):
    """Flow files, with what the pipeline can do about them."""

    actions = ("transform_pending",)
    change_form_template = "admin/etl/flowfile/page.html"

    def get_urls(self) -> list[urls.URLPattern]:
        content = self.admin_site.admin_view(self.download_content)
        return [
            urls.path("<int:flow_file_id>/content/", content, name="warehouse_flowfile_content"),
            *super().get_urls(),
        ]

    def has_transform_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("etl.transform_pending")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_upload = request.user.has_perm("etl.upload_flow_file")
        tools = [("Upload flow files", reverse("upload_page"))] if may_upload else []
        return super().changelist_view(request, {"tools": tools, **(extra_context or {})})

    def context_of(self, request: HttpRequest, row: warehouse_models.FlowFile) -> dict[str, Any]:
        context = super().context_of(request, row)
        rules = [
            (name, name.replace("_", " "), context["refused_for"] in refused_for)
            for name, refused_for in _RULES.items()
        ]
        may_accept = request.user.has_perm("etl.upload_flow_file")
        is_acceptable = any(is_meant for *_, is_meant in rules)
        return {
            **context,
            "may_transform": self.has_transform_permission(request),
            "may_see_lines": request.user.has_perm("warehouse.view_reading"),
            "rules": rules if may_accept and is_acceptable else (),
        }

    def download_content(self, request: HttpRequest, flow_file_id: int) -> HttpResponseBase:
        """
        Hand on the file as it came, its records each ended by one LF: what its hash is over.

        :raises PermissionDenied: if the user may not see raw lines, or posts
        :raises Http404: if there is no such file
        """
        if request.method != "GET" or not request.user.has_perm("warehouse.view_reading"):
            raise exceptions.PermissionDenied
        flow_file = shortcuts.get_object_or_404(warehouse_models.FlowFile, id=flow_file_id)
        if why := raw_lines.why_not_whole(flow_file):
            self.message_user(request, why, messages.WARNING)
            return HttpResponseRedirect(
                reverse("admin:warehouse_flowfile_change", args=[flow_file.pk])
            )
        audit.record_files(request, [flow_file.pk], codes.LookedAt.DOWNLOAD)
        name = _UNSAFE.sub("_", flow_file.file_name).strip("._")[:_LONGEST_NAME]
        name = name.removesuffix(".uff") or flow_file.sha256
        return StreamingHttpResponse(
            contents.content_of(flow_file),
            content_type="text/plain",
            headers={"Content-Disposition": f'attachment; filename="{name}.uff"'},
        )

    @admin.action(description="Transform again what is pending", permissions=["transform"])
    def transform_pending(
        self, request: HttpRequest, queryset: QuerySet[warehouse_models.FlowFile]
    ) -> None:
        """
        Transform those of the files that were staged and no more; leave the others alone.

        Some are done at a time, so that a request that is cut short has not worked for nothing.
        """
        pending_count = queryset.filter(status=codes.FlowFileStatus.STAGED).count()
        if not pending_count:
            self.message_user(request, "None of the files is pending.", messages.WARNING)
            return
        done = 0
        for chunk in transform.transform_waiting(queryset, transformed_at=timezone.now()):
            ids = [flow_file.id for flow_file in chunk]
            for flow_file in warehouse_models.FlowFile.objects.filter(pk__in=ids).order_by("pk"):
                done += 1
                name = words.visible(flow_file.file_name)
                outcome = f"{name}: {words.outcome(flow_file)}"
                self.log_change(request, flow_file, f"Transformed again: {outcome}")
                if done <= _MOST_TOLD:
                    # Django starts a message with a capital, which a file name must not get.
                    self.message_user(request, f"Transformed {outcome}", messages.INFO)
        if done > _MOST_TOLD:
            self.message_user(request, f"Transformed {done:,} files in all.", messages.INFO)
        if done < pending_count:
            self.message_user(
                request, "The others are being transformed by somebody else.", messages.WARNING
            )


words.learn_items(
    {item.number: item.name for group in flows.GROUPS.values() for item in group.items}
    | {number: name for number, name, _ in headers.FIELDS}
    | trailers.NAMES
)
raw_lines.learn_page("admin:etl_stagedline_change")
remedies.learn({finding.code: finding.remedy for finding in findings.CATALOGUE.values()})
admin.site.unregister(warehouse_models.FlowFile)
admin.site.register(warehouse_models.FlowFile, PipelineFlowFileAdmin)
