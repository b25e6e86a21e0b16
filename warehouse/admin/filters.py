"""Filters whose choices cost a bounded look, however much there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin import options
from django.db.models import QuerySet
from django.http import HttpRequest

from warehouse import models
from warehouse.admin import words
from warehouse.queries import files


_MOST_DIGITS = 10  # of an id below 2**31


class FlowFileFilter(admin.SimpleListFilter):
    """The rows of one flow file; offered where a link has asked for it."""

    title = "flow file"
    parameter_name = "file"

    def narrow(self, queryset: QuerySet[Any], flow_file_id: int) -> QuerySet[Any]:
        """Return those of the rows that come from this flow file."""
        raise NotImplementedError

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        model_admin: options.ModelAdmin[Any],  # noqa: ARG002 - Django's signature
    ) -> list[tuple[str, str]]:
        flow_file_id = self._flow_file_id()
        if not flow_file_id:
            return []
        named = models.FlowFile.objects.filter(id=flow_file_id).values_list("file_name", flat=True)
        return [(str(flow_file_id), words.visible(next(iter(named), "unknown file")))]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[Any],
    ) -> QuerySet[Any]:
        flow_file_id = self._flow_file_id()
        return self.narrow(queryset, flow_file_id) if flow_file_id else queryset

    def _flow_file_id(self) -> int:
        value = self.value() or ""
        is_id = value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS
        return int(value) if is_id else 0


class ChoiceFilter(admin.SimpleListFilter):
    """A filter by a few values; one that is not among them filters nothing."""

    def values(self) -> Sequence[tuple[str, str]]:
        """Return the values to choose from, each with its words."""
        raise NotImplementedError

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return those of the rows that have this value."""
        raise NotImplementedError

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        model_admin: options.ModelAdmin[Any],  # noqa: ARG002 - Django's signature
    ) -> list[tuple[str, str]]:
        return list(self.values())

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[Any],
    ) -> QuerySet[Any]:
        value = self.value()
        choices = [str(choice) for choice, _ in self.lookup_choices]
        return self.narrow(queryset, value) if value in choices else queryset


class SenderFilter(ChoiceFilter):
    title = "sender"
    parameter_name = "sender"

    def values(self) -> Sequence[tuple[str, str]]:
        return [(sender, words.visible(sender)) for sender in files.senders()]
