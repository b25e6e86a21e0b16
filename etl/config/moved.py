"""What is elsewhere than by custom: the admin one level higher, the icon among static files."""

from __future__ import annotations

from django import http, urls
from django.templatetags import static
from django.views.decorators import http as methods


@methods.require_safe
def page(request: http.HttpRequest, rest: str = "") -> http.HttpResponseRedirect:
    """Lead to the page of the same name, and never to another site, such as `//host`."""
    query = request.META.get("QUERY_STRING", "")
    address = urls.reverse("admin:index") + rest.lstrip("/\\")
    return http.HttpResponseRedirect(f"{address}?{query}" if query else address)


@methods.require_safe
def icon(request: http.HttpRequest) -> http.HttpResponseRedirect:  # noqa: ARG001 - Django's signature
    """Lead to the icon, for whatever asks without having read a page."""
    return http.HttpResponseRedirect(static.static("warehouse/favicon.svg"))
