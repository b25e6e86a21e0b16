"""Pages of a long list: each begins behind the last row of the one before."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Q
from rest_framework import exceptions, pagination, request, response, serializers, views


SIZE = 100


class CursorPagination(pagination.BasePagination):
    """
    By the two fields that the view calls its `place`, of which the second is the id.

    Not the framework's own, which counts rows that share a place in the first, and many files do:
    those of one command came at the same time.
    """

    _next: str | None = None

    def paginate_queryset(
        self, queryset: Any, request: request.Request, view: views.APIView | None = None
    ) -> Any:
        place: tuple[str, str] = view.place  # type: ignore[union-attr] # ours has one
        names = [field.lstrip("-") for field in place]
        cursor = request.query_params.get("cursor")
        if cursor:
            queryset = queryset.filter(_behind(place, _decoded(cursor, queryset.model, names)))
        places = list(queryset.order_by(*place).values_list(*names)[: SIZE + 1])
        if len(places) > SIZE:
            text = json.dumps([str(value) for value in places[SIZE - 1]])
            behind = base64.urlsafe_b64encode(text.encode()).decode()
            query = request.query_params.copy()
            query["cursor"] = behind
            self._next = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        ids = [row_id for _, row_id in places[:SIZE]]
        return queryset.filter(pk__in=ids).order_by(*place)

    def get_paginated_response(self, data: Any) -> response.Response:
        return response.Response({"next": self._next, "results": data})

    def get_paginated_response_schema(self, schema: Any) -> Any:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": link, "results": schema},
        }


def _behind(place: tuple[str, str], values: list[Any]) -> Q:
    first, second = (
        f"{field.lstrip('-')}__{'lt' if field.startswith('-') else 'gt'}" for field in place
    )
    return Q(**{f"{first}e": values[0]}) & (Q(**{first: values[0]}) | Q(**{second: values[1]}))


def _decoded(cursor: str, model: type[Model], names: list[str]) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        mapping: Mapping[Any, Any] = serializers.ModelSerializer.serializer_field_mapping
        fields = [mapping[type(model._meta.get_field(name))]() for name in names]  # noqa: SLF001 - Django's name
        return [
            field.to_internal_value(value) for field, value in zip(fields, values, strict=True)
        ]
    except (ValueError, TypeError, RecursionError, exceptions.ValidationError) as error:
        raise exceptions.ValidationError(
            {"cursor": ["Expected the cursor of a next page."]}
        ) from error
