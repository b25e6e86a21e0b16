"""What is ticked in a list to be acted on: hand-made nonsense is refused, and is no error."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin import helpers
from django.core import exceptions
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from etl.config import errors
from warehouse import words


_MOST_REPEATED = 40  # characters


class Middleware:
    """Looks at the lists of all models, those of Django and of other packages as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], *_: Any
    ) -> HttpResponseBase | None:
        """Answer in the view's place if what is ticked can be no row of its list."""
        model_admin: admin.ModelAdmin[Any] | None = getattr(view, "model_admin", None)
        if model_admin is None or request.method != "POST" or not request.user.is_staff:
            return None
        is_key = functools.partial(_is_key, model_admin.model)
        is_address: Callable[[str], bool] = getattr(model_admin, "is_address", is_key)
        for value in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME):
            if "\0" in value or not is_address(value):
                told = words.visible(value[:_MOST_REPEATED])
                return errors.bad_request(
                    request,
                    exceptions.BadRequest(
                        f"“{told}” is no row of this list, so nothing was done. Go back, reload"
                        " the list and tick the rows there."
                    ),
                )
        return None


def _is_key(model: type[Model], value: str) -> bool:
    try:
        model._meta.pk.to_python(value)  # noqa: SLF001 - Django's name for it
    except exceptions.ValidationError:
        return False
    return True
