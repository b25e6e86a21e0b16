"""Filters whose choices cost a bounded look, however much there is to choose from."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin import options
from django.db.models import QuerySet
from django.http import HttpRequest

from warehouse import models, words
from warehouse.admin import addresses, searching
from warehouse.queries import files


class ChoiceFilter(admin.SimpleListFilter):
    """
    A filter by a few values.

    A value that is asked for and not among them is offered beside them, and filters too: to show
    everything instead would be taken for the answer.
    """

    def values(self) -> Sequence[tuple[str, str]]:
        """Return the values to choose from, each with its words."""
        raise NotImplementedError

    def in_words(self, value: str) -> str:
        """Return the words for a value that is not among those to choose from."""
        return words.visible(value)

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return those of the rows that have this value."""
        raise NotImplementedError

    def value(self) -> str | None:
        value = super().value()
        return value and value.replace("\0", "")  # which the server takes in no text

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        model_admin: options.ModelAdmin[Any],  # noqa: ARG002 - Django's signature
    ) -> list[tuple[str, str]]:
        choices = list(self.values())
        value = self.value()
        if value and value not in dict(choices):
            choices.append((value, self.in_words(value)))
        return choices

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[Any],
    ) -> QuerySet[Any]:
        value = self.value()
        return self.narrow(queryset, value) if value else queryset


def narrowed(request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> QuerySet[Any]:
    """Return the rows that the filters of a list leave, whichever of its pages is shown."""
    rows = model_admin.get_queryset(request).order_by()
    for offer in model_admin.list_filter:
        asked: Any = offer(request, dict(request.GET.lists()), model_admin.model, model_admin)  # type: ignore[operator] # all are classes of ours
        rows = asked.queryset(request, rows)
    return rows


class FlowFileFilter(ChoiceFilter):
    """The rows of one flow file; offered where a link has asked for it."""

    title = "flow file"
    parameter_name = "file"

    def of_file(self, queryset: QuerySet[Any], flow_file_id: int) -> QuerySet[Any]:
        """Return those of the rows that come from this flow file."""
        raise NotImplementedError

    def values(self) -> Sequence[tuple[str, str]]:
        return ()

    def in_words(self, value: str) -> str:
        named = models.FlowFile.objects.filter(id=flow_file_id(value))
        return words.visible(next(iter(named.values_list("file_name", flat=True)), "unknown file"))

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return self.of_file(queryset, flow_file_id(value))


def flow_file_id(value: str) -> int:
    """Return the id of the flow file that is meant, or 0, which none has."""
    return addresses.row_id(value, below=2**31)


class SenderFilter(ChoiceFilter):
    title = "sender"
    parameter_name = "sender"

    def values(self) -> Sequence[tuple[str, str]]:
        return [(sender, words.visible(sender)) for sender in files.senders()]


class GivenFilter(ChoiceFilter):
    """One whose value is typed, and no choices are looked up; it narrows what is searched only."""

    def values(self) -> Sequence[tuple[str, str]]:
        return ()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return super().queryset(request, queryset) if searching.typed(request) else queryset


class DayFilter(GivenFilter):
    """A day, as ISO has it; what is none narrows to nothing, as an unknown value does."""

    def of_day(self, queryset: QuerySet[Any], day: datetime.date) -> QuerySet[Any]:
        """Return those of the rows that this day means."""
        raise NotImplementedError

    def narrow(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        day = words.read_day(value)
        return self.of_day(queryset, day) if day else queryset.none()
