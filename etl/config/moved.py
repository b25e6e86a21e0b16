"""The admin at the address that it has by custom: it stands one level higher here."""

from __future__ import annotations

from django import http, urls
from django.views.decorators import http as methods


@methods.require_safe
def page(request: http.HttpRequest, rest: str = "") -> http.HttpResponseRedirect:
    """Lead to the page of the same name, and never to another site, such as `//host`."""
    query = request.META.get("QUERY_STRING", "")
    address = urls.reverse("admin:index") + rest.lstrip("/\\")
    return http.HttpResponseRedirect(f"{address}?{query}" if query else address)
