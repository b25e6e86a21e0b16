"""Marks that Operations puts on issues, one by one or on all that are ticked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms, urls
from django.contrib import admin, messages
from django.contrib.admin import helpers, models, utils
from django.core import exceptions
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import html, safestring, timezone

from warehouse import codes, words
from warehouse.admin import audit, filters, read_only
from warehouse.models import LineIssue
from warehouse.queries import marks


_STATUSES = [(marks.OPEN, "open"), *codes.Mark.choices]
_LONGEST_NOTE = 500


def _note() -> forms.CharField:
    box = forms.TextInput(attrs={"size": 40})
    return forms.CharField(label="Note:", required=False, max_length=_LONGEST_NOTE, widget=box)


class MarkForm(forms.Form):
    """What an issue is marked as, and why."""

    status = forms.ChoiceField(label="It is:", choices=_STATUSES)
    note = _note()


class _ActionForm(helpers.ActionForm):
    note = _note()


class MarkFilter(filters.ChoiceFilter):
    title = "mark"
    parameter_name = "mark"

    def values(self) -> Sequence[tuple[str, str]]:
        return _STATUSES

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return marks.narrowed(queryset, value)


class ChangeList(read_only.ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        marks.tell(self.result_list)


class MarkingAdmin(read_only.ReadOnlyAdmin):
    """Issues, which are read-only as all rows are, and marks beside them, which are not."""

    action_form = _ActionForm
    actions = ("mark_as_asked", "mark_as_answered", "mark_as_open")
    change_form_template = "admin/warehouse/lineissue/change_form.html"

    def has_mark_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("warehouse.mark_issue")

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002 - Django's signature
        return ChangeList

    def get_urls(self) -> list[urls.URLPattern]:
        mark = self.admin_site.admin_view(self.mark_one)
        return [
            urls.path("<path:object_id>/mark/", mark, name="warehouse_lineissue_mark"),
            *super().get_urls(),
        ]

    def find(self, request: HttpRequest, address: str) -> Any:
        issue = super().find(request, address)
        if issue is not None:
            marks.tell([issue])
        return issue

    def context_of(self, request: HttpRequest, row: LineIssue) -> dict[str, Any]:
        if not self.has_mark_permission(request):
            return {}
        kept = {"status": row.mark.status, "note": row.mark.note} if row.mark else None
        address = urls.reverse("admin:warehouse_lineissue_mark", args=[row.pk])
        return {"mark_form": MarkForm(initial=kept), "mark_url": address}

    def mark_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """
        Mark the issue of a page as its form says, in place of what it was marked as.

        :raises PermissionDenied: if the user may not, or posts nothing
        :raises Http404: if there is no such issue
        """
        if request.method != "POST" or not self.has_mark_permission(request):
            raise exceptions.PermissionDenied
        issue = self.get_object(request, utils.unquote(object_id))
        if issue is None:
            raise Http404
        form = MarkForm(request.POST)
        if form.is_valid():
            self._mark(request, [issue], form.cleaned_data["status"], form.cleaned_data["note"])
        else:
            told = "; ".join(f"{text}" for texts in form.errors.values() for text in texts)
            self.message_user(request, f"Not marked: {told}", messages.ERROR)
        page = urls.reverse("admin:warehouse_lineissue_change", args=[issue.pk])
        return HttpResponseRedirect(page)

    @admin.action(description="Mark as asked", permissions=["mark"])
    def mark_as_asked(self, request: HttpRequest, queryset: QuerySet[LineIssue]) -> None:
        self._mark_selected(request, queryset, codes.Mark.ASKED)

    @admin.action(description="Mark as answered", permissions=["mark"])
    def mark_as_answered(self, request: HttpRequest, queryset: QuerySet[LineIssue]) -> None:
        self._mark_selected(request, queryset, codes.Mark.ANSWERED)

    @admin.action(description="Mark as open again", permissions=["mark"])
    def mark_as_open(self, request: HttpRequest, queryset: QuerySet[LineIssue]) -> None:
        self._mark_selected(request, queryset, marks.OPEN)

    @admin.display(description="mark")
    def mark_in_full(self, issue: LineIssue) -> safestring.SafeString:
        if issue.mark is None:
            return html.format_html("{}", "open")
        return html.format_html(
            "{}, marked by {} on {}{}",
            issue.mark.get_status_display(),
            words.visible(issue.mark.marked_by),
            words.minute_tag(issue.mark.marked_at),
            f": {words.visible(issue.mark.note)}" if issue.mark.note else "",
        )

    def mark_below(self, issue: LineIssue) -> safestring.SafeString:
        """Return the mark with its note on a line of its own, where there is one."""
        if issue.mark is None:
            return safestring.SafeString()
        return html.format_html(
            '<br><span class="badge">{}</span> {}',
            issue.mark.get_status_display(),
            words.visible(issue.mark.note),
        )

    def _mark_selected(
        self, request: HttpRequest, queryset: QuerySet[LineIssue], status: str
    ) -> None:
        issues = list(queryset[: marks.MOST_MARKED + 1])
        if len(issues) > marks.MOST_MARKED:
            told = f"Nothing is marked: at most {marks.MOST_MARKED} are at once. Filter the list."
            self.message_user(request, told, messages.WARNING)
            return
        # The form that came with it has been checked by now.
        self._mark(request, issues, status, request.POST.get("note", "").strip() or None)

    def _mark(
        self, request: HttpRequest, issues: Sequence[LineIssue], status: str, note: str | None
    ) -> None:
        """Mark them and log that, without the note: a log can't be made to forget."""
        name, user = dict(_STATUSES)[status], audit.user_of(request)
        with transaction.atomic():
            marks.mark(
                issues,
                status=status,
                note=note,
                marked_by=user.get_username(),
                marked_at=timezone.now(),
            )
            models.LogEntry.objects.log_actions(
                user.pk, issues, models.CHANGE, f"Marked as {name}"
            )
        count = len(issues)
        told = f"{count:,} {'issue is' if count == 1 else 'issues are'} marked as {name}."
        self.message_user(request, told, messages.SUCCESS)
