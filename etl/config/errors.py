"""Pages for what went wrong: they ask neither the database nor who is logged in."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.core import exceptions
from django.http import HttpRequest, HttpResponse
from django.template import loader


_HEADINGS: Final = {
    400: "This request is not valid",
    403: "You may not do that",
    404: "There is no such page",
    500: "Something went wrong",
}
_ADVICE: Final = {
    400: ("No page of this site sends such a request. Go back, reload the page and try again."),
    403: (
        "Your login does not have the right to see or do this. Ask an administrator of this site"
        " for it."
    ),
    404: (
        "The address may be mistyped, or the page no longer exists. Search from the start page."
    ),
    500: (
        "The fault is in this site, not in what you did, and it is in the log. Try again in a"
        " minute. If it happens again, tell an administrator what you did and when."
    ),
}
_OF_A_FORM: Final = (
    "The page was opened before you logged in, or cookies are blocked. Go back, reload the page"
    " and send the form again."
)


def bad_request(_: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say what is wrong where our own code says it; other errors could tell too much."""
    is_told = isinstance(exception, exceptions.BadRequest)
    return _page(400, advice=str(exception) if is_told else "")


def permission_denied(_: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return _page(403)


def page_not_found(_: HttpRequest, exception: Exception | None = None, **__: str) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return _page(404)


def server_error(_: HttpRequest) -> HttpResponse:
    return _page(500)


def csrf_failure(_: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    return _page(403, heading="This form is out of date", advice=_OF_A_FORM)


def _page(status: int, *, heading: str = "", advice: str = "") -> HttpResponse:
    context = {
        "title": heading or _HEADINGS[status],
        "advice": advice or _ADVICE[status],
        "site_header": admin.site.site_header,
        "site_title": admin.site.site_title,
    }
    return HttpResponse(loader.render_to_string("admin/error.html", context), status=status)
