"""What every answer tells the browser that it may do with a page: next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


_UNUSED: Final = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
HEADERS: Final = {
    # No page has inline scripts or styles, or anything from elsewhere.
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
        " object-src 'none'"
    ),
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
}


class Middleware:
    """Stands outermost, so that redirects, refusals and errors have the headers too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        # What Django shows a developer of an error has its styles and scripts within.
        if not (settings.DEBUG and response.status_code in {404, 500}):
            for name, policy in HEADERS.items():
                response.headers.setdefault(name, policy)
        return response
