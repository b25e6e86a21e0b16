"""Look-ups: recorded wherever readings of a meter point are shown, listed for auditors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import urls
from django.contrib import admin
from django.contrib.auth import base_user
from django.core import exceptions
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import html, safestring, timezone

from warehouse import audits, codes, words
from warehouse.admin import read_only
from warehouse.queries import look_ups, terms


def record(request: HttpRequest, mpan_cores: Iterable[str], looked_at: codes.LookedAt) -> None:
    """
    Record that the user of this request was shown readings of these meter points.

    :raises PermissionDenied: if nobody is logged in
    """
    _record(request, looked_at, mpan_cores=mpan_cores)


def record_files(
    request: HttpRequest, flow_file_ids: Iterable[int], looked_at: codes.LookedAt
) -> None:
    """
    Record that the user of this request was shown all readings of these flow files.

    :raises PermissionDenied: if nobody is logged in
    """
    _record(request, looked_at, flow_file_ids=flow_file_ids)


def _record(request: HttpRequest, looked_at: codes.LookedAt, **seen: Any) -> None:
    user, now = user_of(request), timezone.now()
    look_ups.record(user=user, looked_at=looked_at, looked_up_at=now, **seen)


def user_of(request: HttpRequest) -> base_user.AbstractBaseUser:
    """
    Return who asks.

    :raises PermissionDenied: if nobody is logged in
    """
    if not isinstance(request.user, base_user.AbstractBaseUser):
        raise exceptions.PermissionDenied
    return request.user


@admin.register(audits.LookUp)
class LookUpAdmin(read_only.ReadOnlyAdmin):
    list_display = ("when", "who", "mpan", "file", "looked_at")
    list_display_links = None
    list_select_related = ("flow_file",)
    ordering = ("-id",)
    search_fields = ("mpan_core",)  # shows the box; what is searched is told below
    search_help_text = "An MPAN, or the name of a user."
    fields = ("when", "who", "mpan", "file", "looked_at")

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[audits.LookUp],
        search_term: str,
    ) -> tuple[QuerySet[audits.LookUp], bool]:
        typed = search_term.strip()
        if typed:
            mpan_core = terms.read(typed).mpan_core
            queryset = (
                look_ups.of_meter_point(queryset, mpan_core)
                if mpan_core
                else queryset.filter(user_name=typed)
            )
        return queryset, False

    @admin.display(description="user")
    def who(self, look_up: audits.LookUp) -> str:
        return words.visible(look_up.user_name)

    @admin.display(description="MPAN")
    def mpan(self, look_up: audits.LookUp) -> str:
        return look_up.mpan_core or words.NOTHING

    @admin.display(description="all of the file")
    def file(self, look_up: audits.LookUp) -> safestring.SafeString:
        if look_up.flow_file is None:
            return html.format_html("{}", words.NOTHING)
        url = urls.reverse("admin:warehouse_flowfile_change", args=[look_up.flow_file.pk])
        return html.format_html(
            '<a href="{}">{}</a>', url, words.visible(look_up.flow_file.file_name)
        )

    @admin.display(description="when, UK time")
    def when(self, look_up: audits.LookUp) -> safestring.SafeString:
        return html.format_html("{}", words.clock_time_tag(look_up.looked_up_at))
