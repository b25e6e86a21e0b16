"""The schema of the REST interface, and a page that shows it, from this server alone."""

from __future__ import annotations

from django import http, shortcuts
from django.views.decorators import http as methods
from drf_spectacular import views as spectacular
from rest_framework import permissions


# Its styles have small images written into them.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'; object-src 'none'"
)


class SchemaView(spectacular.SpectacularJSONAPIView):
    permission_classes = (permissions.IsAuthenticated,)


@methods.require_safe
def page(request: http.HttpRequest) -> http.HttpResponse:
    response = shortcuts.render(request, "api/docs.html")
    response.headers["Content-Security-Policy"] = _POLICY
    return response
